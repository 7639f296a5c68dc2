"""A dataset without the items that were found faulty, and the list that names them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from torch import Tensor

from gcdp_bench.core.images import Size
from gcdp_bench.core.types import AttributedDataset, Fault, Triplet
from gcdp_bench.datasets.disk import DiskDataset, template_note_of
from gcdp_bench.datasets.framing import native_of, resize_of
from gcdp_bench.datasets.reading import Mentioning, reading_of
from gcdp_bench.io.atomic import replacing
from gcdp_bench.io.validation import nfc, parse_json, read_lines, shown


class Without:
    """A dataset on disk without some of its items (`left_out`); the rest must be complete.

    Args:
        dataset: opened with `strict=False`, so that faulty items can be left out.
        ids: items to leave out; those that the dataset does not have are no error, since one list
            serves subsets of a dataset.

    Raises:
        FileNotFoundError, ValueError: a file or caption of an item that is kept is missing.
        ValueError: nothing is kept.
    """

    def __init__(self, dataset: DiskDataset, ids: Collection[str]):
        self._dataset = dataset
        left_out = set(map(nfc, ids))
        self._kept = [i for i, name in enumerate(dataset.ids) if name not in left_out]
        if not self._kept:
            raise ValueError(
                f"{dataset.name} {dataset.split}: expected items that the list "
                f"of --exclude does not name, it names all {len(dataset)}"
            )
        dataset.require(self.ids)
        self.left_out = tuple(name for name in dataset.ids if name in left_out)
        self.name, self.split = dataset.name, dataset.split
        self.class_names, self.image_size = dataset.class_names, dataset.image_size

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids that are kept."""
        return tuple(self._dataset.ids[i] for i in self._kept)

    @property
    def resize(self) -> str:
        """See `framing.resize_of`."""
        return resize_of(self._dataset)

    @property
    def native_size(self) -> Size | None:
        """See `framing.native_of`."""
        return native_of(self._dataset)

    def __len__(self) -> int:
        """Number of items that are kept."""
        return len(self._kept)

    def __getitem__(self, index: int) -> Triplet:
        """Item `index` of those that are kept."""
        return self._dataset[self._kept[index]]

    def caption_classes(self, caption: str) -> frozenset[int]:
        """See `Dataset.caption_classes`."""
        return self._dataset.caption_classes(caption)

    def mentioned_classes(self, caption: str) -> frozenset[int]:
        """See `Mentioning.mentioned_classes`."""
        assert isinstance(self._dataset, Mentioning)
        return self._dataset.mentioned_classes(caption)

    @property
    def reading(self) -> str:
        """See `reading.reading_of`."""
        return reading_of(self._dataset)

    def own_captions(self) -> Mapping[str, str] | None:
        """See `Captioned.own_captions`."""
        captions = self._dataset.own_captions()
        if captions is None:
            return None
        return {name: captions[name] for name in self.ids if name in captions}

    @property
    def template_note(self) -> str | None:
        """See `disk.template_note_of`."""
        return template_note_of(self._dataset)

    def layout(self, index: int) -> Tensor:
        """See `DiskDataset.layout`."""
        return self._dataset.layout(self._kept[index])

    def caption(self, index: int, layout: Tensor) -> str:
        """See `DiskDataset.caption`."""
        return self._dataset.caption(self._kept[index], layout)


class WithoutAttributed(Without):
    """The same of a dataset with attributes."""

    def __init__(self, dataset: DiskDataset, attributed: AttributedDataset, ids: Collection[str]):
        super().__init__(dataset, ids)
        self._attributed = attributed
        self.attribute_names = attributed.attribute_names

    def attributes(self, index: int) -> Tensor:
        """See `AttributedDataset.attributes`."""
        return self._attributed.attributes(self._kept[index])

    def caption_attributes(self, caption: str) -> Mapping[int, bool]:
        """See `AttributedDataset.caption_attributes`."""
        return self._attributed.caption_attributes(caption)


def without(dataset: DiskDataset, ids: Collection[str]) -> Without:
    """The dataset without the items `ids`, with attributes where it has them; see `Without`."""
    if isinstance(dataset, AttributedDataset):
        return WithoutAttributed(dataset, dataset, ids)
    return Without(dataset, ids)


def write_excluded(path: Path, faults: Iterable[tuple[str, Fault]]) -> None:
    """Write faulty items, {"split", "id", "file", "problem"} a line, complete or not at all.

    Args:
        path: file to write.
        faults: (split, fault) pairs.
    """
    with replacing(path) as temporary:
        lines = (
            {"split": split, "id": fault.id, "file": fault.file, "problem": fault.problem}
            for split, fault in faults
        )
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        temporary.write_text(text, encoding="utf-8")


def read_excluded(path: Path, splits: Collection[str]) -> frozenset[str]:
    """Excluded ids of any of `splits`; only "split" and "id" of a line are looked at.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a line has another form; it is named.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: expected a list of faulty items, found none; write one with "
            f"`gcdp-bench data check NAME --faulty {path}`"
        )
    ids = set()
    for number, line in enumerate(read_lines(path), start=1):
        if not line.strip():
            continue
        try:
            entry = parse_json(line)
            split, name = entry["split"], entry["id"]
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f'{path} line {number}: expected {{"split": ..., "id": ...}}, got {shown(line)}'
            ) from error
        if not isinstance(split, str) or not isinstance(name, str):
            raise ValueError(f"{path} line {number}: expected text for split and id")
        if split in splits:
            ids.add(nfc(name))
    return frozenset(ids)

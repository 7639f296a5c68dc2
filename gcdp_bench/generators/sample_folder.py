"""A folder of samples, which is itself a dataset: filled once, by one process or by several."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from gcdp_bench.core.config import read_table, write_json
from gcdp_bench.core.images import PNG_LEVEL
from gcdp_bench.core.provenance import drawn_on
from gcdp_bench.core.types import Batch
from gcdp_bench.datasets.folder_writer import FolderWriter, Sample
from gcdp_bench.io.atomic import output_folder
from gcdp_bench.io.locks import exclusive
from gcdp_bench.io.validation import shown

UNKNOWN_HARDWARE = "not recorded"  # in folders of versions that did not write it


class FolderRequest(Protocol):
    """Request of a folder of samples; stored in it as `samples.json`."""

    @property
    def dataset(self) -> str:
        """Name of the dataset."""
        ...

    @property
    def split(self) -> str:
        """Its split."""
        ...

    @property
    def hash(self) -> str:
        """Short digest of all of it."""
        ...


@dataclass(frozen=True)
class SamplingRecord:
    """Record of a folder's samples, over all runs that filled it."""

    seconds: float
    hardware: str  # of every run, separated by " and "


class SampleWriter:
    """Writes samples into a folder, a `folder` dataset, and how they came about.

    A batch is written while the next one is drawn; at the end of the context all are there.

    Several processes may fill a folder at once, each other samples of it. The files are the same
    whoever drew what; on the CPU, whatever the size of the batch too (see `generate.CPU_BATCH`).

    Args:
        folder: to write to; samples already there are kept.
        request: everything that the samples depend on.
        class_names: of the layouts.
        device: where they are drawn.
        png_level: see `images.write_image`.

    Raises:
        ValueError: the folder holds samples of another request, or images of another origin.
        OSError: it cannot be written.
    """

    def __init__(
        self,
        folder: Path,
        request: FolderRequest,
        *,
        class_names: Sequence[str],
        device: str,
        png_level: int = PNG_LEVEL,
    ):
        self._folder, self._device = output_folder(folder), device
        self._check_record(request)
        self._writer = FolderWriter(
            folder,
            class_names=class_names,
            dataset=request.dataset,
            split=request.split,
            shared=True,
            png_level=png_level,
        )
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._last: Future[None] | None = None  # batch that is being written

    def __enter__(self) -> SampleWriter:
        return self

    def __exit__(self, *exception: object) -> None:
        with self._thread:
            self._wait()

    def holds(self, name: str) -> bool:
        """Whether a sample is there."""
        return self._writer.holds(name)

    def write(self, batch: Batch, seconds: float) -> None:
        """Add samples that took so long, once those before are there.

        Raises:
            OSError: the samples before could not be written.
        """
        self._wait()
        self._last = self._thread.submit(self._write, batch, seconds)

    def _wait(self) -> None:
        last, self._last = self._last, None
        if last is not None:
            last.result()

    def _write(self, batch: Batch, seconds: float) -> None:
        self._add_to_record(seconds)
        layouts = [None] * len(batch) if batch.layouts is None else batch.layouts
        samples = zip(batch.ids, batch.images, layouts, batch.captions, strict=True)
        self._writer.write_all([Sample(*sample) for sample in samples])

    def finish(self, names: Sequence[str]) -> None:
        """Put the list of samples in its order, once all of `names` are there."""
        self._wait()
        if all(map(self._writer.holds, names)):
            self._writer.put_in_order()

    def _check_record(self, request: FolderRequest) -> None:
        """Make `samples.json` of a folder (the request, its hash, and how the samples were drawn:
        `seconds`, `hardware`), or compare the one that is there with the request."""
        folder, path = self._folder, self._folder / "samples.json"
        with exclusive(path):
            if path.exists():
                record = _read_record(path)
                if record.get("hash") != request.hash:
                    raise ValueError(
                        f"{folder} holds samples of another configuration "
                        f"({shown(record.get('request'))}); remove it or choose another folder"
                    )
                return
            if (folder / "images").exists() or (folder / "captions.jsonl").exists():
                raise ValueError(
                    f"{folder}: expected an empty folder or one of samples, found images or "
                    "captions that no samples.json belongs to; choose another folder"
                )
            record = {"request": request, "hash": request.hash, "seconds": 0.0, "hardware": []}
            write_json(path, record)

    def _add_to_record(self, seconds: float) -> None:
        path = self._folder / "samples.json"
        with exclusive(path):
            record = _read_record(path)
            record["seconds"] += seconds
            record["hardware"] = list(dict.fromkeys([*record["hardware"], drawn_on(self._device)]))
            write_json(path, record)


def read_record(folder: Path) -> SamplingRecord:
    """Record of a folder's samples.

    Raises:
        FileNotFoundError: it is no folder of samples.
        ValueError: its record is damaged.
    """
    record = _read_record(folder / "samples.json")
    return SamplingRecord(record["seconds"], " and ".join(record["hardware"]))


def _read_record(path: Path) -> dict[str, Any]:
    record = {"hardware": [UNKNOWN_HARDWARE], **read_table(path)}
    if not isinstance(record.get("seconds"), float) or not isinstance(record["hardware"], list):
        raise ValueError(
            f"{path}: expected seconds and hardware of the samples, got something else; remove "
            "the folder and sample again"
        )
    return record

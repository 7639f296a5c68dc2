"""The judges of one evaluation, loaded together so that what is missing is said at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gcdp_bench.extractors.clip import SmallClip, StandardClip
from gcdp_bench.extractors.inception import Inception
from gcdp_bench.extractors.segmenter import Segmenter
from gcdp_bench.extractors.weights import find_judge
from gcdp_bench.protocols import Dataset


@dataclass(frozen=True)
class Extractors:
    """Segmenter for layouts, and for features unless Inception-v3 gives them; CLIP."""

    segmenter: Segmenter
    clip: SmallClip | StandardClip
    inception: Inception | None

    @property
    def fid_metric(self) -> str:
        """`fid-tf1` for Inception-v3 on torch-fidelity's grid, else `fid-hrnet`."""
        return "fid-hrnet" if self.inception is None else "fid-tf1"

    @property
    def fid_extractor(self) -> str:
        """Name of the network whose features the Fréchet distance compares."""
        return self.segmenter.name if self.inception is None else self.inception.name

    @property
    def digests(self) -> dict[str, str]:
        """Hash of each judge's weights."""
        judges = {"segmenter": self.segmenter, "clip": self.clip, "inception": self.inception}
        return {kind: judge.digest for kind, judge in judges.items() if judge is not None}

    def check(self, dataset: Dataset) -> None:
        """Refuse a dataset that the segmenter was not trained for.

        Raises:
            ValueError: its classes or image size differ; says how to train one that fits.
        """
        config = self.segmenter.config
        for what, own, expected in (
            ("classes", config.class_names, dataset.class_names),
            ("image size", config.image_size, dataset.image_size),
        ):
            if own != expected:
                raise ValueError(
                    f"{self.segmenter.name}: {what} {own} do not fit {dataset.name} ({expected}); "
                    f"train one with `gcdp-bench train segmenter --dataset {dataset.name}` and "
                    "give --segmenter FOLDER"
                )


def load_extractors(
    kind: Literal["shipped", "standard"],
    dataset: str,
    *,
    segmenter: Path | None = None,
    clip: Path | None = None,
    inception: Path | None = None,
) -> Extractors:
    """Load the judges.

    Args:
        kind: "shipped": small networks trained on the dataset's family; "standard": Inception-v3
            and ViT-L/14-336 from weights files that the user brings.
        dataset: whose classes the segmenter has to know.
        segmenter: run folder, instead of runs/segmenter/DATASET or the shipped one.
        clip: run folder ("shipped") or weights file ("standard").
        inception: weights file ("standard").

    Raises:
        FileNotFoundError: weights are missing; says how to get them.
        ValueError: weights are damaged, or Inception-v3 was given to the shipped judges.
    """
    if kind == "shipped" and inception is not None:
        raise ValueError("--inception belongs to --extractors standard; add it")
    if kind == "standard":
        standard_inception = Inception(inception)
        judge = StandardClip(clip)
        return Extractors(_segmenter(dataset, segmenter), judge, standard_inception)
    small = SmallClip.load(find_judge("clip", dataset, clip))
    return Extractors(_segmenter(dataset, segmenter), small, None)


def _segmenter(dataset: str, given: Path | None) -> Segmenter:
    return Segmenter.load(find_judge("segmenter", dataset, given))

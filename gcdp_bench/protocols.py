"""What every part of the benchmark agrees on: the data that travels, and the four roles.

Axis letters used throughout the project: B batch, C channels, H height, W width, K classes,
T diffusion steps, L text tokens, D feature width.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

IGNORE_ID = 255
"""Layout value of a pixel that no metric and no loss looks at."""


@dataclass(frozen=True)
class Triplet:
    """One example: an image, its semantic layout and a caption."""

    id: str
    image: Tensor  # uint8 (3, H, W)
    layout: Tensor  # uint8 (H, W), class ids or IGNORE_ID
    caption: str


@dataclass(frozen=True)
class Batch:
    """Examples stacked along the first axis; a generator without layouts leaves them None."""

    ids: tuple[str, ...]
    images: Tensor  # uint8 (B, 3, H, W)
    layouts: Tensor | None  # uint8 (B, H, W)
    captions: tuple[str, ...]

    def __len__(self) -> int:
        """Number of examples."""
        return len(self.ids)


@runtime_checkable
class Dataset(Protocol):
    """A fixed list of triplets. Item i is the same on every read, caption choice included."""

    @property
    def name(self) -> str:
        """Name in the catalogue, or of the folder."""
        ...

    @property
    def split(self) -> str:
        """ "train", "val" or "test"."""
        ...

    @property
    def class_names(self) -> tuple[str, ...]:
        """K names; a layout's value is an index into them."""
        ...

    @property
    def image_size(self) -> tuple[int, int]:
        """(height, width)."""
        ...

    def __len__(self) -> int:
        """Number of triplets."""
        ...

    def __getitem__(self, index: int) -> Triplet:
        """Triplet at `index`; raises on an unreadable file, never substitutes another."""
        ...

    def caption_classes(self, caption: str) -> frozenset[int]:
        """Ids of the classes that `caption` names (the set Semantic Recall asks for)."""
        ...


@dataclass(frozen=True)
class Fault:
    """Something wrong with one item of a dataset on disk."""

    id: str  # of the item
    file: str  # where it was seen
    problem: str  # what was expected, what came, what to do


@runtime_checkable
class CheckedDataset(Dataset, Protocol):
    """A dataset on disk that can list what is wrong with it instead of stopping at the first."""

    def inspect(self) -> Iterator[tuple[str, Sequence[Fault]]]:
        """Every item of the split, with its faults: (id, none or several)."""
        ...


@runtime_checkable
class AttributedDataset(Dataset, Protocol):
    """A dataset whose images have yes-or-no attributes, some of which captions name."""

    @property
    def attribute_names(self) -> tuple[str, ...]:
        """A names."""
        ...

    def attributes(self, index: int) -> Tensor:
        """True attributes of the image at `index`, bool (A,)."""
        ...

    def caption_attributes(self, caption: str) -> Mapping[int, bool]:
        """What `caption` says: attribute -> whether it is asked for or excluded."""
        ...


@runtime_checkable
class Generator(Protocol):
    """A text-to-image model under test."""

    @property
    def name(self) -> str:
        """Name in the catalogue."""
        ...

    @property
    def makes_layouts(self) -> bool:
        """Whether layouts come with the images."""
        ...

    @property
    def class_names(self) -> tuple[str, ...]:
        """Classes of the training dataset."""
        ...

    @property
    def image_size(self) -> tuple[int, int]:
        """(height, width) of the samples."""
        ...

    @property
    def guidance_range(self) -> tuple[float, float] | None:
        """Values of the trade-off knob; None: no knob, swept once."""
        ...

    def sample(self, captions: Sequence[str], *, guidance: float, seeds: Sequence[int]) -> Batch:
        """Draw one sample per caption; sample i depends on (captions[i], seeds[i], guidance) only.

        Guidance 1.0 means none.
        """
        ...


@dataclass(frozen=True)
class Prediction:
    """What a segmenter sees in a batch of images."""

    layouts: Tensor  # uint8 (B, H, W)
    features: Tensor  # float32 (B, D)


class Judge(Protocol):
    """A network that judges images."""

    @property
    def name(self) -> str:
        """What it is, as the extractor column says it."""
        ...

    @property
    def digest(self) -> str:
        """Hash of its weights."""
        ...

    @property
    def resizer(self) -> str:
        """How images reach the network's size: "native", "1024x2048", ..."""
        ...


class LayoutJudge(Judge, Protocol):
    """A segmenter: the judge of Semantic Recall, mIoU and the FSD of predicted layouts."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """Classes that it tells apart; the first ones of the dataset's."""
        ...

    def check(self, dataset: Dataset) -> None:
        """Refuse a dataset that it cannot judge.

        Raises:
            ValueError: its classes or image size do not fit; says what to do.
        """
        ...

    def predict(self, images: Tensor) -> Prediction:
        """Segment uint8 images (B, 3, H, W)."""
        ...


class FeatureJudge(Judge, Protocol):
    """A network whose features distributions are compared in."""

    @property
    def protocol(self) -> str:
        """Suffix of its metrics: "tf1", "clean", "torch", "hrnet", "dinov2", "cmmd"."""
        ...

    @property
    def measures(self) -> tuple[str, ...]:
        """What is computed from its features: of "frechet", "kid", "prdc", "cmmd"."""
        ...

    def features(self, images: Tensor) -> Tensor:
        """uint8 (B, 3, H, W) to float32 (B, D)."""
        ...


@dataclass(frozen=True)
class TextMatch:
    """Cosine of each image and its caption."""

    cosines: NDArray[np.float32]  # (B,)
    too_long: NDArray[np.bool_]  # (B,), captions of which the encoder reads only the beginning


class TextJudge(Judge, Protocol):
    """CLIP: does the image fit the caption?"""

    def cosines(self, images: Tensor, captions: Sequence[str]) -> TextMatch:
        """Match uint8 images (B, 3, H, W) with one caption each."""
        ...


@dataclass(frozen=True)
class MetricValue:
    """One number of a metric: `class_name` is "all" for a total, a class's name otherwise."""

    metric: str
    class_name: str
    value: float  # NaN: not defined for these samples
    num_samples: int
    ci_low: float = math.nan
    ci_high: float = math.nan
    ci_method: str = "none"  # of the 95 % interval; "none" where there is none, and why in docs
    corrected: float = math.nan  # the value without its small-sample bias, where that is known


def check_guidance(guidance: float) -> None:
    """Refuse a guidance scale that no generator can be sampled with; 1.0 means none.

    Raises:
        ValueError: it is negative, infinite or NaN.
    """
    if not 0.0 <= guidance < math.inf:
        raise ValueError(f"guidance: expected a finite value of at least 0, got {guidance:g}")

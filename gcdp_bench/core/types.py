"""Shared types: samples and batches, datasets, generators, extractors, metric values.

Axis letters used throughout the project: B batch, C channels, H height, W width, K classes,
T diffusion steps, L text tokens, D feature width.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
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

    def first(self, num: int) -> Batch:
        """The first examples alone."""
        layouts = None if self.layouts is None else self.layouts[:num]
        return Batch(self.ids[:num], self.images[:num], layouts, self.captions[:num])


@runtime_checkable
class Dataset(Protocol):
    """A fixed list of triplets. Item i is the same on every read, caption choice included."""

    @property
    def name(self) -> str:
        """Registered name, or name of the folder."""
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


@runtime_checkable
class ListedDataset(Dataset, Protocol):
    """A dataset that knows its ids without reading an item."""

    @property
    def ids(self) -> Sequence[str]:
        """Ids of the items, in their order."""
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
        """Attributes that `caption` names -> prompted (True) or excluded (False)."""
        ...


@dataclass(frozen=True)
class SamplingParameter:
    """The number that a generator's trade-off curve varies, given when it samples."""

    name: str
    symbol: str
    values: tuple[float, ...]  # swept unless told otherwise
    high: float = math.inf  # largest value that means something; the smallest is 0

    def check(self, value: float) -> None:
        """Refuse a value that no generator with this sampling parameter can be sampled with.

        Raises:
            ValueError: it is negative, above `high`, infinite or NaN.
        """
        if not (0.0 <= value <= self.high and value < math.inf):
            limit = (
                "a finite value of at least 0"
                if self.high == math.inf
                else (f"a value from 0 to {self.high:g}")
            )
            raise ValueError(f"{self.name}: expected {limit}, got {value:g}")


GUIDANCE = SamplingParameter("guidance scale", "w", (1.0, 2.0, 4.0, 8.0))
"""Classifier-free guidance (Ho and Salimans 2021); 1 means none."""

TRUNCATION = SamplingParameter("truncation psi", "ψ", (1.0, 0.9, 0.8, 0.7, 0.6, 0.5), high=1.0)
"""Truncation of a GAN's intermediate latents (Karras et al. 2019); 1 means none."""

SAMPLING_PARAMETERS = {parameter.name: parameter for parameter in (GUIDANCE, TRUNCATION)}


@runtime_checkable
class Generator(Protocol):
    """A text-to-image model under test.

    A class that inherits from it defines the members without a value, as attributes or properties;
    the others have the value that most generators need.
    """

    name: str  # in messages; rows carry the name by which it was loaded
    trained_on: str  # name of the training dataset
    digest: str  # hash of every weight that samples depend on
    class_names: tuple[str, ...]  # of the training dataset
    image_size: tuple[int, int]  # (height, width) of the samples

    settings: Mapping[str, Any] = MappingProxyType({})
    """Sampling settings on which samples depend."""
    device: str = "cpu"
    """Device of its networks: "cpu", "cuda:0", ..."""
    num_steps: int = 1
    """Sampling steps of its first stage; 1 for a network that samples in one pass."""
    makes_layouts: bool = False
    """Whether layouts come with the images."""
    reads_captions: bool = True
    """Whether captions condition the samples; if not, no metric of captions is defined."""
    parameter: SamplingParameter | None = None
    """The parameter that its trade-off curve varies; None: it has none and is swept once."""
    clip_digest: str | None = None
    """Hash of the weights of a CLIP that it was trained to please, which must not evaluate it."""
    num_labelled_images: int | None = None
    """Training images with layouts that it was given, where that is a setting."""

    def sample(self, captions: Sequence[str], *, guidance: float, seeds: Sequence[int]) -> Batch:
        """Draw one sample per caption; sample i depends on (captions[i], seeds[i], guidance) only.

        `guidance` is the sampling parameter's value.

        Raises:
            FloatingPointError: what a sample is made from is not finite; says at which step and for
                which caption (`finite.finite_samples`).
        """
        ...


@dataclass(frozen=True)
class Prediction:
    """A segmenter's output for a batch of images."""

    layouts: Tensor  # uint8 (B, H, W)
    features: Tensor  # float32 (B, D)


class Extractor(Protocol):
    """A network that evaluates images."""

    @property
    def name(self) -> str:
        """Its name in the column `extractor`."""
        ...

    @property
    def digest(self) -> str:
        """Hash of its weights."""
        ...

    @property
    def resizer(self) -> str:
        """Resize to the network's size: "native", "1024x2048", ..."""
        ...


class Segmenter(Extractor, Protocol):
    """A segmenter: the extractor of Semantic Recall, mIoU and the FSD of predicted layouts."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """Classes that it tells apart; the first ones of the dataset's."""
        ...

    def check(self, dataset: Dataset) -> None:
        """Refuse a dataset that it cannot evaluate.

        Raises:
            ValueError: its classes or image size do not fit; says what to do.
        """
        ...

    def predict(self, images: Tensor) -> Prediction:
        """Segment uint8 images (B, 3, H, W)."""
        ...


class FeatureExtractor(Extractor, Protocol):
    """A network whose features distributions are compared in."""

    @property
    def protocol(self) -> str:
        """Suffix of its metrics: "tf1", "clean", "torch", "hrnet", "dinov2", "cmmd"."""
        ...

    def features(self, images: Tensor) -> Tensor:
        """uint8 (B, 3, H, W) to float32 (B, D)."""
        ...


@dataclass(frozen=True)
class TextMatch:
    """Cosine of each image and its caption."""

    cosines: NDArray[np.float32]  # (B,)
    too_long: NDArray[np.bool_]  # (B,), captions of which the encoder reads only the beginning


class ImageTextScorer(Extractor, Protocol):
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

"""A metric: a function of named arrays, and the definitions of its values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from gcdp_bench.metrics.definitions.definition import Column, Curve, Definition

if TYPE_CHECKING:
    from gcdp_bench.core.types import MetricValue

__all__ = ["NEEDS", "Column", "Context", "Curve", "Definition", "Metric", "Network"]

Network = Literal["features", "segmenter", "clip", "attributes", "none"]
"""Kind of the network that a metric is computed of, once for each."""

Context = Literal["captions", "layouts", "reference", "samples"]
"""Of what a metric speaks: of images and captions, of images and their own layouts, of images and
real ones, of images alone."""

NEEDS: Mapping[str, tuple[Network, Context]] = {
    "protocol": ("features", "samples"),  # name
    "features": ("features", "samples"),  # float32 (N, D)
    "real_features": ("features", "reference"),  # float32 (M, D)
    "class_names": ("segmenter", "samples"),  # K_j names
    "counts": ("segmenter", "samples"),  # int64 (N, K_j), pixels of each class
    "real_counts": ("segmenter", "reference"),  # int64 (M, K_j)
    "confusions": ("segmenter", "layouts"),  # int64 (N, K_j, K_j), rows: the own layout
    "prompted": ("segmenter", "captions"),  # bool (N, K_j), classes that the caption names
    "nameable": ("segmenter", "captions"),  # ids of the classes that some real caption names
    "cosines": ("clip", "captions"),  # float32 (N,)
    "too_long": ("clip", "captions"),  # bool (N,), captions that CLIP reads in part
    "attributes": ("attributes", "samples"),  # float32 (N, A), probabilities
    "thresholds": ("attributes", "samples"),  # float32 (A,)
    "attribute_names": ("attributes", "samples"),  # A names
    "prompted_attributes": ("attributes", "captions"),  # int8 (N, A)
    "captions": ("none", "captions"),  # N texts
    "num_pixels": ("none", "samples"),  # of an image
    "layouts": ("none", "layouts"),  # int64 (N, K), pixels of each class in the own layouts
    "real_layouts": ("none", "reference"),  # int64 (M, K)
}
"""Name of an argument -> network that provides it, and what it makes a metric speak of."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """Values of one function.

    It is computed for every network of its kind, where everything that it needs is there: of the
    captions, if it needs any, only for generators that read captions.
    """

    name: str
    fn: Callable[..., Sequence[MetricValue]]
    needs: tuple[str, ...]  # of `NEEDS`: the arguments of `fn`, in order
    definitions: Mapping[str, Definition]  # of every name that a value of it has
    protocols: tuple[str, ...] = ()  # features in which it is computed; (): the first ones alone

    def __post_init__(self):
        unknown = [need for need in self.needs if need not in NEEDS]
        if unknown or not self.needs:
            raise ValueError(
                f"metric {self.name}: expected needs of {', '.join(NEEDS)}, got "
                f"{', '.join(unknown) or 'none'}"
            )
        kinds = {NEEDS[need][0] for need in self.needs} - {"none"}
        if len(kinds) > 1:
            raise ValueError(
                f"metric {self.name}: expected needs of one kind of network, got those of "
                f"{' and '.join(sorted(kinds))}; write a metric for each"
            )

    @property
    def network(self) -> Network:
        """Kind of the network that its values are of."""
        kinds: list[Network] = [NEEDS[n][0] for n in self.needs if NEEDS[n][0] != "none"]
        return kinds[0] if kinds else "none"

    @property
    def context(self) -> Context:
        """Of what it speaks."""
        found = {NEEDS[need][1] for need in self.needs}
        order: tuple[Context, ...] = ("captions", "reference", "layouts", "samples")
        return next(context for context in order if context in found)

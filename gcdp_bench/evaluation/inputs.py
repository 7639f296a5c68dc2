"""Which metrics are due, and the named arrays that each is a function of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gcdp_bench.core.types import AttributedDataset
from gcdp_bench.evaluation.features import FeatureCache
from gcdp_bench.evaluation.reference import Reference
from gcdp_bench.extractors.bundle import Extractors
from gcdp_bench.metrics.attribute_recall import prompted_attributes
from gcdp_bench.metrics.metric import Context, Metric, Network
from gcdp_bench.metrics.registry import METRICS
from gcdp_bench.metrics.semantic_recall import prompted_classes

ORDER: Sequence[Network] = ("features", "segmenter", "clip", "attributes", "none")
"""Of the rows of a context."""


@dataclass(frozen=True)
class Sides:
    """Images, and the real ones that they are compared with."""

    seen: FeatureCache
    real: FeatureCache
    reference: Reference
    extractors: Extractors

    @cached_property
    def prompted(self) -> NDArray[np.bool_]:
        """Classes that each caption names, (N, K)."""
        dataset = self.reference.dataset
        named = [dataset.caption_classes(caption) for caption in self.seen.captions]
        return prompted_classes(named, len(dataset.class_names))

    @property
    def attribute_names(self) -> tuple[str, ...] | None:
        """A names; None: the dataset has no attributes."""
        dataset = self.reference.dataset
        return dataset.attribute_names if isinstance(dataset, AttributedDataset) else None

    @property
    def prompted_attributes(self) -> NDArray[np.int8] | None:
        """Attributes that each caption affirms or denies, (N, A); None: the dataset has none."""
        dataset = self.reference.dataset
        if not isinstance(dataset, AttributedDataset):
            return None
        return prompted_attributes(dataset, self.seen.captions)

    def networks(self, kind: Network) -> tuple[Any, ...]:
        """Those of a kind, the primary one first; None for a metric that needs no network."""
        extractors = self.extractors
        return {
            "features": extractors.features,
            "segmenter": extractors.segmenters,
            "clip": (extractors.clip,),
            "attributes": () if extractors.attributes is None else (extractors.attributes,),
            "none": (None,),
        }[kind]


INPUTS: Mapping[str, Callable[[Sides, Any], Any]] = {
    "protocol": lambda sides, network: network.protocol,
    "features": lambda sides, network: sides.seen.arrays[f"features {network.protocol}"],
    "real_features": lambda sides, network: sides.real.arrays[f"features {network.protocol}"],
    "class_names": lambda sides, network: network.class_names,
    "counts": lambda sides, network: sides.seen.arrays[f"counts {network.name}"],
    "real_counts": lambda sides, network: sides.real.arrays[f"counts {network.name}"],
    "confusions": lambda sides, network: (
        None if sides.seen.layouts is None else sides.seen.arrays[f"confusions {network.name}"]
    ),
    "prompted": lambda sides, network: sides.prompted[:, : len(network.class_names)],
    "nameable": lambda sides, network: [
        index for index in sides.reference.captioned if index < len(network.class_names)
    ],
    "cosines": lambda sides, network: sides.seen.cosines,
    "too_long": lambda sides, network: sides.seen.too_long,
    "attributes": lambda sides, network: sides.seen.arrays["attributes"],
    "thresholds": lambda sides, network: network.thresholds,
    "attribute_names": lambda sides, network: sides.attribute_names,
    "prompted_attributes": lambda sides, network: sides.prompted_attributes,
    "captions": lambda sides, network: sides.seen.captions,
    "num_pixels": lambda sides, network: sides.seen.num_pixels,
    "layouts": lambda sides, network: sides.seen.layouts,
    "real_layouts": lambda sides, network: sides.real.layouts,
}
"""Argument of a metric (`metric.NEEDS`) from both sides and one network; None: not there."""


@dataclass(frozen=True)
class Due:
    """A metric, what its function is given, and what its rows say of that."""

    metric: Metric
    inputs: tuple[Any, ...]
    extractor: str = "none"
    resizer: str = "none"
    primary: bool = True
    num_reference: int = 0


def due(metrics: Sequence[Metric], contexts: Sequence[Context], sides: Sides) -> Iterator[Due]:
    """Every metric once for every network that it is computed of.

    Left out is a metric of which an argument is not there. A metric of a package gets copies, which
    it may change.

    Args:
        metrics: in the order of rows.
        contexts: in the order of rows.
        sides: images and real ones.
    """
    for context in contexts:
        num_reference = len(sides.real) if context == "reference" else 0
        for kind in ORDER:
            own = [m for m in metrics if (m.context, m.network) == (context, kind)]
            for place, network in enumerate(sides.networks(kind)):
                names = (getattr(network, name, "none") for name in ("name", "resizer"))
                extractor, resizer = names
                for metric in own:
                    if kind == "features" and not _is_computed(metric, network.protocol, place):
                        continue
                    inputs = tuple(INPUTS[need](sides, network) for need in metric.needs)
                    if all(value is not None for value in inputs):
                        if all(metric is not mine for mine in METRICS):
                            inputs = deepcopy(inputs)
                        yield Due(metric, inputs, extractor, resizer, place == 0, num_reference)


def _is_computed(metric: Metric, protocol: str, place: int) -> bool:
    return protocol in metric.protocols if metric.protocols else place == 0

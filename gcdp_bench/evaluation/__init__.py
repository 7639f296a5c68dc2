"""Images to metrics: what extractors see in one pass, and every number that follows from it."""

from gcdp_bench.evaluation.controls import Controls, score_controls
from gcdp_bench.evaluation.features import (
    EvalOptions,
    FeatureCache,
    extract_features,
    rescore_captions,
)
from gcdp_bench.evaluation.metrics import Scores, evaluate, score_generated, score_real
from gcdp_bench.evaluation.reference import Reference, kept_reference, reference_statistics

__all__ = [
    "Controls",
    "EvalOptions",
    "FeatureCache",
    "Reference",
    "Scores",
    "evaluate",
    "rescore_captions",
    "kept_reference",
    "extract_features",
    "reference_statistics",
    "score_controls",
    "score_generated",
    "score_real",
]

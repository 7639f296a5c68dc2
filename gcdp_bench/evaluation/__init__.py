"""Images to metrics: what judges see in one pass, and every number that follows from it."""

from gcdp_bench.evaluation.controls import Controls, score_controls
from gcdp_bench.evaluation.features import Judging, Observed, ask_again, observe
from gcdp_bench.evaluation.metrics import Scores, score_generated, score_real
from gcdp_bench.evaluation.reference import Reference, kept_reference, reference_statistics

__all__ = [
    "Controls",
    "Judging",
    "Observed",
    "Reference",
    "Scores",
    "ask_again",
    "kept_reference",
    "observe",
    "reference_statistics",
    "score_controls",
    "score_generated",
    "score_real",
]

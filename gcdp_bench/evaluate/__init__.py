"""Images to metrics: what judges see in one pass, and every number that follows from it."""

from gcdp_bench.evaluate.controls import Controls, score_controls
from gcdp_bench.evaluate.observed import Judging, Observed, ask_again, observe
from gcdp_bench.evaluate.reference import Reference, kept_reference, reference_statistics
from gcdp_bench.evaluate.score import Scores, score_generated, score_real

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

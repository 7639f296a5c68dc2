"""Self-check: every golden number that needs no weights, computed here and compared."""

from __future__ import annotations

from gcdp_bench.diagnostics.verify.check import Check, Outcome, run_checks
from gcdp_bench.diagnostics.verify.diffusion import diffusion_checks
from gcdp_bench.diagnostics.verify.distances import distance_checks
from gcdp_bench.diagnostics.verify.kernels import kernel_checks
from gcdp_bench.diagnostics.verify.layouts import layout_checks
from gcdp_bench.diagnostics.verify.resizing import resize_checks

__all__ = ["Check", "Outcome", "golden_checks", "run_checks"]


def golden_checks() -> list[Check]:
    """All checks; a few seconds on one CPU core."""
    return [
        *layout_checks(),
        *distance_checks(),
        *kernel_checks(),
        *resize_checks(),
        *diffusion_checks(),
    ]

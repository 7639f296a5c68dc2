"""Cascades that read captions."""

from gcdp_bench.generators.registry import GENERATORS

CASCADES = tuple(n for n, spec in GENERATORS.items() if spec.stages and spec.reads_captions)
"""Names of their generators."""

"""Two points on the same captions: paired differences with bootstrap intervals."""

from gcdp_bench.compare.models import compare_models
from gcdp_bench.compare.paired import COLUMNS, compare_pair
from gcdp_bench.compare.points import PointSet, select_points
from gcdp_bench.compare.sides import compare_points
from gcdp_bench.compare.text import readable_comparison

__all__ = ["COLUMNS", "PointSet", "compare_models", "compare_pair", "compare_points",
           "readable_comparison", "select_points"]  # fmt: skip

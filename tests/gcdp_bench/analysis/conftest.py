"""Points on disk, as the comparison's tests write them."""

from tests.gcdp_bench.comparison.conftest import write

__all__ = ["write"]

"""Points on disk, as the comparison's tests write them."""

from tests.gcdp_bench.compare.conftest import write

__all__ = ["write"]

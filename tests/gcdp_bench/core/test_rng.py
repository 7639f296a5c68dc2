"""Seeds from names: fixed, and distinct."""

import torch

from gcdp_bench.core.rng import derive_seed, generator


def test_seeds_never_change():
    assert derive_seed(0, 1) == 8064190691481799769
    assert 0 <= derive_seed("a") < 2**63


def test_parts_are_told_apart():
    seeds = {derive_seed(*parts) for parts in ((1, 2), (12,), ("1", 2), (2, 1), ("1\x1f2",), ())}
    assert len(seeds) == 6


def test_streams_repeat():
    first, again = (torch.randn(5, generator=generator("x", 3)) for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, torch.randn(5, generator=generator("x", 4)))

"""One size for all networks, the largest that they pass and that the images hardly lose by."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcdp_bench.datasets.framing import fits, lost
from gcdp_bench.datasets.sizes import (
    SizeChoice,
    choose_size,
    parse_size,
    problems,
    require_multiples,
    used_at,
)

CHECKS = {"a": lambda size: require_multiples(size, 16), "b": lambda size: odd_rows(size)}


def odd_rows(size):
    if size[0] == 112:
        raise ValueError("expected other rows than 112")


@given(native=st.tuples(st.integers(1, 4000), st.integers(1, 4000)))
def test_no_size_that_passes_is_better(native):
    size = choose_size(native, 128, CHECKS)
    assert max(size) <= 128 and not problems(size, CHECKS)
    others = [(h, w) for h in range(16, 129, 16) for w in range(16, 129, 16) if h != 112]
    if fits(native, size):
        assert not any(fits(native, o) and o[0] * o[1] > size[0] * size[1] for o in others)
    else:
        assert min(lost(native, o) for o in others) == lost(native, size)


@pytest.mark.parametrize(
    ("native", "size"),
    [
        ((333, 500), (64, 96)),
        ((128, 160), (80, 96)),
        ((72, 128), (64, 112)),
        ((3000, 4000), (96, 128)),
        ((4000, 3000), (128, 96)),
        ((1500, 1000), (96, 64)),
        ((1080, 1080), (128, 128)),
        ((1024, 2048), (64, 128)),
        ((32, 32), (128, 128)),
    ],
)
def test_sizes_of_photographs(native, size):
    assert choose_size(native, 128, CHECKS) == size


def test_a_width_is_kept_and_an_impossible_one_refused():
    assert choose_size((333, 500), 160, CHECKS, width=96) == (64, 96)
    with pytest.raises(ValueError, match="of width 100; choose --width 96 or --width 144$"):
        choose_size((333, 500), 128, CHECKS, width=100)
    with pytest.raises(ValueError, match="found none up to 12; choose another --preset"):
        choose_size((333, 500), 12, CHECKS)


def test_sizes_are_read_from_text():
    assert parse_size("96x128") == parse_size(" 96X128") == (96, 128)
    for text in ("96", "0x4", "-1x4", "4x4x4", "axb", "96x"):
        with pytest.raises(ValueError, match="expected HEIGHTxWIDTH"):
            parse_size(text)
    with pytest.raises(ValueError, match="exclude each other"):
        SizeChoice((1, 2), 3)


def test_what_is_said_of_a_size():
    assert (
        used_at((256, 256), (128, 128), "none")
        == "your images of 256x256 (height x width) are used at 128x128"
    )
    assert used_at((72, 128), (64, 112), "none").endswith("at 64x112, cropped by 1.6 %")
    assert used_at((72, 128), (64, 64), "pad").endswith("at 64x64, padded by 43.8 %")

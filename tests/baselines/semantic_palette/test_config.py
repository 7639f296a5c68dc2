from dataclasses import replace

import pytest

from baselines.semantic_palette.config import (
    GrowthConfig,
    ImageConfig,
    LayoutConfig,
    split_level,
)
from gcdp_bench.core.config import from_dict, to_dict
from tests.baselines.semantic_palette.small import IMAGES, LAYOUTS


def test_levels_double():
    assert LAYOUTS.network.level_sizes == ((2, 4), (4, 8)) and LAYOUTS.size == (4, 8)
    assert IMAGES.network.level_sizes == ((4, 8), (8, 16))


def test_growing():
    """One step at the first level, two to fade each next one in, one to stay."""
    growth = GrowthConfig(fade_steps=2, stable_steps=1)
    assert [growth.level_at(s, 2) for s in range(9)] == [0, 0.5, 1, 1, 1.5, 2, 2, 2, 2]
    assert GrowthConfig(fade_steps=0, stable_steps=2).level_at(2, 3) == 1.0
    assert GrowthConfig(fade_steps=0, stable_steps=0).level_at(0, 3) == 3.0
    assert GrowthConfig(fade_steps=1, stable_steps=0).level_at(0, 3) == 1.0


def test_a_level_and_its_share():
    assert [split_level(level) for level in (0.0, 0.25, 1.0, 1.75)] == [
        (0, 1.0),
        (1, 0.25),
        (1, 1.0),
        (2, 0.75),
    ]


def test_they_survive_json():
    assert from_dict(LayoutConfig, to_dict(LAYOUTS)) == LAYOUTS
    assert from_dict(ImageConfig, to_dict(IMAGES)) == IMAGES


@pytest.mark.parametrize(
    ("config", "change", "message"),
    [
        (LAYOUTS, {"max_components": 0}, "max_components: expected at least 1, got 0"),
        (LAYOUTS, {"spread_weight": -1.0}, "spread_weight: expected 0 or more, got -1.0"),
        (LAYOUTS.growth, {"fade_steps": -1}, "expected 0 steps or more, got fade_steps -1"),
        (LAYOUTS.network, {"channels": (8, 0)}, "1 or more, got .* and \\(8, 0\\)"),
        (IMAGES, {"features_weight": -1.0}, "features_weight: expected 0 or more, got -1.0"),
        (IMAGES.network, {"image_size": (7, 16)}, "expected multiples of 2 for 2 levels"),
        (IMAGES.network, {"image_size": (2, 2)}, "first level of more than one pixel, got 2"),
        (IMAGES.network, {"blocks": (1,)}, "blocks: expected 2 values, one per level"),
        (IMAGES.network, {"hidden": 0}, "expected 1 or more of every channels"),
    ],
)
def test_what_means_nothing_is_refused(config, change, message):
    with pytest.raises(ValueError, match=message):
        replace(config, **change)

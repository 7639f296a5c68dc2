from dataclasses import replace

import pytest

from baselines.lafite.config import paper_config, tiny_config
from gcdp_bench.core.config import from_dict, to_dict


def test_levels_double_from_start_to_image():
    config = tiny_config((64, 128), text_dim=64)
    assert config.level_sizes == ((4, 8), (8, 16), (16, 32), (32, 64), (64, 128))
    assert config.convs == (1, 2, 2, 1, 1)
    assert config.num_ws == 8  # 7 convolutions and the last colours
    square = tiny_config((128, 128), text_dim=64)
    assert square.level_sizes[0] == (4, 4) and square.level_sizes[-1] == (128, 128)


def test_paper_channels():
    config = paper_config((512, 512))
    assert config.generator_channels == (512, 512, 512, 512, 512, 256, 128, 64)
    assert config.discriminator_channels == config.generator_channels
    assert config.num_ws == 16  # 2 log2(512) - 2, as in StyleGAN2


def test_it_survives_json():
    config = paper_config((256, 512))
    assert from_dict(type(config), to_dict(config)) == config


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image_size": (64, 64)}, "doubled some times"),
        ({"image_size": (48, 96)}, "doubled some times"),
        ({"convs": (1, 2, 2)}, "one per level"),
        ({"generator_channels": (8,) * 6}, "one per level"),
        ({"discriminator_channels": (8, 8, 8, 8, 0)}, "positive values"),
        ({"convs": (2,) * 5}, "expected 1 at the start level, got 2"),
        ({"text_dim": 0}, "text_dim: expected 1 or more, got 0"),
        ({"w_average_decay": 1.0}, "w_average_decay"),
        ({"mapping_lr": 0.0}, "mapping_lr: expected more than 0, got 0.0"),
        ({"text_scale": -1.0}, "text_scale"),
        ({"noise_lr": -0.1}, "noise_lr: expected 0 or more, got -0.1"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        replace(tiny_config((64, 128), text_dim=64), **change)


def test_tiny_refuses_large_images():
    with pytest.raises(ValueError, match="at most 128 rows, got 256"):
        tiny_config((256, 256), text_dim=64)


def test_a_size_without_levels_is_refused():
    with pytest.raises(ValueError, match="doubled some times"):
        tiny_config((60, 60), text_dim=64)

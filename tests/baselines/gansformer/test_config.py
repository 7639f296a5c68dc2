"""Sizes: pyramids of any aspect, the paper's counts, and settings that do not fit."""

from dataclasses import replace

import pytest
import torch

from baselines.gansformer.config import paper_config, tiny_config
from baselines.gansformer.discriminator import Discriminator
from baselines.gansformer.generator_network import GansformerGenerator
from baselines.stylegan2.pyramid import halved
from tests.baselines.gansformer.small import NETWORK


@pytest.mark.parametrize(
    ("size", "start"),
    [
        ((64, 128), (4, 8)),
        ((96, 128), (3, 4)),
        ((128, 128), (4, 4)),
        ((256, 512), (4, 8)),
        ((112, 64), (7, 4)),
        ((128, 80), (8, 5)),
    ],
)
def test_images_are_halved_to_few_rows(size, start):
    found, rows = halved(size)
    assert found == start and rows[0] == start[0] and rows[-1] == size[0]
    config = tiny_config(size)
    assert config.level_sizes[0] == start and config.level_sizes[-1] == size
    assert all(width % 8 == 0 for width in config.channels)


def test_an_odd_side_is_refused():
    with pytest.raises(ValueError, match="sides that can be halved.*got \\(50, 64\\)"):
        tiny_config((50, 64))


def test_the_papers_discriminator_is_stylegan2s():
    with torch.device("meta"):
        config = paper_config((256, 256))
        networks = GansformerGenerator(config), Discriminator(config)
    sizes = [sum(weight.numel() for weight in network.parameters()) for network in networks]
    assert sizes == [25_448_912, 28_864_129]
    assert (config.num_latents, config.latent_dim) == (16, 32)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image_size": (16, 16)}, "expected image_size \\(16, 32\\)"),
        ({"channels": (8, 6)}, "as many positive channels as convs"),
        ({"convs": (2, 2, 1)}, "convs: expected 1 at the start level, got 2"),
        ({"num_latents": 0}, "num_latents: expected 1 or more, got 0"),
        ({"mapping_layers": 3}, "mapping_layers: expected an even number from 2 on, got 3"),
        ({"latent_dim": 6}, "latent_dim: expected a multiple of 4, got 6"),
        ({"attention": "triplex"}, "attention: expected duplex or simplex, got 'triplex'"),
        ({"mapping_lr": 0.0}, "mapping_lr above 0"),
    ],
)
def test_settings_that_do_not_fit_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        replace(NETWORK, **change)

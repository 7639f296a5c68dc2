"""Configurations that do not fit together are refused."""

import json

import pytest

from baselines.ldm.config import DenoiserConfig, LdmConfig, NoiseConfig
from gcdp_bench.core.config import from_dict, to_dict

from .tiny import ldm_config


def test_written_and_read_back():
    config = ldm_config(horizontal_flip=False)
    assert from_dict(LdmConfig, json.loads(json.dumps(to_dict(config)))) == config


def test_latents_are_smaller_by_the_factor():
    config = ldm_config(image_size=(64, 128), downscaling=4)
    assert config.latent_size == (16, 32)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image_size": (16, 34)}, r"expected multiples of 4 .* got \(16, 34\)"),
        ({"text_drop": 1.5}, "text_drop: expected 0 to 1, got 1.5"),
    ],
)
def test_settings_out_of_range(changes, message):
    with pytest.raises(ValueError, match=message):
        ldm_config(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"attention": (True,)}, "got 2 levels and 1 values"),
        ({"channels": (8, 20)}, r"multiples of groups \(8\) and heads \(4\), got 20"),
        ({"heads": 3}, r"multiples of groups \(8\) and heads \(3\), got 8"),
    ],
)
def test_denoisers_that_cannot_be_built(changes, message):
    settings = {"channels": (8, 16), "attention": (False, True), "heads": 4}
    with pytest.raises(ValueError, match=message):
        DenoiserConfig(**{**settings, **changes})


def test_noise_must_grow():
    with pytest.raises(ValueError, match="expected 0 < beta_start <= beta_end < 1, got 0.5 and"):
        NoiseConfig(beta_start=0.5, beta_end=0.1)

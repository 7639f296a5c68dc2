"""Sizes of the U-Net, and how it reads padded text."""

from dataclasses import replace

import pytest
import torch

from baselines.ldm.config import LdmConfig
from baselines.ldm.network import build_unet
from baselines.ldm.presets import LDM_PRESETS
from reference_model.presets import PRESETS
from reference_model.unet import UNet

from .tiny import ldm_config, stripes


def config_of(name: str, size: tuple[int, int]) -> LdmConfig:
    return LDM_PRESETS[name].resolve(replace(stripes(), image_size=size)).config


def num_parameters(config: LdmConfig) -> int:
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in build_unet(config).parameters())


def test_paper_size_is_the_text_to_image_model_of_the_authors():
    """Their program says "DiffusionWrapper has 872.30 M params" for text of width 1280."""
    paper = config_of("paper-celeba", (256, 256))
    wide = replace(paper, text=replace(paper.text, dim=1280))
    assert num_parameters(wide) == 872_300_484
    assert num_parameters(paper) == 865_910_724
    assert num_parameters(config_of("paper-cityscapes", (256, 512))) == 865_910_724


def test_tiny_size_is_that_of_the_reference_base_stage():
    own = num_parameters(config_of("tiny", (64, 128)))
    assert own == 3_382_804
    base = replace(PRESETS["tiny"].base.unet, num_classes=20)
    with torch.device("meta"):
        reference = sum(parameter.numel() for parameter in UNet(base).parameters())
    assert own == pytest.approx(reference, rel=0.2)


def test_tiny_sees_as_many_examples_as_the_reference_base_stage():
    own, reference = LDM_PRESETS["tiny"].training, PRESETS["tiny"].base.training
    assert own.steps * own.batch_size == reference.steps * reference.batch_size


@pytest.mark.parametrize(
    ("name", "size", "latents"),
    [
        ("tiny", (64, 128), (16, 32)),
        ("tiny", (128, 128), (32, 32)),
        ("paper-celeba", (256, 256), (32, 32)),
        ("paper-cityscapes", (256, 512), (32, 64)),
    ],
)
def test_latents_of_the_presets(name, size, latents):
    assert LDM_PRESETS[name].width == size[1]
    assert config_of(name, size).latent_size == latents


def test_attention_has_the_number_of_heads_asked_for():
    from diffusers.models.attention_processor import Attention

    network = build_unet(ldm_config())
    heads = {module.heads for module in network.modules() if isinstance(module, Attention)}
    assert heads == {ldm_config().unet.heads} == {2}


@torch.no_grad()
def test_padding_is_attended():
    """Zero vectors take part in the softmax, as without a mask they must."""
    torch.manual_seed(0)
    network = build_unet(ldm_config()).eval()
    z_t, tokens = torch.randn(1, 4, 8, 16), torch.randn(1, 3, 16)
    padded = torch.cat([tokens, torch.zeros(1, 3, 16)], dim=1)  # (1, 6, 16)
    plain, with_padding = (
        network(z_t, 500, encoder_hidden_states=text).sample for text in (tokens, padded)
    )
    assert plain.shape == (1, 4, 8, 16)
    assert not torch.allclose(plain, with_padding, atol=1e-4)

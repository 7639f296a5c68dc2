"""The denoising U-Net of latent diffusion, as diffusers builds it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from baselines.ldm.config import LdmConfig

if TYPE_CHECKING:
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel


def build_unet(config: LdmConfig) -> UNet2DConditionModel:
    """Fresh U-Net: (latents, timestep, text tokens) to noise.

    It attends to the tokens as Stable Diffusion does: without a mask, so that the zero vectors
    of the padding take part.
    """
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    unet = config.unet
    down = ["CrossAttnDownBlock2D" if level else "DownBlock2D" for level in unet.attention]
    up = ["CrossAttnUpBlock2D" if level else "UpBlock2D" for level in reversed(unet.attention)]
    return UNet2DConditionModel(
        sample_size=config.latent_size,
        in_channels=config.latent_channels,
        out_channels=config.latent_channels,
        block_out_channels=unet.channels,
        down_block_types=tuple(down),
        up_block_types=tuple(up),
        layers_per_block=unet.layers,
        attention_head_dim=unet.heads,  # diffusers' name; for this network it is their number
        cross_attention_dim=config.text.dim,
        norm_num_groups=unet.groups,
    )

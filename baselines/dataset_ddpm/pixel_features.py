"""Features of a pixel: decoder blocks of the diffusion model, under one fixed noise.

An image is noised to a few timesteps by the same noise, whatever the image (Baranchuk et al. 2022,
Section 3). The blocks' maps are kept at their own size: what they are at a pixel of the image, up-
sampled bilinearly, is computed for the given pixels.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from baselines.dataset_ddpm.config import LabelConfig
from gcdp_bench.core.images import Size, to_float
from gcdp_bench.core.rng import generator
from reference_model.features import block_names, features_under_noise
from reference_model.stage import Stage
from reference_model.unet import UNetConfig

CHUNK = 8  # images in one pass of the network


def shared_noise(image_size: Size) -> Tensor:
    """The noise of every image and timestep, standard normal (3, H, W)."""
    return torch.randn(3, *image_size, generator=generator("dataset-ddpm", "noise"))


def feature_width(config: LabelConfig, unet: UNetConfig) -> int:
    """F of a pixel's features: the blocks' channels times the number of timesteps."""
    levels = unet.level_dims[:0:-1]  # of the decoder, from the coarsest on
    channels = {"middle": levels[0], "final": unet.dim}
    channels |= {f"up.{level}": dim for level, dim in enumerate(levels)}
    return sum(channels[block] for block in config.blocks) * len(config.timesteps)


def feature_maps(stage: Stage, config: LabelConfig, images: Tensor) -> list[Tensor]:
    """Maps of the configured blocks, from the frozen diffusion model.

    Args:
        stage: of images alone, as `check_ddpm` wants it.
        config: which blocks and timesteps.
        images: uint8 (B, 3, H, W).

    Returns:
        Per block float32 (B, h, w, T C) on the CPU, all T timesteps one after the other.
    """
    noise = shared_noise(config.image_size)
    parts = [_maps_of_chunk(stage, config, chunk, noise) for chunk in images.split(CHUNK)]
    return [torch.cat(blocks) for blocks in zip(*parts, strict=True)]


def features_at(maps: Sequence[Tensor], image: Tensor, pixel: Tensor, size: Size) -> Tensor:
    """Features of P pixels, as if the maps were up-sampled bilinearly to the size of the images.

    Args:
        maps: of `feature_maps`, of N images; of any float type.
        image: long (P,), 0 to N - 1.
        pixel: long (P,), row by row, 0 to H W - 1.
        size: (H, W) of the images.

    Returns:
        float32 (P, F), the blocks in their order.
    """
    return torch.cat([_bilinear(part, image, pixel, size) for part in maps], 1)  # (P, F)


def check_ddpm(where: str, config: LabelConfig, stage: Stage) -> None:
    """Refuse a diffusion model whose features the classifiers cannot read.

    Raises:
        ValueError: it is no unconditional model of whole images of this size, or it lacks a
            block or a timestep.
    """
    found = stage.config
    remedy = f"take one of `gcdp-bench train ddpm --dataset {config.dataset}`"
    if found.makes_layouts or found.reads_captions or found.low_res is not None:
        raise ValueError(f"{where}: expected an unconditional diffusion model of images; {remedy}")
    if found.image_size != config.image_size:
        raise ValueError(
            f"{where}: expected a diffusion model of images of {config.image_size}, got "
            f"{found.image_size}; {remedy}"
        )
    known, num_steps = block_names(stage.network), stage.process.num_steps
    if not set(config.blocks) <= set(known):
        raise ValueError(
            f"{where}: expected labels.blocks of {', '.join(known)}, got {', '.join(config.blocks)}"
        )
    if not all(1 <= t <= num_steps for t in config.timesteps):
        raise ValueError(
            f"{where}: expected labels.timesteps of 1 to {num_steps}, got {list(config.timesteps)}"
        )


def _maps_of_chunk(
    stage: Stage, config: LabelConfig, images: Tensor, noise: Tensor
) -> list[Tensor]:
    """The same as `feature_maps`, in one pass of the network per timestep."""
    found = features_under_noise(
        stage, to_float(images), noise, timesteps=config.timesteps, blocks=config.blocks
    )
    return [
        torch.cat([found[t, block] for t in config.timesteps], 1).permute(0, 2, 3, 1).contiguous()
        for block in config.blocks
    ]  # (B, h, w, T C)


def _bilinear(maps: Tensor, image: Tensor, pixel: Tensor, size: Size) -> Tensor:
    """Maps (N, h, w, C) between their four cells around each pixel, float32 (P, C)."""
    row, column = pixel // size[1], pixel % size[1]  # (P,)
    upper, lower, down = _neighbours(row, size[0], maps.shape[1])
    left, right, along = _neighbours(column, size[1], maps.shape[2])

    def between(at: Tensor) -> Tensor:
        """Along the row of cells `at`."""
        return torch.lerp(maps[image, at, left].float(), maps[image, at, right].float(), along)

    return torch.lerp(between(upper), between(lower), down)  # (P, C)


def _neighbours(place: Tensor, length: int, num_cells: int) -> tuple[Tensor, Tensor, Tensor]:
    """The two cells (P,) on either side of a pixel's centre, and its way from one to the other.

    Beyond the centres of the first and the last cell, both are the same one.
    """
    centre = (place + 0.5) * num_cells / length - 0.5  # (P,)
    centre = centre.clamp(0, num_cells - 1)
    before = centre.floor().long()  # (P,)
    after = (before + 1).clamp(max=num_cells - 1)  # (P,)
    return before, after, (centre - before)[:, None]  # (P, 1)

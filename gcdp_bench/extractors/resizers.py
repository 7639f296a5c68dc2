"""Resizes to the input size of a feature network: one function for each convention.

Fréchet distances of the same images differ with the resize, by more than models differ, so its
name is part of the metric. All of them squash to the target and do not keep the ratio; all give
float32 on the scale 0..255; at the target size all return the pixels unchanged.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from gcdp_bench.core.images import Size

INCEPTION_SIZE = (299, 299)


def tf1_bilinear(images: Tensor, size: Size = INCEPTION_SIZE) -> Tensor:
    """TensorFlow 1's `resize_bilinear` without aligned corners: the grid of the first FID.

    Output pixel i lies at i * (in / out), not at pixel centres, so that pictures shift by up to
    half a pixel; between two pixels values are mixed linearly, and nothing is averaged when the
    picture shrinks. torch-fidelity's grid, in float32 as there.

    Args:
        images: uint8 (B, 3, H, W).
        size: (height, width) of the result.

    Returns:
        float32 (B, 3, h, w), 0..255.
    """
    pixels = images.float()
    top, bottom, down = _grid(images.shape[-2], size[0], images.device)
    left, right, across = _grid(images.shape[-1], size[1], images.device)
    upper, lower = pixels[:, :, top], pixels[:, :, bottom]  # (B, 3, h, W)
    upper = upper[..., left] + (upper[..., right] - upper[..., left]) * across  # (B, 3, h, w)
    lower = lower[..., left] + (lower[..., right] - lower[..., left]) * across  # (B, 3, h, w)
    return upper + (lower - upper) * down[:, None]


def clean_bicubic(images: Tensor, size: Size = INCEPTION_SIZE) -> Tensor:
    """clean-fid's resize (Parmar et al. 2022): Pillow's bicubic filter on float32, per channel.

    Antialiased; overshoot is clipped to 0..255, nothing is rounded to uint8.

    Args:
        images: uint8 (B, 3, H, W).
        size: (height, width) of the result.

    Returns:
        float32 (B, 3, h, w), 0..255, on the device of `images`.
    """
    from PIL import Image

    height, width = size
    planes = images.cpu().flatten(0, 1).numpy().astype(np.float32)  # (3 B, H, W)
    resized = np.stack(
        [
            np.asarray(Image.fromarray(plane).resize((width, height), Image.Resampling.BICUBIC))
            for plane in planes
        ]
    )  # (3 B, h, w)
    clipped = torch.from_numpy(resized).clamp(0, 255)
    return clipped.unflatten(0, images.shape[:2]).to(images.device)  # (B, 3, h, w)


def torch_bilinear(images: Tensor, size: Size = INCEPTION_SIZE) -> Tensor:
    """pytorch-fid's resize: `F.interpolate`, bilinear between pixel centres, not antialiased.

    Args:
        images: uint8 (B, 3, H, W).
        size: (height, width) of the result.

    Returns:
        float32 (B, 3, h, w), 0..255.
    """
    return F.interpolate(images.float(), size=size, mode="bilinear", align_corners=False)


def _grid(old: int, new: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """For each of `new` positions along an axis: pixel before, pixel after, share of the latter."""
    steps = torch.arange(new, dtype=torch.float32, device=device)
    places = steps * torch.tensor(old / new, dtype=torch.float32)  # (new,)
    before = places.long()
    return before, (before + 1).clamp_max(old - 1), places - before

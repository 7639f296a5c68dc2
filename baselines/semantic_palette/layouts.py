"""Layouts as the networks read them: one channel per class, and the share of each class."""

from __future__ import annotations

import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn import functional as F

from gcdp_bench.core.images import Size
from gcdp_bench.core.types import IGNORE_ID

BLUR_REACH = 3  # standard deviations at which the Gaussian is cut off


def one_hot(layouts: UInt8[Tensor, "B H W"], num_classes: int) -> Float[Tensor, "B K H W"]:
    """1 in the channel of a pixel's class, 0 elsewhere; an ignored pixel is 0 in all channels."""
    ids = layouts.long()  # (B, H, W)
    ignored = ids == IGNORE_ID
    inside = ids.masked_fill(ignored, 0)
    hot = F.one_hot(inside, num_classes).permute(0, 3, 1, 2).float()  # (B, K, H, W)
    return hot * ~ignored[:, None]


def palettes_of(layouts: UInt8[Tensor, "B H W"], num_classes: int) -> Float[Tensor, "B K"]:
    """Share of each class among the pixels that are not ignored; rows sum to 1.

    Raises:
        ValueError: a layout has no pixel with a class.
    """
    counts = one_hot(layouts, num_classes).sum((2, 3))  # (B, K)
    totals = counts.sum(1, keepdim=True)  # (B, 1)
    if not bool((totals > 0).all()):
        raise ValueError(
            "expected layouts with pixels of some class, got one where all are ignored; leave it "
            "out with --exclude"
        )
    return counts / totals


def blurred(layouts: Float[Tensor, "B K H W"], sigma_px: float) -> Float[Tensor, "B K H W"]:
    """Mean of layouts and of their Gaussian blur: soft at borders, sums over the classes kept.

    The authors blur real layouts "by half", so that the critic cannot tell them by their hard
    borders; the mean is our reading of it. The border pixel is repeated outside.
    """
    if sigma_px == 0:
        return layouts
    reach = max(1, round(BLUR_REACH * sigma_px))
    places = torch.arange(-reach, reach + 1, device=layouts.device, dtype=layouts.dtype)
    taps = torch.softmax(-places.square() / (2 * sigma_px**2), 0)  # (N,)
    num_classes = layouts.shape[1]
    padded = F.pad(layouts, (reach,) * 4, mode="replicate")  # (B, K, H + 2 reach, W + 2 reach)
    for kernel in (taps[:, None], taps[None]):
        weight = kernel.expand(num_classes, 1, *kernel.shape).contiguous()  # (K, 1, N, 1) or 1, N
        padded = F.conv2d(padded, weight, groups=num_classes)
    return (layouts + padded) / 2  # (B, K, H, W)


def halvings(size: Size, *, least_rows: int) -> int:
    """Number of times that both sides can be halved, the rows not below `least_rows`."""
    height, width = size
    times = 0
    while height % 2 == 0 and width % 2 == 0 and height // 2 >= least_rows:
        height, width, times = height // 2, width // 2, times + 1
    return times

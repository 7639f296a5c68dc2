"""HRNet with an FCN head (Wang et al. 2020), built from mmseg's modules."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True, kw_only=True)
class HRNetConfig:
    """Sizes, in the terms of mmseg's HRNet configurations."""

    width: int  # channels of the finest branch; the others have 2, 4 and 8 times as many
    num_modules: tuple[int, int, int]  # of stages 2, 3 and 4
    num_blocks: int  # residual blocks of a branch
    first_blocks: int  # bottleneck blocks of stage 1
    first_channels: int  # their inner channels; outer is four times as many
    head_channels: int
    upsample: int  # images are enlarged by this before the stem, which divides by 4

    @property
    def widths(self) -> tuple[int, int, int, int]:
        """Channels of the four branches."""
        return self.width, 2 * self.width, 4 * self.width, 8 * self.width


W18_SMALL = HRNetConfig(
    width=18,
    num_modules=(1, 3, 2),
    num_blocks=2,
    first_blocks=2,
    first_channels=64,
    head_channels=270,
    upsample=2,
)
"""mmseg's `fcn_hr18s` (HRNet-W18-small), fed with enlarged images."""

W48 = HRNetConfig(
    width=48,
    num_modules=(1, 4, 3),
    num_blocks=4,
    first_blocks=4,
    first_channels=64,
    head_channels=720,
    upsample=1,
)
"""mmseg's `fcn_hr48` (HRNet-W48), the paper's extractor."""

TINY = HRNetConfig(
    width=16,
    num_modules=(1, 1, 1),
    num_blocks=1,
    first_blocks=1,
    first_channels=16,
    head_channels=96,
    upsample=2,
)
"""A narrower and shallower one that a single core can train."""


@contextmanager
def quiet_mmseg() -> Iterator[None]:
    """Import mmseg, mmcv or mmengine without their own warnings; those of other packages stay.

    The pure-Python mmcv says that it has no deformable attention, which is not used; mmengine calls
    functions in ways that Python 3.13 gives up.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"(mmseg|mmcv|mmengine)(\.|$)")
        yield


class HRNetSegmenter(nn.Module):
    """Images to class logits and a feature vector."""

    def __init__(self, config: HRNetConfig, num_classes: int):
        super().__init__()
        self.config = config
        with quiet_mmseg():
            from mmseg.models.backbones import HRNet
            from mmseg.models.decode_heads import FCNHead
        widths = config.widths
        self.backbone = HRNet(extra=_extra(config), norm_cfg={"type": "BN", "requires_grad": True})
        self.decode_head = FCNHead(
            in_channels=list(widths),
            in_index=[0, 1, 2, 3],
            input_transform="resize_concat",
            channels=config.head_channels,
            kernel_size=1,
            num_convs=1,
            concat_input=False,
            dropout_ratio=0,
            num_classes=num_classes,
            out_channels=num_classes,
            norm_cfg={"type": "BN", "requires_grad": True},
            align_corners=False,
            loss_decode={"type": "CrossEntropyLoss", "avg_non_ignore": True},
        )

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Segment images.

        Args:
            images: float (B, 3, H, W), in the range that it was trained on.

        Returns:
            Logits (B, K, H, W) and globally averaged features of all branches (B, 15 width).
        """
        size = images.shape[-2:]
        if self.config.upsample > 1:
            images = F.interpolate(
                images, scale_factor=self.config.upsample, mode="bilinear", align_corners=False
            )  # (B, 3, u H, u W)
        branches = self.backbone(images)  # four maps, (B, C_i, u H / 2^(i + 2), ...)
        logits = self._head(branches)  # (B, K, u H / 4, u W / 4)
        logits = F.interpolate(logits.float(), size=size, mode="bilinear", align_corners=False)
        features = [branch.float().mean((2, 3)) for branch in branches]  # (B, C_i) each
        return logits, torch.cat(features, 1)

    def _head(self, branches: Sequence[Tensor]) -> Tensor:
        """Logits of the branches at the size of the finest one.

        The head enlarges all branches, and mixes their channels by a convolution of 1x1. Both are
        linear where no batch norm stands between: then channels are mixed first, on fewer pixels.
        """
        head: Any = self.decode_head  # mmseg's types know an empty list of convolutions only
        layer = head.convs[0]
        if not isinstance(layer.norm, nn.Identity):
            return head(branches)
        finest, *coarser = branches
        weight, *weights = layer.conv.weight.split([b.shape[1] for b in branches], 1)
        mixed = F.conv2d(finest, weight, layer.conv.bias)  # (B, head channels, h, w)
        for branch, weight in zip(coarser, weights, strict=True):
            mixed = mixed + F.interpolate(
                F.conv2d(branch, weight), size=mixed.shape[-2:], mode="bilinear"
            )
        return head.conv_seg(layer.activate(mixed))


def _extra(config: HRNetConfig) -> dict:
    """The `extra` dictionary of mmseg's HRNet."""
    extra = {
        "stage1": {
            "num_modules": 1,
            "num_branches": 1,
            "block": "BOTTLENECK",
            "num_blocks": (config.first_blocks,),
            "num_channels": (config.first_channels,),
        }
    }
    for stage, num_modules in enumerate(config.num_modules, start=2):
        extra[f"stage{stage}"] = {
            "num_modules": num_modules,
            "num_branches": stage,
            "block": "BASIC",
            "num_blocks": (config.num_blocks,) * stage,
            "num_channels": config.widths[:stage],
        }
    return extra

"""PatchGAN: one logit for each patch of an image (Isola et al. 2017, Section 3.2.2)."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

SLOPE = 0.2


@dataclass(frozen=True, kw_only=True)
class PatchConfig:
    """Widths of the layers. All but the last halve the grid."""

    channels: tuple[int, ...]
    groups: int  # of the normalisation, which the first layer lacks

    def __post_init__(self):
        if any(width % self.groups for width in self.channels[1:]):
            raise ValueError(
                f"channels: expected multiples of the {self.groups} groups after the first, got "
                f"{self.channels}; change one of the two"
            )


class PatchDiscriminator(nn.Module):
    """Convolutions of 4 x 4 pixels.

    Channels (64, 128, 256, 512) are the discriminator of CompVis/latent-diffusion and of pix2pix,
    with group instead of batch normalisation, so that a logit depends on its own image alone.
    """

    def __init__(self, config: PatchConfig):
        super().__init__()
        self.layers = nn.ModuleList()
        width = 3
        for index, channels in enumerate(config.channels):
            stride = 1 if index == len(config.channels) - 1 else 2
            convolution = nn.Conv2d(width, channels, 4, stride, padding=1, bias=index == 0)
            norm = nn.Identity() if index == 0 else nn.GroupNorm(config.groups, channels)
            self.layers.append(nn.Sequential(convolution, norm, nn.LeakyReLU(SLOPE)))
            width = channels
        self.head = nn.Conv2d(width, 1, 4, 1, padding=1)

    def forward(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Logits, high for real patches, and the features of every layer.

        Args:
            images: float (B, 3, H, W) in [-1, 1].

        Returns:
            logits (B, 1, h, w), and features (B, C_l, h_l, w_l) of each layer l.
        """
        features = []
        hidden = images
        for layer in self.layers:
            hidden = layer(hidden)  # (B, C_l, h_l, w_l)
            features.append(hidden)
        return self.head(hidden), features  # (B, 1, h, w)

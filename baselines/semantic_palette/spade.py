"""Spatially adaptive normalisation (Park et al. 2019) and the residual block built on it."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

SLOPE = 0.2


class Spade(nn.Module):
    """normalised(x) * (1 + gamma(layout)) + beta(layout), pixel by pixel (Eq. 1-2).

    Deviation: channels are normalised over each image by itself, where the authors normalise over
    the batch, so that an image depends on its own layout and noise alone, in training too.

    Args:
        dim: channels of x.
        num_classes: K.
        hidden: channels between the layout and gamma and beta.
    """

    def __init__(self, dim: int, num_classes: int, hidden: int):
        super().__init__()
        self.shared = nn.Conv2d(num_classes, hidden, 3, padding=1)
        self.gamma = nn.Conv2d(hidden, dim, 3, padding=1)
        self.beta = nn.Conv2d(hidden, dim, 3, padding=1)

    def forward(self, x: Tensor, hot: Tensor) -> Tensor:
        """(B, dim, H, W) and a layout (B, K, H, W) to (B, dim, H, W)."""
        shared = F.relu(self.shared(hot))  # (B, hidden, H, W)
        return F.instance_norm(x) * (1.0 + self.gamma(shared)) + self.beta(shared)


class SpadeBlock(nn.Module):
    """Residual block of two SPADE layers; the short cut has one where the width changes (Fig. 4).

    Convolutions of features are divided by their spectral norm.
    """

    def __init__(self, in_dim: int, dim: int, num_classes: int, hidden: int):
        super().__init__()
        middle = min(in_dim, dim)
        self.first = Spade(in_dim, num_classes, hidden)
        self.second = Spade(middle, num_classes, hidden)
        self.conv_first = spectral_norm(nn.Conv2d(in_dim, middle, 3, padding=1))
        self.conv_second = spectral_norm(nn.Conv2d(middle, dim, 3, padding=1))
        self.short = None if in_dim == dim else Spade(in_dim, num_classes, hidden)
        self.conv_short = (
            None if in_dim == dim else spectral_norm(nn.Conv2d(in_dim, dim, 1, bias=False))
        )

    def forward(self, x: Tensor, hot: Tensor) -> Tensor:
        """(B, in_dim, H, W) and a layout (B, K, H, W) to (B, dim, H, W)."""
        changed = self.conv_first(F.leaky_relu(self.first(x, hot), SLOPE))  # (B, middle, H, W)
        changed = self.conv_second(F.leaky_relu(self.second(changed, hot), SLOPE))
        if self.short is not None and self.conv_short is not None:
            x = self.conv_short(self.short(x, hot))  # (B, dim, H, W)
        return x + changed

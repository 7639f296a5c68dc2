"""Lafite's discriminator: StyleGAN2's residual one, with a feature that meets the text."""

from __future__ import annotations

from torch import Tensor

from baselines.lafite.config import NetworkConfig
from baselines.stylegan2.discriminator import Trunk
from baselines.stylegan2.layers import Linear


class LafiteDiscriminator(Trunk):
    """Image and text to a logit, and the image's feature f_s in the space of the text."""

    def __init__(self, config: NetworkConfig):
        channels = config.discriminator_channels
        super().__init__(
            channels=channels,
            convs=config.convs,
            start_size=config.start_size,
            minibatch_std_group=config.minibatch_std_group,
            low_pass=config.low_pass,
        )
        self.config = config
        self.logit = Linear(channels[0], 1)
        self.feature = Linear(channels[0], config.text_dim)

    def forward(self, images: Tensor, text: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (B,) = Linear(x) + <f_s, text>, and f_s (B, E), not normalised.

        Args:
            images: float [-1, 1] (B, 3, H, W).
            text: unit CLIP feature (B, E) of the caption of each.

        Raises:
            ValueError: B is above `minibatch_std_group` and not a multiple of it.
        """
        x = self.features(images)  # (B, C)
        feature = self.feature(x)  # (B, E)
        match = (feature * text).sum(1)  # (B,)
        if self.config.official_batch_sum:
            match = match.sum()  # one number for every logit
        return self.logit(x)[:, 0] + match, feature

"""GANformer's discriminator: StyleGAN2's residual one (Karras et al. 2020)."""

from __future__ import annotations

from torch import Tensor

from baselines.gansformer.config import NetworkConfig
from baselines.stylegan2.discriminator import Trunk
from baselines.stylegan2.layers import Linear


class Discriminator(Trunk):
    """Image to a logit; 28,864,129 parameters at 256 x 256 and the paper's channels."""

    def __init__(self, config: NetworkConfig):
        super().__init__(
            channels=config.channels,
            convs=config.convs,
            start_size=config.start_size,
            minibatch_std_group=config.minibatch_std_group,
            low_pass=config.low_pass,
        )
        self.logit = Linear(config.channels[0], 1)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (B,) of images, float [-1, 1] (B, 3, H, W).

        Raises:
            ValueError: B is above `minibatch_std_group` and not a multiple of it.
        """
        return self.logit(self.features(images))[:, 0]

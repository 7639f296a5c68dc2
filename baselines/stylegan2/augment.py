"""Augmentation of what the discriminator sees: DiffAugment, always or with an adaptive chance."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

NUM_DRAWS = 10  # uniform numbers per image
TRANSLATION = 1 / 8  # of a side, at most
CUTOUT = 1 / 2  # of a side
TARGET = 0.6  # of the mean sign of D(real)
INTERVAL = 4  # steps between two changes of the chance


def augment(
    images: Float[Tensor, "B 3 H W"],
    uniform: Float[Tensor, "B 10"],
    chance: Float[Tensor, ""] | float = 1.0,
) -> Float[Tensor, "B 3 H W"]:
    """Colour, translation and cutout (Zhao et al. 2020), differentiable by the images.

    Each of the three is applied to each image with probability `chance`; at 1 this is DiffAugment.
    Pixels from outside the image, and those that are cut out, are 0: grey.

    Args:
        images: float [-1, 1].
        uniform: random numbers in [0, 1).
        chance: 0 to 1.
    """
    taken = uniform[:, 7:] < chance  # (B, 3)
    for index, changed in enumerate((_colour, _translation, _cutout)):
        chosen = taken[:, index, None, None, None]  # (B, 1, 1, 1)
        images = torch.where(chosen, changed(images, uniform), images)
    return images


def _colour(images: Tensor, uniform: Tensor) -> Tensor:
    """Brightness + [-0.5, 0.5), saturation x [0, 2), contrast x [0.5, 1.5), in this order."""
    brightness, saturation, contrast = uniform[:, :3, None, None, None].unbind(1)  # (B, 1, 1, 1)
    images = images + brightness - 0.5
    grey = images.mean(1, keepdim=True)  # (B, 1, H, W)
    images = grey + 2 * saturation * (images - grey)
    mean = images.mean((1, 2, 3), keepdim=True)  # (B, 1, 1, 1)
    return mean + (contrast + 0.5) * (images - mean)


def _translation(images: Tensor, uniform: Tensor) -> Tensor:
    """Shift by whole pixels, up to `TRANSLATION` of a side each way."""
    for dim, draw in ((2, uniform[:, 3]), (3, uniform[:, 4])):
        side = images.shape[dim]
        most = round(side * TRANSLATION)
        shift = (draw * (2 * most + 1)).floor().long() - most  # (B,)
        source = torch.arange(side, device=images.device) - shift[:, None]  # (B, side)
        shape = [len(images), 1, 1, 1]
        shape[dim] = side
        inside = ((source >= 0) & (source < side)).view(shape)
        index = source.clamp(0, side - 1).view(shape).expand_as(images)
        images = images.gather(dim, index) * inside
    return images


def _cutout(images: Tensor, uniform: Tensor) -> Tensor:
    """A rectangle of half of each side becomes grey; its centre may lie anywhere on the image."""
    hidden = torch.ones((), dtype=torch.bool, device=images.device)
    for dim, draw in ((2, uniform[:, 5]), (3, uniform[:, 6])):
        side = images.shape[dim]
        cut = round(side * CUTOUT)
        centre = (draw * (side + 1 - cut % 2)).floor()  # (B,)
        distance = torch.arange(side, device=images.device) - (centre[:, None] - cut // 2)
        shape = [len(images), 1, 1, 1]
        shape[dim] = side
        hidden = hidden & ((distance >= 0) & (distance < cut)).view(shape)
    return images * ~hidden


class AdaptiveChance(nn.Module):
    """Probability of augmentation, by the discriminator's overfitting (Karras et al. 2020b, ADA).

    Every `INTERVAL` steps the chance moves up or down, as the mean of sign(D(real)) since then is
    above or below `TARGET`; by so much that it goes from 0 to 1 in `ramp_images`. The images are
    augmented by `augment`; the authors' set of transformations is larger.
    """

    chance: Tensor
    signs: Tensor
    num: Tensor

    def __init__(self, ramp_images: int):
        super().__init__()
        self.register_buffer("chance", torch.zeros(()))
        self.register_buffer("signs", torch.zeros(()))  # sum of sign(D(real)) since the last change
        self.register_buffer("num", torch.zeros(()))  # images that are in it
        self._ramp_images = ramp_images

    @torch.no_grad()
    def update(self, real: Tensor, step: int) -> None:
        """Take note of the logits (B,) of real images at `step` (from 0)."""
        self.signs += real.sign().sum()
        self.num += len(real)
        if (step + 1) % INTERVAL == 0:
            direction = (self.signs / self.num - TARGET).sign()
            self.chance += direction * self.num / self._ramp_images
            self.chance.clamp_(0, 1)
            self.signs.zero_()
            self.num.zero_()

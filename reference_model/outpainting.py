"""Cross-modal outpainting (Section 4.6): sample what is unknown of a pair given what is known.

RePaint (Lugmayr et al. 2022) on image and layout together. With the layout known it is semantic
image synthesis, with the image known semantic segmentation, with a part of both inpainting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool
from torch import Tensor
from torch.nn import functional as F

from gcdp_bench.core.images import Size, resize_images
from gcdp_bench.core.types import IGNORE_ID
from reference_model.joint import Pair, q_sample, renoise, reverse_step
from reference_model.sampler import Denoiser
from reference_model.schedules import respaced_transitions
from reference_model.stage import Stage, upsample
from reference_model.text import EncodedText

IMAGE_RESAMPLING, LAYOUT_RESAMPLING = 5, 1
"""Steps n of RePaint that the paper takes to draw images, and to draw layouts alone."""


@dataclass(frozen=True)
class KnownRegion:
    """z_0 where it is known; elsewhere its values do not matter."""

    z_0: Pair  # image float [-1, 1] (B, 3, H, W), layout long (B, H, W)
    image_mask: Bool[Tensor, "B H W"]
    layout_mask: Bool[Tensor, "B H W"]

    @classmethod
    def of_image(cls, images: Tensor) -> KnownRegion:
        """Images float [-1, 1] (B, 3, H, W) with nothing of their layouts."""
        mask = torch.ones(len(images), *images.shape[2:], dtype=torch.bool, device=images.device)
        layouts = torch.full_like(mask, IGNORE_ID, dtype=torch.long)
        return cls(Pair(images, layouts), mask, torch.zeros_like(mask))

    def resized(self, size: Size) -> KnownRegion:
        """For a stage of a smaller size: a pixel is known where all that it covers is known, and
        all that the filter reads for its colour.
        """
        if tuple(self.image_mask.shape[-2:]) == tuple(size):
            return self
        unknown = (~self.image_mask).float()[:, None]  # (B, 1, H, W)
        image_mask = resize_images(unknown, size)[:, 0] == 0  # (B, h, w)
        unknown = (~self.layout_mask).float()[:, None]  # (B, 1, H, W)
        layout_mask = F.adaptive_max_pool2d(unknown, size)[:, 0] == 0  # (B, h, w)
        return KnownRegion(upsample(self.z_0, size), image_mask, layout_mask)

    def to(self, device: torch.device) -> KnownRegion:
        """The same on `device`."""
        return KnownRegion(
            self.z_0.to(device), self.image_mask.to(device), self.layout_mask.to(device)
        )

    def over(self, pair: Pair, known: Pair | None = None) -> Pair:
        """`pair`, with the known pixels taken from `known` (None: from z_0)."""
        known = known or self.z_0
        image = torch.where(self.image_mask[:, None], known.image, pair.image)  # (B, 3, H, W)
        assert pair.layout is not None and known.layout is not None
        return Pair(image, torch.where(self.layout_mask, known.layout, pair.layout))


@torch.no_grad()
def outpaint(
    stage: Stage,
    text: EncodedText,
    known: KnownRegion,
    *,
    guidance: float,
    seeds: Sequence[int],
    num_steps: int,
    resampling: int,
    low_res: Pair | None = None,
) -> Pair:
    """Draw z_0 given its known part, by RePaint.

    At each step t the known part of z_t is drawn from q(z_t | z_0) before the reverse transition.
    With n resampling steps, each transition t -> s is made n times, with the forward step s -> t
    between, so that both parts come to agree. The paper has n = 1 from image to layout and n = 5
    from layout to image.

    Deviation: the paper prints alpha_bar_t for the known part at t - 1; here the known part is at
    the step that the network is told.

    Args:
        stage: base or super-resolution stage that makes layouts.
        text: B encoded captions.
        known: of the stage's size.
        guidance: see `sample`.
        seeds: B seeds; sample i depends on the i-th of every argument alone.
        num_steps: transitions S <= T.
        resampling: n >= 1.
        low_res: z_0 of the stage below, for a super-resolution stage.

    Returns:
        Pair of image float [-1, 1] (B, 3, H, W) and layout long (B, H, W); the known part is that
        of `known`.

    Raises:
        ValueError: the stage makes no layouts, sizes or numbers differ, or n < 1.
        NotFinite: the network's output is not finite at some step.
    """
    _check(stage, known, seeds, resampling)
    process = stage.process
    denoiser = Denoiser(stage, text, guidance=guidance, seeds=seeds, low_res=low_res)
    known = known.to(stage.device)
    z_t = process.prior(denoiser.draw())
    for t, s in respaced_transitions(process.num_steps, num_steps):
        at_t = torch.full((len(seeds),), t, device=stage.device)  # (B,)
        for repeats_left in reversed(range(resampling)):
            z_t = known.over(z_t, q_sample(process, known.z_0, at_t, denoiser.draw()))
            noise, logits = denoiser.predict(z_t, t)
            z_s = reverse_step(process, z_t, t, s, noise, logits, denoiser.draw())
            if repeats_left and s > 0:
                z_t = renoise(process, z_s, s, t, denoiser.draw())
        z_t = z_s
    denoiser.require_finite()
    return known.over(z_t)


def _check(stage: Stage, known: KnownRegion, seeds: Sequence[int], resampling: int) -> None:
    if not stage.config.makes_layouts:
        raise ValueError(
            "outpainting needs a model of images and layouts, got one of images alone; use "
            "reference"
        )
    if resampling < 1:
        raise ValueError(f"resampling: expected at least 1, got {resampling}")
    expected = (len(seeds), *stage.config.image_size)
    came = {tuple(mask.shape) for mask in (known.image_mask, known.layout_mask)}
    if came != {expected}:
        raise ValueError(f"known: expected masks of {expected} (one per seed), got {came}")

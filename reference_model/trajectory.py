"""Convergence of image and layout along one sampling run of a base stage (Section 4.2).

The label schedule beta^c decides at which t labels can be told from noise; the image has a schedule
of its own. Which of the two converges first follows from the network's predictions of z_0 at every
visited step, compared with the final z_0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int, Integer
from torch import Tensor

from reference_model.gaussian import dynamic_threshold, predict_x_0
from reference_model.joint import Pair
from reference_model.sampler import Step, sample
from reference_model.stage import Stage
from reference_model.text import EncodedText

SMALLEST_VARIATION = 1e-12
"""Sum of squares below which an image has one colour."""


@dataclass(frozen=True)
class Trajectory:
    """Predictions and state of a run at each of the S visited steps; everything on the CPU."""

    steps: tuple[int, ...]  # T = t_S > ... > t_1 >= 1
    x_0_hat: Float[Tensor, "S B 3 H W"]  # predicted images, as the sampler thresholds them
    y_0_hat: Int[Tensor, "S B H W"]  # most likely labels, argmax of the guided p(y_0 | z_t)
    y_t: Int[Tensor, "S B H W"]  # labels that the network is shown
    z_0: Pair  # where the run ends; float [-1, 1] (B, 3, H, W), long (B, H, W)

    @property
    def layout(self) -> Int[Tensor, "B H W"]:
        """The final layout y_0."""
        assert self.z_0.layout is not None
        return self.z_0.layout


def record(
    stage: Stage, text: EncodedText, *, guidance: float, seeds: Sequence[int], num_steps: int
) -> Trajectory:
    """`sampler.sample` of a base stage with the same arguments, step by step: z_0 is the same.

    Args:
        stage: a base stage that makes layouts.
        text: B encoded captions.
        guidance: w >= 0; 1 is the plain conditional model.
        seeds: B seeds; run i depends on (text i, seed i, guidance) only.
        num_steps: transitions S <= T.

    Raises:
        ValueError: not such a stage.
        NotFinite: the network's output is not finite at some step.
    """
    if not stage.config.makes_layouts or stage.config.low_res is not None:
        kind = "a base stage of images alone" if stage.config.low_res is None else "another stage"
        raise ValueError(f"expected a base stage that makes layouts, got {kind}; use reference")
    steps, images, predicted, shown = [], [], [], []

    def keep(step: Step) -> None:
        assert step.logits is not None and step.z_t.layout is not None
        at_t = torch.tensor([step.t], device=stage.device)  # (1,)
        x_0_hat = predict_x_0(step.z_t.image, step.noise.float(), stage.process.image.at(at_t))
        steps.append(step.t)
        images.append(dynamic_threshold(x_0_hat).cpu())
        predicted.append(step.logits.argmax(1).cpu())  # (B, H, W)
        shown.append(step.z_t.layout.cpu())

    z_0 = sample(stage, text, guidance=guidance, seeds=seeds, num_steps=num_steps, callback=keep)
    return Trajectory(
        tuple(steps),
        torch.stack(images),  # (S, B, 3, H, W)
        torch.stack(predicted),  # (S, B, H, W)
        torch.stack(shown),  # (S, B, H, W)
        z_0.to(torch.device("cpu")),
    )


def label_agreement(
    layouts: Integer[Tensor, "S B H W"], final: Integer[Tensor, "B H W"]
) -> Float[Tensor, "B S"]:
    """Share of pixels whose label is already the final one, float64 in [0, 1]."""
    return (layouts == final).double().mean((2, 3)).T  # (B, S)


def explained_variance(
    images: Float[Tensor, "S B 3 H W"], final: Float[Tensor, "B 3 H W"]
) -> Float[Tensor, "B S"]:
    """R^2 = 1 - sum (x - final)^2 / sum (final - its mean colour)^2, float64, not clipped.

    Sums run over pixels and channels of one image; its mean colour is one number per channel. 1:
    the image is the final one; 0: no closer to it than its mean colour; there is no lower end. NaN
    where the final image has one colour only.
    """
    images, final = images.double(), final.double()
    residual = ((images - final) ** 2).sum((2, 3, 4))  # (S, B)
    total = ((final - final.mean((2, 3), keepdim=True)) ** 2).sum((1, 2, 3))  # (B,)
    return (1.0 - residual / total.masked_fill(total < SMALLEST_VARIATION, torch.nan)).T  # (B, S)

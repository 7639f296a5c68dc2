"""Respaced sampling of one stage, with classifier-free guidance on both outputs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from gcdp_bench.core.finite import FiniteCheck
from gcdp_bench.core.rng import generator
from gcdp_bench.core.sampling_config import ANCESTRAL, Sampler, check_seeds
from gcdp_bench.core.types import GUIDANCE
from reference_model.image_samplers import image_step
from reference_model.joint import NoiseDraw, Pair, reverse_step
from reference_model.schedules import Schedule, respaced_transitions
from reference_model.stage import Stage, guided, noise_low_res, upsample
from reference_model.text import EncodedText
from reference_model.unet import LowRes, TextCondition


@dataclass(frozen=True)
class Step:
    """State of a sampling run at a visited step t, before the transition to the next one."""

    t: int
    z_t: Pair
    noise: Float[Tensor, "B 3 H W"]  # guided prediction
    logits: Float[Tensor, "B K H W"] | None  # guided logits of p(y_0 | z_t)


@dataclass(frozen=True, kw_only=True)
class Method:
    """The image's sampler, and the noise levels at which guidance acts."""

    sampler: Sampler = ANCESTRAL
    guidance_interval: tuple[float, float] | None = None  # (low, high] of sigma; None: everywhere

    def guides(self, log_snr: float) -> bool:
        """Whether guidance acts at a log SNR, by sigma = exp(-log SNR / 2).

        sigma is the noise of an image that is not scaled down, as in Kynkaanniemi et al. 2024.
        """
        if self.guidance_interval is None:
            return True
        low, high = self.guidance_interval
        return low < math.exp(-log_snr / 2.0) <= high


class NoiseStreams:
    """One random stream per sample, so a sample's noise does not depend on its batch."""

    def __init__(self, stage: Stage, seeds: Sequence[int], purpose: str):
        self._stage = stage
        self._generators = [generator(seed, purpose) for seed in seeds]

    def draw(self) -> NoiseDraw:
        """Next normal and uniform numbers of every stream, stacked."""
        config = self._stage.config
        draws = [
            NoiseDraw.from_generator(
                stream, (1, 3, *config.image_size), with_layout=config.makes_layouts
            )
            for stream in self._generators
        ]
        return NoiseDraw.cat(draws).to(self._stage.device)


class Denoiser:
    """A stage with the captions of B samples, their guidance and their random streams."""

    def __init__(
        self,
        stage: Stage,
        text: EncodedText,
        *,
        guidance: float,
        seeds: Sequence[int],
        low_res: Pair | None = None,
        method: Method = Method(),
    ):
        """Arguments as in `sample`."""
        _check(stage, text, guidance, seeds, low_res)
        self._stage, self._guidance, self._method = stage, guidance, method
        self._streams = NoiseStreams(stage, seeds, "base" if low_res is None else "sr")
        self._plain = self._guided = stage.condition(text)
        if guidance != 1.0:
            null = stage.network.null_text(len(seeds))
            self._guided = TextCondition.cat([self._plain, null])
        self._low = None if low_res is None else _augmented(stage, low_res, self._streams.draw())
        self._check = FiniteCheck()

    def draw(self) -> NoiseDraw:
        """Next random numbers of every sample."""
        return self._streams.draw()

    def predict(self, z_t: Pair, t: int) -> tuple[Tensor, Tensor | None]:
        """Guided noise (B, 3, H, W) and label logits (B, K, H, W) at step t.

        Where guidance does not act, the unconditional pass is skipped.
        """
        acts = self._method.guides(float(self._stage.process.image.log_snr[t]))
        return predict(
            self._stage,
            z_t,
            t,
            self._guided if acts else self._plain,
            guidance=self._guidance if acts else 1.0,
            low_res=self._low,
            check=self._check,
        )

    def require_finite(self) -> None:
        """Call it after the last transition.

        Raises:
            NotFinite: a prediction was not finite at some step; on a CPU, `predict` raises it.
        """
        self._check.require()


@torch.no_grad()
def sample(
    stage: Stage,
    text: EncodedText,
    *,
    guidance: float,
    seeds: Sequence[int],
    num_steps: int,
    low_res: Pair | None = None,
    method: Method = Method(),
    callback: Callable[[Step], None] | None = None,
) -> Pair:
    """Draw z_0 ~ p_theta(z_0 | text) by `num_steps` reverse transitions (Eq. 17).

    With DDIM or DPM-Solver++ the image follows the probability flow instead, and the layout is
    drawn as before. A seed has the same random numbers for every sampler.

    Args:
        stage: base stage, or super-resolution stage (then `low_res` is required).
        text: B encoded captions.
        guidance: w >= 0; 1 is the plain conditional model and skips the unconditional pass.
        seeds: B seeds; sample i depends on (text i, seed i, guidance, low_res i) only.
        num_steps: transitions S <= T on the steps round(i T / S).
        low_res: z_0 of the stage below, image float [-1, 1].
        method: the image's sampler and where guidance acts.
        callback: called at every visited step, before its transition.

    Returns:
        Pair of image float [-1, 1] (B, 3, H, W) and layout long (B, H, W) or None.

    Raises:
        NotFinite: the network's output is not finite at some step.
    """
    process, step = stage.process, image_step(method.sampler)
    denoiser = Denoiser(stage, text, guidance=guidance, seeds=seeds, low_res=low_res, method=method)
    z_t = process.prior(denoiser.draw())
    for t, s in respaced_transitions(process.num_steps, num_steps):
        noise, logits = denoiser.predict(z_t, t)
        if callback is not None:
            callback(Step(t, z_t, noise, logits))
        z_t = reverse_step(process, z_t, t, s, noise, logits, denoiser.draw(), image_step=step)
    denoiser.require_finite()
    return z_t


def predict(
    stage: Stage,
    z_t: Pair,
    t: int,
    condition: TextCondition,
    *,
    guidance: float,
    low_res: LowRes | None,
    check: FiniteCheck,
) -> tuple[Tensor, Tensor | None]:
    """Guided noise (B, 3, H, W) and label logits (B, K, H, W); both passes as one batch, in which
    layers that read z_t alone run once.

    `condition` holds the B captions, followed by B dropped ones unless guidance is 1. `check` sees
    both results.
    """
    num = len(z_t.image)
    maps = len(condition.pooled) if num == 1 else num  # kernels for one sample round differently
    output = stage.network(
        z_t.image.expand(maps, -1, -1, -1),  # (B, 3, H, W)
        None if z_t.layout is None else z_t.layout.expand(maps, -1, -1),  # (B, H, W)
        _log_snr(stage.process.image, t, maps, z_t.image.device),
        condition,
        low_res=None if low_res is None else _expand(low_res, maps),
    )
    noise = output.noise.to(z_t.image.dtype)  # of bfloat16, where that is its arithmetic
    logits = None if output.logits is None else output.logits.to(z_t.image.dtype)
    if guidance != 1.0:
        noise, noise_null = noise.chunk(2)
        noise = guided(noise_null, noise, guidance)
        if logits is not None:
            logits, logits_null = logits.chunk(2)
            logits = guided(logits_null, logits, guidance)
    stage_name = "base" if low_res is None else "super-resolution"
    step = f"at step {t} of {stage.process.num_steps} of the {stage_name} stage"
    check.see(f"predicted noise {step}", noise)
    if logits is not None:
        check.see(f"label logits {step}", logits)
    return noise, logits


def _augmented(stage: Stage, pair: Pair, draw: NoiseDraw) -> LowRes:
    """Low-resolution pair brought to the stage's size and noised to the fixed sampling level."""
    low_res = stage.config.low_res
    assert low_res is not None
    up = upsample(pair, stage.config.image_size).to(stage.device)
    level = torch.full((len(up.image),), low_res.sample_level, device=stage.device)  # (B,)
    return noise_low_res(
        Schedule(low_res.schedule),
        up,
        level,
        num_classes=stage.config.unet.num_classes,
        normal=draw.normal,
        uniform=draw.uniform,
    )


def _log_snr(schedule: Schedule, t: int, num: int, device: torch.device) -> Tensor:
    return torch.full((num,), float(schedule.log_snr[t]), device=device)  # (B,)


def _expand(low_res: LowRes, num: int) -> LowRes:
    return LowRes(
        low_res.image.expand(num, -1, -1, -1),  # (num, 3, H, W)
        None if low_res.layout is None else low_res.layout.expand(num, -1, -1),
        low_res.log_snr.expand(num),  # (num,)
    )


def _check(
    stage: Stage, text: EncodedText, guidance: float, seeds: Sequence[int], low_res: Pair | None
) -> None:
    check_seeds(text.mask, seeds)
    GUIDANCE.check(guidance)
    if guidance != 1.0 and not stage.config.reads_captions:
        raise ValueError(f"expected guidance 1 of an unconditional stage, got {guidance:g}")
    if (low_res is None) != (stage.config.low_res is None):
        kind = "super-resolution" if stage.config.low_res else "base"
        raise ValueError(
            f"a {kind} stage was sampled {'without' if low_res is None else 'with'} "
            "a low-resolution pair"
        )

"""Respaced ancestral sampling of one stage, with classifier-free guidance on both outputs."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gcdp_bench.core.finite import FiniteCheck
from gcdp_bench.core.rng import generator
from gcdp_bench.core.sampling_config import check_seeds
from gcdp_bench.core.types import GUIDANCE
from reference_model.joint import NoiseDraw, Pair, reverse_step
from reference_model.schedules import Schedule, respaced_transitions
from reference_model.stage import Stage, guided, noise_low_res, upsample
from reference_model.text import EncodedText
from reference_model.unet import LowRes, TextCondition


class NoiseStreams:
    """One random stream per sample, so a sample's noise does not depend on its batch."""

    def __init__(self, seeds: Sequence[int], purpose: str, *, stage: Stage, device: torch.device):
        self._generators = [generator(seed, purpose) for seed in seeds]
        self._image_size = stage.config.image_size
        self._with_layout = stage.config.makes_layouts
        self._device = device

    def draw(self) -> NoiseDraw:
        """Next normal and uniform numbers of every stream, stacked."""
        height, width = self._image_size
        draws = [
            NoiseDraw.from_generator(stream, (1, 3, height, width), with_layout=self._with_layout)
            for stream in self._generators
        ]
        return NoiseDraw.cat(draws).to(self._device)


class Transitions:
    """Reverse transitions p_theta(z_s | z_t) of some captions, with a random stream per sample."""

    def __init__(
        self,
        stage: Stage,
        text: EncodedText,
        *,
        guidance: float,
        seeds: Sequence[int],
        low_res: Pair | None = None,
    ):
        """Arguments as in `sample`."""
        _check(stage, text, guidance, seeds, low_res)
        self._stage, self._guidance = stage, guidance
        self.device = next(stage.network.parameters()).device
        purpose = "base" if low_res is None else "sr"
        self._streams = NoiseStreams(seeds, purpose, stage=stage, device=self.device)
        self._condition = stage.condition(text)
        if guidance != 1.0:
            null = stage.network.null_text(len(seeds))
            self._condition = TextCondition.cat([self._condition, null])
        self._low = None if low_res is None else _augmented(stage, low_res, self._streams)
        self._check = FiniteCheck()

    def draw(self) -> NoiseDraw:
        """Next random numbers of every sample."""
        return self._streams.draw()

    def prior(self) -> Pair:
        """A draw of z_T."""
        return self._stage.process.prior(self.draw())

    def reverse(self, z_t: Pair, t: int, s: int) -> Pair:
        """A draw of p_theta(z_s | z_t, text), 0 <= s < t; see `require_finite`."""
        noise, logits = predict(
            self._stage,
            z_t,
            t,
            self._condition,
            guidance=self._guidance,
            low_res=self._low,
            check=self._check,
        )
        return reverse_step(self._stage.process, z_t, t, s, noise, logits, self.draw())

    def require_finite(self) -> None:
        """Call it after the last transition.

        Raises:
            NotFinite: the network's output was not finite at some step; on a CPU, that transition
                raises it.
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
) -> Pair:
    """Draw z_0 ~ p_theta(z_0 | text) by `num_steps` reverse transitions (Eq. 17).

    Args:
        stage: base stage, or super-resolution stage (then `low_res` is required).
        text: B encoded captions.
        guidance: w >= 0; 1 is the plain conditional model and skips the unconditional pass.
        seeds: B seeds; sample i depends on (text i, seed i, guidance, low_res i) only.
        num_steps: transitions S <= T on the steps round(i T / S).
        low_res: z_0 of the stage below, image float [-1, 1].

    Returns:
        Pair of image float [-1, 1] (B, 3, H, W) and layout long (B, H, W) or None.

    Raises:
        NotFinite: the network's output is not finite at some step.
    """
    transitions = Transitions(stage, text, guidance=guidance, seeds=seeds, low_res=low_res)
    z_t = transitions.prior()
    for t, s in respaced_transitions(stage.process.num_steps, num_steps):
        z_t = transitions.reverse(z_t, t, s)
    transitions.require_finite()
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
    """Guided noise (B, 3, H, W) and label logits (B, K, H, W); both passes as one batch.

    `condition` holds the B captions, followed by B dropped ones unless guidance is 1. `check` sees
    both results.
    """
    num, passes = z_t.image.shape[0], (1 if guidance == 1.0 else 2)
    log_snr = _log_snr(stage.process.image, t, passes * num, z_t.image.device)
    output = stage.network(
        z_t.image.repeat(passes, 1, 1, 1),  # (passes * B, 3, H, W)
        None if z_t.layout is None else z_t.layout.repeat(passes, 1, 1),  # (passes * B, H, W)
        log_snr,
        condition,
        low_res=None if low_res is None else _repeat(low_res, passes),
    )
    noise, logits = output.noise, output.logits
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


def _augmented(stage: Stage, pair: Pair, streams: NoiseStreams) -> LowRes:
    """Low-resolution pair brought to the stage's size and noised to the fixed sampling level."""
    low_res = stage.config.low_res
    assert low_res is not None
    draw = streams.draw()
    up = upsample(pair, stage.config.image_size)
    device = draw.normal.device
    level = torch.full((len(up.image),), low_res.sample_level, device=device)  # (B,)
    return noise_low_res(
        Schedule(low_res.schedule),
        up.to(device),
        level,
        num_classes=stage.config.unet.num_classes,
        normal=draw.normal,
        uniform=draw.uniform,
    )


def _log_snr(schedule: Schedule, t: int, num: int, device: torch.device) -> Tensor:
    return torch.full((num,), float(schedule.log_snr[t]), device=device)  # (B,)


def _repeat(low_res: LowRes, passes: int) -> LowRes:
    return LowRes(
        low_res.image.repeat(passes, 1, 1, 1),  # (passes * B, 3, H, W)
        None if low_res.layout is None else low_res.layout.repeat(passes, 1, 1),
        low_res.log_snr.repeat(passes),  # (passes * B,)
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

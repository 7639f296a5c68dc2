"""Internal features of a base stage while it denoises real images (Section 4.5, Figure 8).

A model of image and layout is never shown the true layout: its layout is drawn along with the
noised image, as in outpainting from image to layout. A model of images alone sees the noised image.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from gcdp_bench.core.finite import FiniteCheck, require_finite
from reference_model.joint import NoiseDraw, Pair, q_sample
from reference_model.outpainting import LAYOUT_RESAMPLING, KnownRegion, outpaint
from reference_model.sampler import Denoiser, predict
from reference_model.schedules import respaced_transitions
from reference_model.stage import Stage
from reference_model.text import EncodedText
from reference_model.unet import UNet

Features = dict[tuple[int, str], Tensor]
"""(t, block) to float (B, C, h, w)."""


def block_names(network: UNet) -> tuple[str, ...]:
    """Blocks whose output can be read, in the order of the forward pass: the decoder, from its
    coarsest level on.
    """
    return ("middle", *(f"up.{level}" for level in range(len(network.ups))), "final")


def nearest_steps(num_steps: int, num_sampled: int, wanted: Sequence[int]) -> tuple[int, ...]:
    """The sampled steps t nearest to the wanted ones, one for each.

    Raises:
        ValueError: a wanted step is outside 1..T, or two of them have the same nearest step.
    """
    sampled = [t for t, _ in respaced_transitions(num_steps, num_sampled)]
    outside = [t for t in wanted if not 1 <= t <= num_steps]
    if outside:
        raise ValueError(f"timesteps: expected 1 to {num_steps}, got {outside}")
    nearest = tuple(min(sampled, key=lambda step: abs(step - t)) for t in wanted)
    if len(set(nearest)) != len(nearest):
        raise ValueError(
            f"timesteps {list(wanted)}: expected different steps, got {list(nearest)} of "
            f"{num_sampled} sampling steps; raise the number of sampling steps"
        )
    return nearest


@torch.no_grad()
def internal_features(
    stage: Stage,
    text: EncodedText,
    images: Tensor,
    *,
    timesteps: Sequence[int],
    blocks: Sequence[str],
    seeds: Sequence[int],
    num_steps: int,
) -> Features:
    """Features of blocks at timesteps, for images noised to them.

    Args:
        stage: a base stage.
        text: B encoded captions; there is no guidance.
        images: float [-1, 1] (B, 3, H, W), of the stage's size.
        timesteps: t, of the steps that `num_steps` transitions visit.
        blocks: of `block_names`.
        seeds: B seeds.
        num_steps: transitions along which layouts are drawn.

    Raises:
        ValueError: an unknown block or a step that is not visited.
    """
    steps = [t for t, _ in respaced_transitions(stage.process.num_steps, num_steps)]
    missed = [t for t in timesteps if t not in steps]
    if missed:
        raise ValueError(f"timesteps: expected some of {steps}, got {missed}")
    with _recording(stage, timesteps, blocks) as found:
        if stage.config.makes_layouts:
            known = KnownRegion.of_image(images)
            outpaint(
                stage,
                text,
                known,
                guidance=1.0,
                seeds=seeds,
                num_steps=num_steps,
                resampling=LAYOUT_RESAMPLING,
            )
        else:
            _denoise(stage, text, images, timesteps, seeds)
    return found


@torch.no_grad()
def features_under_noise(
    stage: Stage,
    images: Tensor,
    noise: Tensor,
    *,
    timesteps: Sequence[int],
    blocks: Sequence[str],
) -> Features:
    """Features of an unconditional image model, for images noised to timesteps by the same noise.

    Args:
        stage: a base stage that makes no layouts and reads no captions.
        images: float [-1, 1] (B, 3, H, W), of the stage's size.
        noise: standard normal (3, H, W), of every image and timestep.
        timesteps: t, of 1..T; the network sees all images at one of them in one pass.
        blocks: of `block_names`.

    Raises:
        ValueError: the stage makes layouts or reads captions, or an unknown block or timestep.
    """
    if stage.config.makes_layouts or stage.config.reads_captions:
        raise ValueError(
            "expected an unconditional stage without layouts; take one that was trained so, or "
            "internal_features"
        )
    outside = [t for t in timesteps if not 1 <= t <= stage.process.num_steps]
    if outside:
        raise ValueError(f"timesteps: expected 1 to {stage.process.num_steps}, got {outside}")
    condition = stage.network.null_text(len(images))
    z_0 = Pair(images.to(stage.device), None)
    draw = NoiseDraw(noise.to(stage.device).expand_as(z_0.image), None)
    with _recording(stage, timesteps, blocks) as found:
        for t in timesteps:
            at_t = torch.full((len(images),), t, device=stage.device)  # (B,)
            z_t = q_sample(stage.process, z_0, at_t, draw)
            predict(stage, z_t, t, condition, guidance=1.0, low_res=None, check=FiniteCheck())
    return found


def _denoise(
    stage: Stage, text: EncodedText, images: Tensor, timesteps: Sequence[int], seeds: Sequence[int]
) -> None:
    """One pass of the network per step, on images noised to it."""
    denoiser = Denoiser(stage, text, guidance=1.0, seeds=seeds)
    z_0 = Pair(images.to(stage.device), None)
    for t in timesteps:
        at_t = torch.full((len(images),), t, device=stage.device)  # (B,)
        denoiser.predict(q_sample(stage.process, z_0, at_t, denoiser.draw()), t)
    denoiser.require_finite()


@contextmanager
def _recording(stage: Stage, timesteps: Sequence[int], blocks: Sequence[str]) -> Iterator[Features]:
    """Collect what blocks put out whenever the network is told one of `timesteps`."""
    network, found = stage.network, {}
    modules = _modules(network)
    unknown = [name for name in blocks if name not in modules]
    if unknown:
        raise ValueError(f"blocks: expected some of {', '.join(modules)}, got {', '.join(unknown)}")
    log_snr = stage.process.image.log_snr
    now: list[int] = [0]

    def enter(_: nn.Module, inputs: tuple[Any, ...]) -> None:
        now[0] = int((log_snr - log_snr.new_tensor(float(inputs[2][0]))).abs().argmin())

    def keep(name: str) -> Callable[[nn.Module, tuple[Any, ...], Tensor], None]:
        def hook(_: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> None:
            if now[0] in timesteps:
                found[now[0], name] = output.float().cpu()
                require_finite(f"features of block {name} at step {now[0]}", found[now[0], name])

        return hook

    handles = [network.register_forward_pre_hook(enter)]
    handles += [modules[name].register_forward_hook(keep(name)) for name in blocks]
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()


def _modules(network: UNet) -> Mapping[str, nn.Module]:
    """The last module of each block of `block_names`, before it is enlarged."""
    modules: dict[str, nn.Module] = {"middle": network.mid_block2}
    for level, (first, inner, attention, _) in enumerate(network.ups):  # type: ignore[misc]
        parts = [first, *inner, *([] if isinstance(attention, nn.Identity) else [attention])]
        modules[f"up.{level}"] = parts[-1]
    return modules | {"final": network.final_res_block}

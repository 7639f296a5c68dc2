"""Latent diffusion as a `Generator`: captions to images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from baselines.ldm.config import LdmConfig
from baselines.ldm.folder import LatentPipeline, read_pipeline
from baselines.ldm.sampler import decode, initial_latents, sample_latents
from baselines.ldm.schedulers import sampling_scheduler
from baselines.trained import Configured
from gcdp_bench.core.finite import finite_samples
from gcdp_bench.core.sampling_config import (
    ANCESTRAL,
    DPM_SOLVER,
    SOLVERS,
    SamplingConfig,
    Solver,
    check_seeds,
    interval_text,
)
from gcdp_bench.core.types import GUIDANCE, Batch
from gcdp_bench.extractors.weights import tensors_digest
from reference_model.text import TextEncoder, build_text_encoder


class LatentDiffusion(Configured[LdmConfig]):
    """Diffusion in the latents of an autoencoder (Rombach et al. 2022), by diffusers."""

    parameter = GUIDANCE

    def __init__(
        self,
        name: str,
        pipeline: LatentPipeline,
        text_encoder: TextEncoder,
        sampling: SamplingConfig,
    ):
        most = pipeline.config.noise.num_steps - 1
        if sampling.steps > most:
            raise ValueError(
                f"steps: expected at most {most}, one less than {name} was trained with, got "
                f"{sampling.steps}; take fewer"
            )
        self.name = name
        self.config = pipeline.config
        self.sampling = sampling
        self.solver: Solver = _solver(name, sampling)
        self.unet = pipeline.unet
        self.autoencoder = pipeline.autoencoder
        self.networks = (pipeline.unet, pipeline.autoencoder)
        self._text_encoder = text_encoder

    @classmethod
    def load(cls, name: str, folder: Path, sampling: SamplingConfig) -> LatentDiffusion:
        """Read a trained model.

        Raises:
            FileNotFoundError: a file, or the weights of the text encoder, are missing.
            ValueError: damaged weights, parts that do not fit each other, or a sampler that it does
                not have.
        """
        pipeline = read_pipeline(folder)
        return cls(name, pipeline, build_text_encoder(pipeline.config.text), sampling)

    @property
    def digest(self) -> str:
        """Hash of every weight of the U-Net and of the autoencoder, and of the latents' scale."""
        scale = torch.tensor(self.autoencoder.config["scaling_factor"])
        tensors = {"scaling_factor": scale}
        tensors |= {f"unet.{name}": t for name, t in self.unet.state_dict().items()}
        tensors |= {f"vae.{name}": t for name, t in self.autoencoder.state_dict().items()}
        return tensors_digest(tensors)

    @property
    def settings(self) -> Mapping[str, Any]:
        """Steps and solver."""
        return {"steps": self.sampling.steps, "solver": self.solver}

    @property
    def num_steps(self) -> int:
        """Sampling steps."""
        return self.sampling.steps

    def sample(
        self,
        captions: Sequence[str],
        *,
        guidance: float,
        seeds: Sequence[int],
    ) -> Batch:
        """See `Generator.sample`.

        Raises:
            ValueError: a negative guidance, or another number of seeds than of captions.
        """
        GUIDANCE.check(guidance)
        check_seeds(captions, seeds)
        with finite_samples(self.name, captions):
            latents = sample_latents(
                self.unet,
                sampling_scheduler(self.config.noise, self.solver),
                self._text_encoder.encode(captions).tokens,
                initial_latents(seeds, (self.config.latent_channels, *self.config.latent_size)),
                guidance=guidance,
                num_steps=self.sampling.steps,
            )
            images = decode(self.autoencoder, latents).cpu()  # (B, 3, H, W)
        ids = tuple(f"{index:06d}" for index in range(len(captions)))
        return Batch(ids, images, None, tuple(captions))


def _solver(name: str, sampling: SamplingConfig) -> Solver:
    """The chosen solver.

    Raises:
        ValueError: another sampler, or a guidance interval.
    """
    if sampling.guidance_interval is not None:
        raise ValueError(
            f"{name}: expected no guidance interval, which reference and imagen have, got "
            f"{interval_text(sampling.guidance_interval)}; leave --guidance-interval out"
        )
    chosen = sampling.solver or sampling.sampler or DPM_SOLVER
    if chosen == ANCESTRAL:
        raise ValueError(
            f"{name}: sampler: expected {' or '.join(SOLVERS)}, got {chosen}; choose one with "
            "--sampler, or with --solver for this model alone"
        )
    return chosen

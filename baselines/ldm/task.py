"""Training of latent diffusion: predict the noise in the latents of a frozen autoencoder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from baselines.ldm.autoencoder import load_autoencoder
from baselines.ldm.config import LdmConfig
from baselines.ldm.folder import check_autoencoder, write_pipeline
from baselines.ldm.latents import LatentExamples
from baselines.ldm.network import build_unet
from baselines.ldm.presets import LDM_PRESETS
from baselines.ldm.sampler import decode, initial_latents, sample_latents
from baselines.ldm.schedulers import sampling_scheduler, training_scheduler
from gcdp_bench.core.config import to_dict
from gcdp_bench.core.device import device_of
from gcdp_bench.core.palette import image_grid
from gcdp_bench.core.rng import generator
from gcdp_bench.core.types import Dataset
from gcdp_bench.extractors.weights import tensors_digest
from gcdp_bench.profiling.training_cost import copy_cost
from gcdp_bench.training.presets import TrainingSpec
from reference_model.text import build_text_encoder

NUM_VALIDATION, NUM_PREVIEW = 64, 8
PREVIEW_GUIDANCE, PREVIEW_STEPS = 2.0, 25


def training() -> TrainingSpec:
    """Of the denoiser, in the latents of a trained autoencoder."""
    return TrainingSpec(
        presets=LDM_PRESETS,
        task=LdmTask,
        given_part=lambda config: config.autoencoder,
    )


class LdmTask:
    """Mean squared error of the predicted noise (Rombach et al. 2022, Eq. 3).

    The autoencoder is no part of the network that is trained; it is exported with it.

    Args:
        config: of the network.
        train, validation: splits.
        folder: of the trained autoencoder.
    """

    loss_weights: Mapping[str, float] = {"noise": 1.0}

    def __init__(self, config: LdmConfig, train: Dataset, validation: Dataset, folder: Path):
        self.config = config
        self.num_examples = len(train)
        self._autoencoder_folder = folder
        self.autoencoder = load_autoencoder(folder)
        check_autoencoder(folder, config, self.autoencoder)
        device = "cuda" if torch.cuda.is_available() else "cpu"
        self.autoencoder.to(device)  # pyright: ignore[reportArgumentType]
        text_encoder = build_text_encoder(config.text)
        self._train, self._validation = (
            LatentExamples(config, dataset, self.autoencoder, text_encoder)
            for dataset in (train, validation)
        )
        self._scheduler = training_scheduler(config.noise)

    def build(self) -> nn.Module:
        """See `Task.build`."""
        return build_unet(self.config)

    def batch(self, indices: Sequence[int], generator: torch.Generator) -> dict[str, Tensor]:
        """See `Task.batch`: flips, samples of the posterior, dropped captions, noise."""
        num = len(indices)
        flip = torch.rand(num, generator=generator) < 0.5  # (B,)
        batch = self._examples(
            self._train, indices, generator, flip=flip & self.config.horizontal_flip
        )
        keep = torch.rand(num, generator=generator) >= self.config.text_drop  # (B,)
        batch["tokens"] = batch["tokens"] * keep[:, None, None]  # (B, L, D)
        batch["timestep"] = torch.randint(
            0, self.config.noise.num_steps, (num,), generator=generator
        )  # (B,)
        return batch

    def losses(self, network: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """See `Task.losses`: "noise", the mean squared error."""
        noise, timestep = batch["noise"], batch["timestep"]
        z_t = self._scheduler.add_noise(batch["latents"], noise, timestep)  # type: ignore[arg-type]
        predicted = network(z_t, timestep, encoder_hidden_states=batch["tokens"]).sample
        return {"noise": (predicted.float() - noise).square().mean()}

    @torch.no_grad()
    def validation(self, network: nn.Module) -> dict[str, float]:
        """See `Task.validation`: the loss on the first examples, timesteps spread evenly."""
        num = min(NUM_VALIDATION, len(self._validation))
        source = generator("validation", self.config.dataset)
        flip = torch.zeros(num, dtype=torch.bool)
        batch = self._examples(self._validation, range(num), source, flip=flip)
        last = self.config.noise.num_steps - 1
        batch["timestep"] = torch.linspace(0, last, num).round().long()  # (B,)
        device = device_of(network)
        terms = self.losses(network, {name: value.to(device) for name, value in batch.items()})
        return {name: float(value) for name, value in terms.items()}

    def preview(self, network: nn.Module) -> Tensor | None:
        """See `Task.preview`: samples for the first validation captions."""
        num = min(NUM_PREVIEW, len(self._validation))
        latents = sample_latents(
            network,
            sampling_scheduler(self.config.noise, "dpm-solver++"),
            self._validation.tokens(range(num)),
            initial_latents(range(num), self._latent_shape),
            guidance=PREVIEW_GUIDANCE,
            num_steps=PREVIEW_STEPS,
        )
        images = decode(self.autoencoder, latents.to(self.autoencoder.device))
        return image_grid(images.cpu(), num_columns=num)

    def metadata(self) -> dict[str, Any]:
        """See `Task.metadata`; the digest keeps a resumed run to its autoencoder."""
        return {
            "kind": "ldm",
            "ldm": to_dict(self.config),
            "autoencoder": tensors_digest(self.autoencoder.state_dict()),
        }

    def export(self, network: nn.Module, folder: Path) -> None:
        """See `Exporting.export`: a pipeline of diffusers, autoencoder included."""
        write_pipeline(folder, self.config, network, self.autoencoder)
        copy_cost(self._autoencoder_folder, folder / "vae")

    @property
    def _latent_shape(self) -> tuple[int, int, int]:
        return self.config.latent_channels, *self.config.latent_size

    def _examples(
        self,
        examples: LatentExamples,
        indices: Sequence[int],
        generator: torch.Generator,
        *,
        flip: Tensor,
    ) -> dict[str, Tensor]:
        """Latents and noise (B, C, h, w), tokens (B, L, D)."""
        shape = (len(indices), *self._latent_shape)
        normal, noise = (torch.randn(shape, generator=generator) for _ in range(2))
        latents = examples.latents(indices, flip, normal)
        return {"latents": latents, "noise": noise, "tokens": examples.tokens(indices)}

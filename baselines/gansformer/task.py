"""Training of GANformer: generator and discriminator in turns, on images alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from baselines.gansformer.discriminator import Discriminator
from baselines.gansformer.draws import PURPOSE, drawn_images
from baselines.gansformer.generator_network import GansformerGenerator
from baselines.gansformer.model import GansformerConfig, write_gansformer
from baselines.gansformer.presets import GANSFORMER_PRESETS
from baselines.images import Images
from baselines.stylegan2.augment import NUM_DRAWS, AdaptiveChance, augment
from baselines.stylegan2.draws import seeded_draws, training_draws
from baselines.stylegan2.losses import discriminator_logistic, generator_logistic, r1
from gcdp_bench.core.config import to_dict
from gcdp_bench.core.device import device_of
from gcdp_bench.core.images import to_float, to_uint8
from gcdp_bench.core.palette import image_grid
from gcdp_bench.core.types import Dataset
from gcdp_bench.training.presets import TrainingSpec
from gcdp_bench.training.task import plain

NUM_VALIDATION, NUM_PREVIEW = 64, 8
PREVIEW_PSI = (1.0, 0.7)


def training() -> TrainingSpec:
    """Of GANformer."""
    return TrainingSpec(presets=GANSFORMER_PRESETS, task=GansformerTask)


class GansformerNetworks(nn.Module):
    """Both networks, and the chance of adaptive augmentation."""

    def __init__(self, config: GansformerConfig):
        super().__init__()
        self.generator = GansformerGenerator(config.network)
        self.discriminator = Discriminator(config.network)
        self.adaptive = AdaptiveChance(config.ada_ramp_images) if config.augment == "ada" else None
        self._augment = config.augment

    def discriminate(self, images: Tensor, uniform: Tensor) -> Tensor:
        """Logits (B,) of augmented images, float (B, 3, H, W); `uniform` (B, `NUM_DRAWS`)."""
        if self._augment != "none":
            chance = 1.0 if self.adaptive is None else self.adaptive.chance
            images = augment(images, uniform, chance)
        return self.discriminator(images)


class GansformerTask:
    """StyleGAN2's losses (Karras et al. 2020) without the penalty on path lengths."""

    phases: Sequence[str] = ("discriminator", "generator")

    def __init__(self, config: GansformerConfig, train: Dataset, validation: Dataset):
        self.config = config
        self.num_examples = len(train)
        self.loss_weights: Mapping[str, float] = {
            "d_logistic": 1.0,
            "r1": config.r1_gamma / 2 * config.r1_every,
            "g_logistic": 1.0,
        }
        self._train, self._validation = (
            Images(dataset, config.image_size) for dataset in (train, validation)
        )

    def build(self) -> GansformerNetworks:
        """See `Learning.build`."""
        return GansformerNetworks(self.config)

    def batch(self, indices: Sequence[int], generator: torch.Generator) -> dict[str, Tensor]:
        """See `Learning.batch`: mirrored images, and per turn what the generator starts from."""
        config, num = self.config, len(indices)
        flip = torch.rand(num, generator=generator) < 0.5  # (B,)
        flip &= config.horizontal_flip
        batch = {
            "image": self._train.stack(indices, flip),
            "discriminator.augment_real": torch.rand(num, NUM_DRAWS, generator=generator),
        }
        for phase in self.phases:
            own = {
                "augment": torch.rand(num, NUM_DRAWS, generator=generator),
                **training_draws(config.network, num, generator, style_mixing=config.style_mixing),
            }
            batch |= {f"{phase}.{name}": value for name, value in own.items()}
        return batch

    def phase_losses(
        self, network: nn.Module, batch: dict[str, Tensor], phase: str, step: int
    ) -> dict[str, Tensor]:
        """See `AdversarialTask.phase_losses`; "r1" comes every so many steps."""
        networks = plain(network, GansformerNetworks)
        own = {
            name.removeprefix(f"{phase}."): value
            for name, value in batch.items()
            if name.startswith(f"{phase}.")
        }
        if phase == "generator":
            fakes = drawn_images(networks.generator, own)  # (B, 3, H, W)
            return {"g_logistic": generator_logistic(networks.discriminate(fakes, own["augment"]))}
        return self._discriminator_losses(networks, own, to_float(batch["image"]), step)

    @torch.no_grad()
    def validation(self, network: nn.Module) -> dict[str, float]:
        """See `Learning.validation`: the discriminator's mean logits of unseen images and of
        samples, and the spread of the samples (standard deviation of a pixel, averaged).
        """
        networks = plain(network, GansformerNetworks)
        group = self.config.network.minibatch_std_group
        num = min(NUM_VALIDATION, len(self._validation))
        num -= num % group if num > group else 0
        device = device_of(networks)
        z, noise = seeded_draws(self.config.network, range(num), PURPOSE, device)
        fake = networks.generator(z, noise)  # (N, 3, H, W)
        real = to_float(self._validation.stack(range(num))).to(device)
        return {
            "logit_real": float(networks.discriminator(real).mean()),
            "logit_fake": float(networks.discriminator(fake).mean()),
            "spread_real": float(real.std(0).mean()),
            "spread_fake": float(fake.clamp(-1, 1).std(0).mean()),
        }

    @torch.no_grad()
    def preview(self, network: nn.Module) -> Tensor | None:
        """See `Learning.preview`: samples of the first seeds, truncated below."""
        generator = plain(network, GansformerNetworks).generator
        device = device_of(generator)
        z, noise = seeded_draws(self.config.network, range(NUM_PREVIEW), PURPOSE, device)
        rows = [to_uint8(generator(z, noise, psi=psi)).cpu() for psi in PREVIEW_PSI]
        return image_grid(torch.cat(rows), num_columns=NUM_PREVIEW)

    def metadata(self) -> dict[str, Any]:
        """See `Learning.metadata`."""
        return {"kind": "gansformer", "gansformer": to_dict(self.config)}

    def export(self, network: nn.Module, folder: Path) -> None:
        """See `Exporting.export`: the generator alone."""
        write_gansformer(folder, plain(network, GansformerNetworks).generator)

    def _discriminator_losses(
        self, networks: GansformerNetworks, draws: dict[str, Tensor], images: Tensor, step: int
    ) -> dict[str, Tensor]:
        config = self.config
        with torch.no_grad():
            fakes = drawn_images(networks.generator, draws)  # (B, 3, H, W)
        penalised = step % config.r1_every == 0 and config.r1_gamma > 0
        images.requires_grad_(penalised)
        fake = networks.discriminate(fakes, draws["augment"])
        real = networks.discriminate(images, draws["augment_real"])
        if networks.adaptive is not None:
            networks.adaptive.update(real, step)
        terms = {"d_logistic": discriminator_logistic(real, fake)}
        if penalised:
            terms["r1"] = r1(real, images)
        return terms

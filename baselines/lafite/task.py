"""Training of Lafite: generator and discriminator in turns, with or without captions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from baselines.lafite.clip_features import load_teacher
from baselines.lafite.discriminator import LafiteDiscriminator
from baselines.lafite.draws import PURPOSE, styles
from baselines.lafite.examples import LafiteExamples
from baselines.lafite.generator_network import LafiteGenerator
from baselines.lafite.losses import contrastive
from baselines.lafite.model import LafiteConfig, check_teacher, write_lafite
from baselines.lafite.presets import LAFITE_PRESETS
from baselines.stylegan2.augment import NUM_DRAWS, AdaptiveChance, augment
from baselines.stylegan2.draws import seeded_draws, training_draws
from baselines.stylegan2.losses import (
    discriminator_logistic,
    generator_logistic,
    path_lengths,
    path_penalty,
    r1,
)
from gcdp_bench.core.config import to_dict
from gcdp_bench.core.device import device_of
from gcdp_bench.core.images import to_float, to_uint8
from gcdp_bench.core.palette import image_grid
from gcdp_bench.core.types import Dataset
from gcdp_bench.profiling.training_cost import copy_cost
from gcdp_bench.training.presets import TrainingSpec
from gcdp_bench.training.task import plain

NUM_VALIDATION, NUM_PREVIEW = 64, 8
VALIDATION_GROUPS = 4  # of the minibatch statistic, in a batch
PREVIEW_PSI = (1.0, 0.5)


def training() -> TrainingSpec:
    """Of Lafite, with a trained CLIP as its teacher."""
    return TrainingSpec(
        presets=LAFITE_PRESETS,
        task=LafiteTask,
        given_part=lambda config: config.clip,
    )


class LafiteNetworks(nn.Module):
    """Both networks, and what training remembers from step to step."""

    path_average: Tensor

    def __init__(self, config: LafiteConfig):
        super().__init__()
        self.generator = LafiteGenerator(config.network)
        self.discriminator = LafiteDiscriminator(config.network)
        self.adaptive = AdaptiveChance(config.ada_ramp_images) if config.augment == "ada" else None
        self.register_buffer("path_average", torch.zeros(()))
        self._augment = config.augment

    def discriminate(self, images: Tensor, text: Tensor, uniform: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (B,) and features f_s (B, E) of augmented images.

        Args:
            images: float (B, 3, H, W).
            text: (B, E).
            uniform: draws of `augment`, (B, `NUM_DRAWS`).
        """
        if self._augment != "none":
            chance = 1.0 if self.adaptive is None else self.adaptive.chance
            images = augment(images, uniform, chance)
        return self.discriminator(images, text)


class LafiteTask:
    """Losses of Zhou et al. 2022 on those of StyleGAN2 (Karras et al. 2020).

    Each turn draws latents, noise and text perturbations of its own. The CLIP is no part of the
    network that is trained; it is exported with it.

    Args:
        config: of the network.
        train, validation: splits.
        path: of the CLIP, see `load_teacher`.
    """

    phases: Sequence[str] = ("discriminator", "generator")

    def __init__(self, config: LafiteConfig, train: Dataset, validation: Dataset, path: Path):
        self._teacher_path = path
        self.config = config
        self.num_examples = len(train)
        self.teacher = load_teacher(path)
        check_teacher(path, config, self.teacher)
        loss = config.loss
        self.loss_weights: Mapping[str, float] = {
            "d_logistic": 1.0,
            "d_text": loss.feature_text_weight,
            "r1": loss.r1_gamma / 2 * loss.r1_every,
            "g_logistic": 1.0,
            "g_text": loss.feature_text_weight,
            "clip": loss.image_text_weight,
            "path": loss.path_weight * loss.path_every,
        }
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._train, self._validation = (
            LafiteExamples(config.image_size, dataset, self.teacher, device)
            for dataset in (train, validation)
        )

    def build(self) -> LafiteNetworks:
        """See `Learning.build`."""
        return LafiteNetworks(self.config)

    def batch(self, indices: Sequence[int], generator: torch.Generator) -> dict[str, Tensor]:
        """See `Learning.batch`: mirrored images, and per turn what the generator starts from."""
        config, num = self.config, len(indices)
        flip = torch.rand(num, generator=generator) < 0.5  # (B,)
        flip &= config.horizontal_flip
        batch = {
            "image": self._train.images(indices, flip),
            "discriminator.augment_real": torch.rand(num, NUM_DRAWS, generator=generator),
        }
        for phase in self.phases:
            free = torch.rand(num, generator=generator) < config.mixing_prob  # (B,)
            noise = torch.randn(num, config.network.text_dim, generator=generator)
            own = {
                "text": self._train.conditions(indices, flip, free, noise),  # (B, E)
                "augment": torch.rand(num, NUM_DRAWS, generator=generator),
                **training_draws(config.network, num, generator, style_mixing=config.style_mixing),
            }
            batch |= {f"{phase}.{name}": value for name, value in own.items()}
        if config.loss.path_weight > 0:
            shape = (num, 3, *config.image_size)
            batch["generator.path"] = torch.randn(shape, generator=generator)
        return batch

    def phase_losses(
        self, network: nn.Module, batch: dict[str, Tensor], phase: str, step: int
    ) -> dict[str, Tensor]:
        """See `AdversarialTask.phase_losses`; "r1" and "path" come every so many steps."""
        own = {
            name.removeprefix(f"{phase}."): value
            for name, value in batch.items()
            if name.startswith(f"{phase}.")
        }
        if phase == "generator":
            return self._generator_losses(plain(network, LafiteNetworks), own, step)
        own["image"] = to_float(batch["image"])
        return self._discriminator_losses(plain(network, LafiteNetworks), own, step)

    @torch.no_grad()
    def validation(self, network: nn.Module) -> dict[str, float]:
        """See `Learning.validation`: on the first examples, the discriminator's mean logits of
        images and of samples, CLIP's mean cosine of either with the caption, and how often a sample
        is nearer to its own caption than to another one of its batch.
        """
        networks = plain(network, LafiteNetworks)
        values: dict[str, list[Tensor]] = {}
        for indices in self._validation_batches():
            text = self._validation.text_features(indices).to(device_of(networks))  # (B, E)
            images = self._validation.images(indices, torch.zeros(len(indices), dtype=torch.bool))
            real = to_float(images).to(text.device)
            z, noise = seeded_draws(self.config.network, indices, PURPOSE, text.device)
            fake = networks.generator(z, text, noise)
            real_cosines, fake_cosines = (self.teacher.image(x) @ text.T for x in (real, fake))
            own = fake_cosines.diagonal()[:, None]  # (B, 1)
            other = (text[:, None] != text).any(2)  # (B, B)
            found = {
                "logit_real": networks.discriminator(real, text)[0],
                "logit_fake": networks.discriminator(fake, text)[0],
                "cosine_real": real_cosines.diagonal(),
                "cosine_fake": fake_cosines.diagonal(),
                "own_beats_other": (own > fake_cosines)[other].float(),
            }
            for name, value in found.items():
                values.setdefault(name, []).append(value)
        return {name: float(torch.cat(parts).mean()) for name, parts in values.items()}

    @torch.no_grad()
    def preview(self, network: nn.Module) -> Tensor | None:
        """See `Learning.preview`: samples for the first validation captions, truncated below."""
        generator = plain(network, LafiteNetworks).generator
        indices = range(min(NUM_PREVIEW, len(self._validation)))
        text = self._validation.text_features(indices).to(device_of(generator))  # (B, E)
        z, noise = seeded_draws(self.config.network, indices, PURPOSE, text.device)
        rows = [to_uint8(generator(z, text, noise, psi=psi)).cpu() for psi in PREVIEW_PSI]
        return image_grid(torch.cat(rows), num_columns=len(indices))

    def metadata(self) -> dict[str, Any]:
        """See `Learning.metadata`; the digest keeps a resumed run to its teacher."""
        return {"kind": "lafite", "lafite": to_dict(self.config), "clip": self.teacher.digest}

    def export(self, network: nn.Module, folder: Path) -> None:
        """See `Exporting.export`: the generator, and the CLIP that reads its captions."""
        write_lafite(folder, plain(network, LafiteNetworks).generator, self.teacher)
        copy_cost(self._teacher_path, folder / "clip")

    def _discriminator_losses(
        self, network: LafiteNetworks, batch: dict[str, Tensor], step: int
    ) -> dict[str, Tensor]:
        loss, text, images = self.config.loss, batch["text"], batch["image"]
        with torch.no_grad():
            fakes = network.generator.synthesis(*styles(network.generator, batch, text))
        penalised = step % loss.r1_every == 0 and loss.r1_gamma > 0
        images.requires_grad_(penalised)
        fake, _ = network.discriminate(fakes, text, batch["augment"])
        real, features = network.discriminate(images, text, batch["augment_real"])
        if network.adaptive is not None:
            network.adaptive.update(real, step)
        terms = {
            "d_logistic": discriminator_logistic(real, fake),
            "d_text": self._contrastive(features, text),
        }
        if penalised:
            terms["r1"] = r1(real, images)
        return terms

    def _generator_losses(
        self, network: LafiteNetworks, batch: dict[str, Tensor], step: int
    ) -> dict[str, Tensor]:
        loss, text = self.config.loss, batch["text"]
        fakes = network.generator.synthesis(*styles(network.generator, batch, text))  # (B, 3, H, W)
        logits, features = network.discriminate(fakes, text, batch["augment"])
        terms = {
            "g_logistic": generator_logistic(logits),
            "g_text": self._contrastive(features, text),
            "clip": self._contrastive(self.teacher.image(fakes), text),
        }
        if loss.path_weight > 0 and step % loss.path_every == 0:
            half = {name: value[: (len(value) + 1) // 2] for name, value in batch.items()}
            ws, *rest = styles(network.generator, half, half["text"])
            lengths = path_lengths(network.generator.synthesis(ws, *rest), ws, half["path"])
            terms["path"], average = path_penalty(lengths, network.path_average)
            network.path_average.copy_(average)
        return terms

    def _contrastive(self, features: Tensor, text: Tensor) -> Tensor:
        loss = self.config.loss
        return contrastive(features, text, tau=loss.tau, sharpened=loss.sharpened)

    def _validation_batches(self) -> Iterator[range]:
        """Indices of the first examples, in whole groups of the minibatch statistic."""
        group = self.config.network.minibatch_std_group
        num = min(NUM_VALIDATION, len(self._validation))
        num -= num % group if num > group else 0
        for start in range(0, num, VALIDATION_GROUPS * group):
            yield range(start, min(start + VALIDATION_GROUPS * group, num))

"""Training of the layout generator: critic and generator in turns, level by level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from baselines.semantic_palette.config import LayoutConfig, split_level
from baselines.semantic_palette.examples import LayoutExamples
from baselines.semantic_palette.layout_critic import LayoutCritic
from baselines.semantic_palette.layout_generator import LayoutGenerator, doubled
from baselines.semantic_palette.layout_losses import entropy, gradient_penalty, spread
from baselines.semantic_palette.layouts import blurred, one_hot
from baselines.semantic_palette.model import write_layouts
from baselines.semantic_palette.palettes import Palettes, fit_palettes
from baselines.semantic_palette.presets import LAYOUT_PRESETS
from gcdp_bench.core.config import to_dict
from gcdp_bench.core.device import device_of
from gcdp_bench.core.images import resize_layouts
from gcdp_bench.core.palette import colourise, image_grid
from gcdp_bench.core.rng import generator as seeded
from gcdp_bench.core.types import Dataset
from gcdp_bench.training.presets import TrainingSpec
from gcdp_bench.training.task import plain

NUM_VALIDATION, NUM_PREVIEW = 64, 8


def training() -> TrainingSpec:
    """Of the generator of layouts."""
    return TrainingSpec(presets=LAYOUT_PRESETS, task=LayoutTask)


class LayoutNetworks(nn.Module):
    """Generator and critic."""

    def __init__(self, config: LayoutConfig):
        super().__init__()
        self.generator = LayoutGenerator(config.network, len(config.class_names))
        self.critic = LayoutCritic(config.network, len(config.class_names))


class LayoutTask:
    """WGAN-GP with entropy and spread of the layouts of every level (Le Moing et al. 2021).

    Palettes of generated layouts come from the mixture that is fitted to the training set when the
    first batch is drawn. The distance to the palette is reported, not optimised, as in the authors'
    default. Deviation: one batch size for all levels, where the authors' falls with the size of the
    layouts. Without growth (`GrowthConfig` of 0 steps) the critic sees the last level alone, and
    the lower ones learn by entropy, spread and feedback.
    """

    phases: Sequence[str] = ("critic", "generator")

    def __init__(self, config: LayoutConfig, train: Dataset, validation: Dataset):
        self.config = config
        self.num_examples = len(train)
        self.loss_weights: Mapping[str, float] = {
            "critic": 1.0,
            "penalty": config.penalty_weight,
            "adversarial": 1.0,
            "entropy": config.entropy_weight,
            "spread": config.spread_weight,
        }
        self._train, self._validation = (
            LayoutExamples(dataset, config.size) for dataset in (train, validation)
        )

    @cached_property
    def palettes(self) -> Palettes:
        """Distribution of the palettes of the training set; the first access reads all of it."""
        found = self._train.palettes(range(len(self._train)))  # (N, K)
        return fit_palettes(found, self.config.max_components)

    def build(self) -> LayoutNetworks:
        """See `Learning.build`."""
        return LayoutNetworks(self.config)

    def batch(self, indices: Sequence[int], generator: torch.Generator) -> dict[str, Tensor]:
        """See `Learning.batch`: mirrored layouts, and per turn noise and palettes."""
        num = len(indices)
        flip = torch.rand(num, generator=generator) < 0.5  # (B,)
        flip &= self.config.horizontal_flip
        batch = {
            "layout": self._train.layouts(indices, flip),
            "epsilon": torch.rand(num, generator=generator),
        }
        for phase in self.phases:
            shape = (num, self.config.network.z_dim)
            batch[f"{phase}.z"] = torch.randn(shape, generator=generator)
            batch[f"{phase}.palette"] = self.palettes.draw(num, generator)
        return batch

    def phase_losses(
        self, network: nn.Module, batch: dict[str, Tensor], phase: str, step: int
    ) -> dict[str, Tensor]:
        """See `AdversarialTask.phase_losses`; entropy and spread are sums over the levels."""
        networks = plain(network, LayoutNetworks)
        level = self.config.growth.level_at(step, len(self.config.network.channels) - 1)
        networks.generator.level.fill_(level)
        z, palettes = batch[f"{phase}.z"], batch[f"{phase}.palette"]
        if phase == "generator":
            drawing = networks.generator(z, palettes, level)
            return {
                "adversarial": -networks.critic(drawing.final, level).mean(),
                "entropy": torch.stack([entropy(x) for x in drawing.layouts]).sum(),
                "spread": torch.stack([spread(x) for x in drawing.masks]).sum(),
            }
        with torch.no_grad():
            fake = networks.generator(z, palettes, level).final  # (B, K, h, w)
        real = self.real_layouts(batch["layout"], level)  # (B, K, h, w)
        critic = partial(networks.critic, level=level)
        return {
            "critic": critic(fake).mean() - critic(real).mean(),
            "penalty": gradient_penalty(critic, real, fake, batch["epsilon"]),
        }

    def real_layouts(self, layouts: Tensor, level: float) -> Tensor:
        """Layouts as the critic sees them at `level`: resized, softened at borders, faded in.

        Args:
            layouts: uint8 (B, H, W).
            level: see `GrowthConfig.level_at`.

        Returns:
            float (B, K, h, w) of the size of the level.
        """
        upper, share = split_level(level)
        resized = resize_layouts(layouts, self.config.network.level_sizes[upper])  # (B, h, w)
        hot = one_hot(resized, len(self.config.class_names))  # (B, K, h, w)
        real = blurred(hot, self.config.blur_sigma_px)
        if share == 1.0:
            return real
        return doubled(F.avg_pool2d(real, 2)).lerp(real, share)

    @torch.no_grad()
    def validation(self, network: nn.Module) -> dict[str, float]:
        """See `Learning.validation`: of layouts drawn for the palettes of validation layouts, the
        total variation distance of the palette and the proportions of the likeliest classes
        (0 to 1), the mean entropy of a pixel in nats and the mean probability of its likeliest
        class; and the critic's mean value of real and of drawn layouts.
        """
        networks = plain(network, LayoutNetworks)
        indices = range(min(NUM_VALIDATION, len(self._validation)))
        level = float(networks.generator.level)
        z, palettes = self._prompted(indices, device_of(networks))
        final = networks.generator(z, palettes, level).final  # (B, K, h, w)
        layouts = self._validation.layouts(indices).to(z.device)  # (B, H, W)
        confidence, likeliest = final.max(1)  # (B, h, w)
        drawn = F.one_hot(likeliest, palettes.shape[1]).float().mean((1, 2))  # (B, K)
        return {
            "palette_distance": float((drawn - palettes).abs().sum(1).mean() / 2),
            "entropy": float(entropy(final)),
            "confidence": float(confidence.mean()),
            "value_real": float(networks.critic(self.real_layouts(layouts, level), level).mean()),
            "value_fake": float(networks.critic(final, level).mean()),
        }

    @torch.no_grad()
    def preview(self, network: nn.Module) -> Tensor | None:
        """See `Learning.preview`: validation layouts, and below each one drawn for its palette."""
        generator = plain(network, LayoutNetworks).generator
        indices = range(min(NUM_PREVIEW, len(self._validation)))
        z, palettes = self._prompted(indices, device_of(generator))
        drawn = generator.draw(z, palettes).argmax(1).to(torch.uint8).cpu()  # (B, H, W)
        rows = torch.cat([self._validation.layouts(indices), drawn])  # (2 B, H, W)
        return image_grid(colourise(rows, self.config.class_names), num_columns=len(indices))

    def metadata(self) -> dict[str, Any]:
        """See `Learning.metadata`."""
        return {"kind": "palette-layouts", "layouts": to_dict(self.config)}

    def export(self, network: nn.Module, folder: Path) -> None:
        """See `Exporting.export`: the generator, and the mixture of palettes."""
        write_layouts(folder, plain(network, LayoutNetworks).generator, self.palettes)

    def _prompted(self, indices: Sequence[int], device: torch.device) -> tuple[Tensor, Tensor]:
        """Noise (B, Z) by index, and the palettes (B, K) of validation layouts."""
        z = [torch.randn(self.config.network.z_dim, generator=seeded(i, "asked")) for i in indices]
        return torch.stack(z).to(device), self._validation.palettes(indices).to(device)

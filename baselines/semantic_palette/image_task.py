"""Training of the image generator: images from real layouts, against discriminators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from baselines.semantic_palette.config import ImageConfig
from baselines.semantic_palette.draws import layouts_from_seeds, noise_from_seeds
from baselines.semantic_palette.examples import PairExamples
from baselines.semantic_palette.image_discriminator import ImageDiscriminator, PatchScores
from baselines.semantic_palette.image_generator import ImageGenerator
from baselines.semantic_palette.image_losses import (
    discriminator_hinge,
    feature_matching,
    generator_hinge,
)
from baselines.semantic_palette.layouts import one_hot
from baselines.semantic_palette.model import (
    LAYOUTS,
    check_layouts,
    read_layouts,
    write_images,
    write_layouts_copy,
)
from baselines.semantic_palette.presets import IMAGE_PRESETS
from gcdp_bench.core.config import to_dict
from gcdp_bench.core.device import device_of
from gcdp_bench.core.images import to_float, to_uint8
from gcdp_bench.core.palette import colourise, image_grid
from gcdp_bench.core.types import Dataset
from gcdp_bench.profiling.training_cost import copy_cost
from gcdp_bench.training.presets import TrainingSpec
from gcdp_bench.training.task import plain

NUM_VALIDATION, NUM_PREVIEW = 64, 6
BATCH_SIZE = 16  # of networks that are not trained


def training() -> TrainingSpec:
    """Of the generator of images, on trained layouts."""
    return TrainingSpec(
        presets=IMAGE_PRESETS,
        task=ImageTask,
        given_part=lambda config: config.layouts,
    )


class ImageNetworks(nn.Module):
    """Generator and discriminators."""

    def __init__(self, config: ImageConfig):
        super().__init__()
        self.generator = ImageGenerator(config.network, len(config.class_names))
        self.discriminator = ImageDiscriminator(config.network, len(config.class_names))


class ImageTask:
    """GauGAN (Park et al. 2019) on pairs of the training set, without the perceptual term.

    The layout generator takes no part; it is exported with the image generator, so that one folder
    samples by itself. Deviations: one learning rate for both networks, where the authors give the
    discriminators four times the generator's; no end-to-end training afterwards.

    Args:
        config: of the network.
        train, validation: splits.
        layouts: folder of the trained layout generator.
    """

    phases: Sequence[str] = ("discriminator", "generator")

    def __init__(self, config: ImageConfig, train: Dataset, validation: Dataset, layouts: Path):
        self._layouts_path = layouts
        self.config = config
        self.layouts = read_layouts(self._layouts_path)
        check_layouts(self._layouts_path, config, self.layouts)
        self.num_examples = len(train)
        self.loss_weights: Mapping[str, float] = {
            "hinge": 1.0,
            "adversarial": 1.0,
            "features": config.features_weight,
        }
        self._train, self._validation = (
            PairExamples(dataset, config.image_size) for dataset in (train, validation)
        )

    def build(self) -> ImageNetworks:
        """See `Learning.build`."""
        return ImageNetworks(self.config)

    def batch(self, indices: Sequence[int], generator: torch.Generator) -> dict[str, Tensor]:
        """See `Learning.batch`: mirrored pairs, and noise per turn."""
        num = len(indices)
        flip = torch.rand(num, generator=generator) < 0.5  # (B,)
        flip &= self.config.horizontal_flip
        images, layouts = self._train.pairs(indices, flip)
        batch = {"image": images, "layout": layouts}
        for phase in self.phases:
            shape = (num, self.config.network.z_dim)
            batch[f"{phase}.z"] = torch.randn(shape, generator=generator)
        return batch

    def phase_losses(
        self, network: nn.Module, batch: dict[str, Tensor], phase: str, step: int
    ) -> dict[str, Tensor]:
        """See `AdversarialTask.phase_losses`."""
        networks = plain(network, ImageNetworks)
        images, layouts, z = to_float(batch["image"]), batch["layout"], batch[f"{phase}.z"]
        if phase == "generator":
            real, fake = self._scored(networks, images, networks.generator(layouts, z), layouts)
            return {
                "adversarial": generator_hinge(fake),
                "features": feature_matching(real, fake),
            }
        with torch.no_grad():
            drawn = networks.generator(layouts, z)  # (B, 3, H, W)
        return {"hinge": discriminator_hinge(*self._scored(networks, images, drawn, layouts))}

    @torch.no_grad()
    def validation(self, network: nn.Module) -> dict[str, float]:
        """See `Learning.validation`: of images made from validation layouts, the mean absolute
        error in [-1, 1], which no generator with noise brings to 0; the discriminators' mean
        logits of real and of made images, and the mean distance of their features.
        """
        networks = plain(network, ImageNetworks)
        values: dict[str, list[Tensor]] = {}
        num = min(NUM_VALIDATION, len(self._validation))
        for start in range(0, num, BATCH_SIZE):
            indices = range(start, min(start + BATCH_SIZE, num))
            pixels, layouts = (x.to(device_of(networks)) for x in self._validation.pairs(indices))
            images = to_float(pixels)  # (B, 3, H, W)
            drawn = networks.generator(layouts, self._noise(indices).to(images.device))
            real, fake = self._scored(networks, images, drawn, layouts)
            found = {
                "l1": F.l1_loss(drawn, images),
                "logit_real": -generator_hinge(real),
                "logit_fake": -generator_hinge(fake),
                "features": feature_matching(real, fake),
            }
            for name, value in found.items():
                values.setdefault(name, []).append(value * len(indices) / num)
        return {name: float(torch.stack(parts).sum()) for name, parts in values.items()}

    @torch.no_grad()
    def preview(self, network: nn.Module) -> Tensor | None:
        """See `Learning.preview`: validation layouts above images made from them, then layouts of
        the layout generator above theirs.
        """
        generator = plain(network, ImageNetworks).generator
        indices = range(min(NUM_PREVIEW, len(self._validation)))
        _, real = self._validation.pairs(indices)  # (B, H, W)
        drawn = layouts_from_seeds(self.layouts, indices, self.config.image_size)  # (B, H, W)
        z = self._noise(indices).to(device_of(generator))
        rows = []
        for layouts in (real, drawn.cpu()):
            images = generator(layouts.to(z.device), z)  # (B, 3, H, W)
            rows += [colourise(layouts, self.config.class_names), to_uint8(images).cpu()]
        return image_grid(torch.cat(rows), num_columns=len(indices))

    def metadata(self) -> dict[str, Any]:
        """See `Learning.metadata`; the digest keeps a resumed run to its layout generator."""
        return {
            "kind": "semantic-palette",
            "images": to_dict(self.config),
            "layout_generator": self.layouts.digest,
        }

    def export(self, network: nn.Module, folder: Path) -> None:
        """See `Exporting.export`: the image generator, and the layout generator as `layouts/`."""
        write_images(folder, plain(network, ImageNetworks).generator)
        write_layouts_copy(folder / LAYOUTS, self.layouts)
        copy_cost(self._layouts_path, folder / LAYOUTS)

    def _scored(
        self, networks: ImageNetworks, images: Tensor, drawn: Tensor, layouts: Tensor
    ) -> tuple[list[PatchScores], list[PatchScores]]:
        """Scores of the discriminators for real and generated images of the same layouts."""
        hot = one_hot(layouts, len(self.config.class_names))  # (B, K, H, W)
        return networks.discriminator(images, hot), networks.discriminator(drawn, hot)

    def _noise(self, indices: Sequence[int]) -> Tensor:
        return noise_from_seeds(self.config.network.z_dim, indices)  # (B, Z)

"""Training of the autoencoder: reconstruction, against a discriminator in turns."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from baselines.images import Images
from baselines.ldm.autoencoder import FOLDER, AutoencoderConfig, build_autoencoder
from baselines.ldm.autoencoder_loss import (
    discriminator_hinge,
    feature_matching,
    generator_hinge,
    kl_per_value,
)
from baselines.ldm.autoencoder_presets import AUTOENCODER_PRESETS
from baselines.ldm.patch_discriminator import PatchDiscriminator
from gcdp_bench.core.config import to_dict
from gcdp_bench.core.device import device_of
from gcdp_bench.core.images import to_float, to_uint8
from gcdp_bench.core.palette import image_grid
from gcdp_bench.core.types import Dataset
from gcdp_bench.io.atomic import replacing_folder
from gcdp_bench.training.presets import TrainingSpec
from gcdp_bench.training.task import plain

NUM_VALIDATION, NUM_PREVIEW, NUM_MEASURED = 64, 6, 512
BATCH_SIZE = 16  # of networks that are not trained
PEAK_TO_PEAK = 2.0  # of images in [-1, 1]


def training() -> TrainingSpec:
    """Of the autoencoder."""
    return TrainingSpec(presets=AUTOENCODER_PRESETS, task=AutoencoderTask)


class AutoencoderInTraining(nn.Module):
    """The autoencoder and the discriminator that only training needs."""

    def __init__(self, config: AutoencoderConfig):
        super().__init__()
        self.autoencoder: Any = build_autoencoder(config)
        self.discriminator = PatchDiscriminator(config.discriminator)

    def forward(self, images: Tensor, normal: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Reconstruction from a sample of the posterior, and the posterior.

        Args:
            images: float (B, 3, H, W) in [-1, 1].
            normal: standard normal noise (B, Z, h, w).

        Returns:
            reconstruction (B, 3, H, W), mean (B, Z, h, w) and log variance (B, Z, h, w).
        """
        posterior = self.autoencoder.encode(images).latent_dist
        latents = posterior.mean + posterior.std * normal  # (B, Z, h, w)
        return self.autoencoder.decode(latents).sample, posterior.mean, posterior.logvar


class AutoencoderTask:
    """The autoencoder's loss is that of CompVis/latent-diffusion, with two changes: feature
    matching stands for LPIPS, and the adversarial term has a fixed weight instead of one that
    follows the gradients of the last layer.
    """

    phases: Sequence[str] = ("autoencoder", "discriminator")

    def __init__(self, config: AutoencoderConfig, train: Dataset, validation: Dataset):
        self.config = config
        self.num_examples = len(train)
        self.loss_weights: Mapping[str, float] = {
            "l1": config.loss.l1_weight,
            "kl": config.loss.kl_weight,
            "features": config.loss.features_weight,
            "adversarial": config.loss.adversarial_weight,
            "hinge": 1.0,
        }
        self._train = Images(train, config.image_size)
        self._validation = Images(validation, config.image_size)

    def build(self) -> AutoencoderInTraining:
        """See `Learning.build`."""
        return AutoencoderInTraining(self.config)

    def batch(self, indices: Sequence[int], generator: torch.Generator) -> dict[str, Tensor]:
        """See `Learning.batch`: mirrored images, and the noise of the posterior's sample."""
        flip = torch.rand(len(indices), generator=generator) < 0.5  # (B,)
        images = self._train.stack(indices, flip)
        height, width = (side // self.config.downscaling for side in self.config.image_size)
        shape = (len(images), self.config.latent_channels, height, width)
        return {"image": images, "normal": torch.randn(shape, generator=generator)}

    def phase_losses(
        self, network: nn.Module, batch: dict[str, Tensor], phase: str, step: int
    ) -> dict[str, Tensor]:
        """See `AdversarialTask.phase_losses`; until `adversarial_from` the discriminator rests."""
        networks = plain(network, AutoencoderInTraining)
        images = to_float(batch["image"])
        adversarial = step >= self.config.loss.adversarial_from
        if phase == "discriminator":
            if not adversarial:
                return {}
            with torch.no_grad():
                reconstruction, _, _ = networks(images, batch["normal"])
            (real, _), (fake, _) = (networks.discriminator(x) for x in (images, reconstruction))
            return {"hinge": discriminator_hinge(real, fake)}
        reconstruction, mean, log_variance = networks(images, batch["normal"])
        terms = {
            "l1": F.l1_loss(reconstruction, images),
            "kl": kl_per_value(mean, log_variance, images[0].numel()),
        }
        if adversarial:
            with torch.no_grad():
                _, wanted = networks.discriminator(images)
            logits, found = networks.discriminator(reconstruction)
            terms["features"] = feature_matching(wanted, found)
            terms["adversarial"] = generator_hinge(logits)
        return terms

    @torch.no_grad()
    def validation(self, network: nn.Module) -> dict[str, float]:
        """See `Learning.validation`: of reconstructions from the posterior's mean, the absolute
        error in [-1, 1] and the peak signal-to-noise ratio in dB; and the KL in nats per latent
        value, averaged over images.
        """
        l1, psnr, kl = [], [], []
        autoencoder = plain(network, AutoencoderInTraining).autoencoder
        for images in _batches(self._validation, NUM_VALIDATION, device_of(network)):
            posterior = autoencoder.encode(images).latent_dist
            error = autoencoder.decode(posterior.mean).sample - images
            l1.append(error.abs().mean((1, 2, 3)))  # (B,)
            psnr.append(10.0 * torch.log10(PEAK_TO_PEAK**2 / error.square().mean((1, 2, 3))))
            kl.append(posterior.kl() / posterior.mean[0].numel())  # (B,)
        values = {"l1": l1, "psnr": psnr, "kl_per_latent": kl}
        return {name: float(torch.cat(value).mean()) for name, value in values.items()}

    @torch.no_grad()
    def preview(self, network: nn.Module) -> Tensor | None:
        """See `Learning.preview`: validation images above their reconstructions."""
        originals = next(
            _batches(self._validation, NUM_PREVIEW, device_of(network))
        )  # (B, 3, H, W)
        autoencoder = plain(network, AutoencoderInTraining).autoencoder
        latents = autoencoder.encode(originals).latent_dist.mean  # (B, Z, h, w)
        rows = [to_uint8(x).cpu() for x in (originals, autoencoder.decode(latents).sample)]
        return image_grid(torch.cat(rows), num_columns=len(originals))

    def metadata(self) -> dict[str, Any]:
        """See `Learning.metadata`."""
        return {"kind": "autoencoder", "autoencoder": to_dict(self.config)}

    def export(self, network: nn.Module, folder: Path) -> None:
        """See `Exporting.export`: the autoencoder in diffusers' format as `vae/`.

        Its `scaling_factor` is 1 / `latent_std`, so that scaled latents have unit variance.
        """
        autoencoder = plain(network, AutoencoderInTraining).autoencoder
        autoencoder.register_to_config(scaling_factor=1.0 / self.latent_std(network))
        with replacing_folder(folder / FOLDER) as temporary:
            autoencoder.save_pretrained(temporary)

    @torch.no_grad()
    def latent_std(self, network: nn.Module) -> float:
        """Standard deviation of samples of the posterior over the first training images, their
        places and channels taken together (Rombach et al. 2022, G): without drawing any, by
        Var[z] = E[variance + mean^2] - E[mean]^2.
        """
        first = second = torch.zeros((), dtype=torch.float64)
        num = 0
        autoencoder = plain(network, AutoencoderInTraining).autoencoder
        for images in _batches(self._train, NUM_MEASURED, device_of(network)):
            posterior = autoencoder.encode(images).latent_dist
            mean, variance = posterior.mean.double().cpu(), posterior.var.double().cpu()
            first = first + mean.sum()
            second = second + (variance + mean.square()).sum()
            num += mean.numel()
        return math.sqrt(float(second / num - (first / num).square()))


def _batches(images: Images, num: int, device: torch.device) -> Iterator[Tensor]:
    """The first `num` images, or all if there are fewer, as float (B, 3, H, W) in [-1, 1]."""
    for indices in torch.arange(min(num, len(images))).split(BATCH_SIZE):
        yield to_float(images.stack(indices.tolist())).to(device)

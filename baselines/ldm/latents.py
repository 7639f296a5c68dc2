"""Examples of a dataset as latent diffusion sees them: encoded once, kept in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from baselines.ldm.config import LdmConfig
from gcdp_bench.core.images import to_float
from gcdp_bench.core.types import Dataset
from gcdp_bench.datasets.framing import fit_image
from reference_model.text import TextEncoder

if TYPE_CHECKING:
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL


class LatentExamples:
    """Posteriors of the autoencoder and text vectors of a dataset's examples.

    An image and its mirror image are encoded separately, each when it is first used and alone: a
    batch would round in another way, and a resumed training begins with another batch.
    """

    def __init__(
        self,
        config: LdmConfig,
        dataset: Dataset,
        autoencoder: AutoencoderKL,
        text_encoder: TextEncoder,
    ):
        self._size = config.image_size
        self._dataset = dataset
        self._autoencoder = autoencoder
        self._text_encoder = text_encoder
        self._posteriors: dict[tuple[int, bool], tuple[Tensor, Tensor]] = {}
        self._captions: dict[int, str] = {}
        self._tokens: dict[str, Tensor] = {}

    def __len__(self) -> int:
        return len(self._dataset)

    def latents(self, indices: Sequence[int], flip: Tensor, normal: Tensor) -> Tensor:
        """Scaled samples of the posteriors: factor x (mean + std x normal).

        Args:
            indices: of B examples.
            flip: bool (B,), examples whose mirror image is meant.
            normal: standard normal (B, C, h, w).

        Returns:
            float (B, C, h, w).
        """
        keys = list(zip(indices, flip.tolist(), strict=True))
        means, stds = zip(*(self._posterior(key) for key in keys), strict=True)
        latents = torch.stack(means) + torch.stack(stds) * normal  # (B, C, h, w)
        return self._autoencoder.config["scaling_factor"] * latents

    def tokens(self, indices: Sequence[int]) -> Tensor:
        """Text vectors of the captions, float (B, L, D); padding is zero."""
        captions = [self._caption(index) for index in indices]
        for caption in captions:
            if caption not in self._tokens:
                self._tokens[caption] = self._text_encoder.encode([caption]).tokens[0]
        return torch.stack([self._tokens[caption] for caption in captions])  # (B, L, D)

    @torch.no_grad()
    def _posterior(self, key: tuple[int, bool]) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation, (C, h, w) each."""
        if key not in self._posteriors:
            pixels = to_float(self._image(*key)[None]).to(self._autoencoder.device)
            posterior = self._autoencoder.encode(pixels, return_dict=False)[0]
            self._posteriors[key] = posterior.mean[0].cpu(), posterior.std[0].cpu()
        return self._posteriors[key]

    def _image(self, index: int, flip: bool) -> Tensor:
        triplet = self._dataset[index]
        self._captions[index] = triplet.caption
        image = fit_image(triplet.image, self._size, "crop")  # (3, H, W)
        return image.flip(-1) if flip else image

    def _caption(self, index: int) -> str:
        if index not in self._captions:
            self._captions[index] = self._dataset[index].caption
        return self._captions[index]

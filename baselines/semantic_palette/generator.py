"""Semantic Palette as a `Generator`: a palette, a layout and an image by the seed alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from baselines.semantic_palette.config import ImageConfig
from baselines.semantic_palette.draws import layouts_from_seeds, noise_from_seeds
from baselines.semantic_palette.model import TrainedPalette, read_palette
from baselines.trained import Configured
from gcdp_bench.core.device import device_of
from gcdp_bench.core.finite import finite_samples
from gcdp_bench.core.images import to_uint8
from gcdp_bench.core.sampling_config import SamplingConfig, check_seeds
from gcdp_bench.core.types import Batch
from gcdp_bench.extractors.weights import tensors_digest


class SemanticPalette(Configured[ImageConfig]):
    """A GAN of layouts with given class proportions, then GauGAN (Le Moing et al. 2021).

    The soft layout is resized to the image's size; the likeliest class of each pixel is the layout
    of the sample, and what the image is made from: the image generator was trained on hard layouts.
    """

    makes_layouts = True
    reads_captions = False

    def __init__(self, name: str, trained: TrainedPalette):
        self.name = name
        self.config = trained.config
        self.network = trained.network
        self.layouts = trained.layouts
        self.networks = (trained.network, trained.layouts.network)

    @classmethod
    def load(cls, name: str, folder: Path, sampling: SamplingConfig) -> SemanticPalette:
        """Read a trained model; networks of one pass have nothing to set.

        Raises:
            FileNotFoundError: a file is missing.
            ValueError: damaged weights, or parts that do not fit each other.
        """
        return cls(name, read_palette(folder))

    @property
    def digest(self) -> str:
        """Hash of every weight of both generators, and of the mixture of palettes."""
        layouts = torch.tensor(list(self.layouts.digest.encode()))
        return tensors_digest({"layouts": layouts, **self.network.state_dict()})

    @torch.no_grad()
    def sample(self, captions: Sequence[str], *, guidance: float, seeds: Sequence[int]) -> Batch:
        """See `Generator.sample`; captions are not read, sample i depends on seeds[i] only.

        Raises:
            ValueError: guidance other than 1, or another number of seeds than of captions.
        """
        if guidance != 1.0:
            raise ValueError(
                f"{self.name} has no sampling parameter: expected guidance 1, got {guidance:g}; "
                "leave it out"
            )
        check_seeds(captions, seeds)
        z = noise_from_seeds(self.config.network.z_dim, seeds).to(device_of(self.network))  # (B, Z)
        with finite_samples(self.name, captions):
            layouts = layouts_from_seeds(self.layouts, seeds, self.config.image_size)  # (B, H, W)
            images = self.network(layouts, z)  # (B, 3, H, W)
            images = to_uint8(images, what="images of step 1 of 1").cpu()
        ids = tuple(f"{index:06d}" for index in range(len(captions)))
        return Batch(ids, images, layouts.cpu(), tuple(captions))

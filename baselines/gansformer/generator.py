"""GANformer as a `Generator`: seeds to images in one pass; captions are not read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from baselines.gansformer.draws import PURPOSE
from baselines.gansformer.generator_network import GansformerGenerator
from baselines.gansformer.model import GansformerConfig, read_gansformer
from baselines.stylegan2.draws import seeded_draws
from baselines.trained import Configured
from gcdp_bench.core.device import device_of
from gcdp_bench.core.finite import finite_samples
from gcdp_bench.core.images import to_uint8
from gcdp_bench.core.sampling_config import SamplingConfig, check_seeds
from gcdp_bench.core.types import TRUNCATION, Batch
from gcdp_bench.extractors.weights import tensors_digest


class Gansformer(Configured[GansformerConfig]):
    """An unconditional GAN whose features attend to latents (Hudson and Zitnick 2021).

    It makes no layouts: the paper's Table 1 takes those of the evaluating segmenter.
    """

    parameter = TRUNCATION
    reads_captions = False

    def __init__(self, name: str, config: GansformerConfig, network: GansformerGenerator):
        self.name = name
        self.config = config
        self.network = network
        self.networks = (network,)

    @classmethod
    def load(cls, name: str, folder: Path, sampling: SamplingConfig) -> Gansformer:
        """Read a trained model; a network of one pass has nothing to set.

        Raises:
            FileNotFoundError: a file is missing.
            ValueError: damaged weights, or another model.
        """
        return cls(name, *read_gansformer(folder))

    @property
    def digest(self) -> str:
        """Hash of every weight of the generator."""
        return tensors_digest(self.network.state_dict())

    @torch.no_grad()
    def sample(self, captions: Sequence[str], *, guidance: float, seeds: Sequence[int]) -> Batch:
        """See `Generator.sample`; `guidance` is truncation psi.

        Raises:
            ValueError: psi outside [0, 1], or another number of seeds than of captions.
        """
        TRUNCATION.check(guidance)
        check_seeds(captions, seeds)
        z, noise = seeded_draws(self.config.network, seeds, PURPOSE, device_of(self.network))
        images = self.network(z, noise, psi=guidance)  # (B, 3, H, W)
        with finite_samples(self.name, captions):
            images = to_uint8(images, what="images of step 1 of 1").cpu()
        ids = tuple(f"{index:06d}" for index in range(len(captions)))
        return Batch(ids, images, None, tuple(captions))

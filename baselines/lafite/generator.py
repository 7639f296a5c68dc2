"""Lafite as a `Generator`: captions to images in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from baselines.lafite.draws import PURPOSE
from baselines.lafite.model import LafiteConfig, TrainedLafite, read_lafite
from baselines.stylegan2.draws import seeded_draws
from baselines.trained import Configured
from gcdp_bench.core.device import device_of
from gcdp_bench.core.finite import finite_samples
from gcdp_bench.core.images import to_uint8
from gcdp_bench.core.sampling_config import SamplingConfig, check_seeds
from gcdp_bench.core.types import TRUNCATION, Batch
from gcdp_bench.extractors.weights import tensors_digest


class Lafite(Configured[LafiteConfig]):
    """StyleGAN2 whose styles read the caption's CLIP feature (Zhou et al. 2022).

    The feature is not perturbed when sampling. Truncation is our addition: it trades the variety of
    the images, not how much the text counts.
    """

    clip_digest: str
    parameter = TRUNCATION

    def __init__(self, name: str, trained: TrainedLafite):
        self.name = name
        self.config = trained.config
        self.network = trained.network
        self.networks = (trained.network,)
        self.clip_digest = trained.teacher.digest
        self._teacher = trained.teacher

    @classmethod
    def load(cls, name: str, folder: Path, sampling: SamplingConfig) -> Lafite:
        """Read a trained model; a network of one pass has nothing to set.

        Raises:
            FileNotFoundError: a file is missing.
            ValueError: damaged weights, or parts that do not fit each other.
        """
        return cls(name, read_lafite(folder))

    @property
    def digest(self) -> str:
        """Hash of every weight of the generator, and of the CLIP that reads the captions."""
        clip = torch.tensor(list(self.clip_digest.encode()))
        return tensors_digest({"clip": clip, **self.network.state_dict()})

    @torch.no_grad()
    def sample(self, captions: Sequence[str], *, guidance: float, seeds: Sequence[int]) -> Batch:
        """See `Generator.sample`; `guidance` is truncation psi.

        Raises:
            ValueError: psi outside [0, 1], or another number of seeds than of captions.
        """
        TRUNCATION.check(guidance)
        check_seeds(captions, seeds)
        device = device_of(self.network)
        z, noise = seeded_draws(self.config.network, seeds, PURPOSE, device)
        text = self._teacher.text(captions).to(device)  # (B, E)
        images = self.network(z, text, noise, psi=guidance)  # (B, 3, H, W)
        with finite_samples(self.name, captions):
            images = to_uint8(images, what="images of step 1 of 1").cpu()
        ids = tuple(f"{index:06d}" for index in range(len(captions)))
        return Batch(ids, images, None, tuple(captions))

"""DatasetDDPM as a `Generator`: images without captions, then their layouts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from baselines.dataset_ddpm.config import LabelConfig
from baselines.dataset_ddpm.labelling import label_images
from baselines.dataset_ddpm.model import TrainedDdpm, read_ddpm
from baselines.trained import Configured
from gcdp_bench.core.finite import finite_samples
from gcdp_bench.core.images import to_uint8
from gcdp_bench.core.sampling_config import SamplingConfig, check_seeds
from gcdp_bench.core.types import Batch
from gcdp_bench.extractors.weights import tensors_digest
from reference_model.sampler import sample
from reference_model.text import EncodedText


class DatasetDdpm(Configured[LabelConfig]):
    """An image diffusion model whose features are read as layouts (Baranchuk et al. 2022).

    The image is generated first, to 8 bits as the labelled images have, and noised again to read
    its features.
    """

    makes_layouts = True
    reads_captions = False

    def __init__(self, name: str, trained: TrainedDdpm, sampling: SamplingConfig):
        most = trained.stage.process.num_steps
        if sampling.steps > most:
            raise ValueError(
                f"steps: expected at most {most}, as {name} was trained with, got "
                f"{sampling.steps}; take fewer"
            )
        sampling.require_plain(name, "it")
        self.name = name
        self.config = trained.config
        self.sampling = sampling
        self.trained = trained
        self.networks = (trained.stage.network, trained.ensemble)

    @classmethod
    def load(cls, name: str, folder: Path, sampling: SamplingConfig) -> DatasetDdpm:
        """Read a trained model.

        Raises:
            FileNotFoundError: a file is missing.
            ValueError: damaged weights, parts that do not fit each other, too many steps, or
                another sampler than the ancestral one.
        """
        return cls(name, read_ddpm(folder), sampling)

    @property
    def num_labelled_images(self) -> int:
        """Labelled training images that the classifiers saw."""
        assert self.config.num_images is not None  # training writes the number where it is "all"
        return self.config.num_images

    @property
    def digest(self) -> str:
        """Hash of every weight of the diffusion model and of the classifiers."""
        parts = {"ddpm": self.trained.stage.network, "ensemble": self.trained.ensemble}
        return tensors_digest(
            {f"{part}.{k}": t for part, net in parts.items() for k, t in net.state_dict().items()}
        )

    @property
    def settings(self) -> Mapping[str, Any]:
        """Sampling steps of the images."""
        return {"steps": self.sampling.steps}

    @property
    def num_steps(self) -> int:
        """Sampling steps of the images."""
        return self.sampling.steps

    def sample(self, captions: Sequence[str], *, guidance: float, seeds: Sequence[int]) -> Batch:
        """See `Generator.sample`; captions have no effect.

        Raises:
            ValueError: another guidance than 1, or another number of seeds than of captions.
        """
        if guidance != 1.0:
            raise ValueError(f"{self.name} has no guidance: expected 1, got {guidance:g}")
        check_seeds(captions, seeds)
        with finite_samples(self.name, captions):
            pair = sample(
                self.trained.stage,
                self._no_text(len(seeds)),
                guidance=1.0,
                seeds=seeds,
                num_steps=self.sampling.steps,
            )
            images = to_uint8(pair.image).cpu()  # (B, 3, H, W)
            layouts = label_images(self.trained, images)  # (B, H, W)
        ids = tuple(f"{index:06d}" for index in range(len(captions)))
        return Batch(ids, images, layouts, tuple(captions))

    def _no_text(self, num: int) -> EncodedText:
        """Captions as an unconditional stage needs them: only their number counts."""
        dim = self.trained.stage.config.text.dim
        return EncodedText(torch.zeros(num, 1, dim), torch.zeros(num, 1, dtype=torch.bool))

"""The segmenter behind Semantic Recall and mIoU."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from gcdp_bench.core.config import from_dict, read_task
from gcdp_bench.core.finite import require_finite
from gcdp_bench.core.images import Size, to_float
from gcdp_bench.core.types import Dataset, Prediction, Segmenter
from gcdp_bench.datasets.framing import by
from gcdp_bench.extractors.hrnet import HRNetConfig, HRNetSegmenter
from gcdp_bench.extractors.inference import (
    COMPUTATION,
    FOLDED,
    computation_of,
    for_evaluation,
)
from gcdp_bench.extractors.weights import tensors_digest
from gcdp_bench.training.loading import load_network

CHUNK = 32


@dataclass(frozen=True, kw_only=True)
class SegmenterConfig:
    """A segmenter, resolved: written beside its weights."""

    dataset: str  # what it was trained on
    class_names: tuple[str, ...]
    image_size: Size  # it evaluates images of this size
    network: HRNetConfig
    variant: str  # "tiny" or "w18-small"
    balance: float = 0.35  # class weights in the loss are frequency^-balance


class TrainedSegmenter:
    """A segmenter trained by `gcdp-bench train segmenter`: a `Segmenter`."""

    resizer = "native"
    computation = f"{COMPUTATION}, {FOLDED}"

    def __init__(self, config: SegmenterConfig, network: HRNetSegmenter, *, device: str = "cpu"):
        self.config = config
        self.digest = tensors_digest(network.state_dict())
        self._device = torch.device(device)
        self.network = for_evaluation(network, self._device)

    @classmethod
    def load(
        cls, folder: Path, *, device: str = "cpu", trained_on: str | None = None
    ) -> TrainedSegmenter:
        """Read `config.json` and `model.safetensors` of a training run.

        Args:
            folder: of the run.
            device: where the network runs.
            trained_on: name of its training data in rows; None: as the configuration says.

        Raises:
            ValueError: the weights are of another configuration, or damaged.
        """
        path = folder / "config.json"
        config = from_dict(SegmenterConfig, read_task(path, "segmenter"), where=str(path))
        network = load_network(
            lambda: HRNetSegmenter(config.network, len(config.class_names)),
            folder / "model.safetensors",
            source=folder,
        )
        config = replace(config, dataset=trained_on or config.dataset)
        return cls(config, network, device=device)

    @property
    def name(self) -> str:
        """For the extractor column: what it is, and on what it was trained."""
        network = self.config.network
        return f"hrnet-{self.config.variant}-x{network.upsample}-{self.config.dataset}"

    @property
    def class_names(self) -> tuple[str, ...]:
        """Classes that it tells apart."""
        return self.config.class_names

    def check(self, dataset: Dataset) -> None:
        """Refuse a dataset that it was not trained for.

        Raises:
            ValueError: its classes or image size differ; says how to train one that fits.
        """
        size = f" --size {by(dataset.image_size)}"
        for what, own, expected, option in (
            ("classes", self.config.class_names, dataset.class_names, ""),
            ("image size", self.config.image_size, dataset.image_size, size),
        ):
            if own != expected:
                raise ValueError(
                    f"{self.name}: {what} {own} do not fit images of {dataset.name} ({expected}); "
                    f"train one with `gcdp-bench train segmenter --dataset {dataset.name}{option}` "
                    "and give --segmenter FOLDER"
                )

    @torch.no_grad()
    def predict(self, images: Tensor) -> Prediction:
        """Segment uint8 images (B, 3, H, W) of the size it was trained for.

        Raises:
            ValueError: another size.
            NotFinite: a logit is not finite.
        """
        if tuple(images.shape[-2:]) != self.config.image_size:
            raise ValueError(
                f"{self.name}: expected images of {self.config.image_size}, got "
                f"{tuple(images.shape[-2:])}; train a segmenter at that size "
                f"(gcdp-bench train segmenter --size {by(tuple(images.shape[-2:]))})"
            )
        layouts, features = [], []
        for chunk in images.split(CHUNK):
            logits, vectors = self.network(to_float(chunk).to(self._device))
            require_finite(
                f"label logits of {self.name}", logits, remedy="give another --segmenter"
            )
            layouts.append(logits.argmax(1).to(torch.uint8).cpu())  # (b, H, W)
            features.append(vectors.cpu())
        return Prediction(torch.cat(layouts), torch.cat(features))


class SegmenterFeatures:
    """The pooled features of a segmenter: a `FeatureExtractor`.

    Whoever has its prediction of the images takes the features from there
    (`Extractors.features_of`), so that the network does not run twice.
    """

    protocol = "hrnet"

    def __init__(self, segmenter: Segmenter):
        self.segmenter = segmenter

    @property
    def name(self) -> str:
        """The segmenter's."""
        return self.segmenter.name

    @property
    def digest(self) -> str:
        """The segmenter's."""
        return self.segmenter.digest

    @property
    def resizer(self) -> str:
        """The segmenter's."""
        return self.segmenter.resizer

    @property
    def computation(self) -> str:
        """The segmenter's."""
        return computation_of(self.segmenter)

    def features(self, images: Tensor) -> Tensor:
        """uint8 (B, 3, H, W) to float32 (B, D)."""
        return self.segmenter.predict(images).features

"""Training of the attribute classifier on a dataset's images and their attributes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from gcdp_bench.core.config import to_dict
from gcdp_bench.core.device import device_of
from gcdp_bench.core.images import to_float
from gcdp_bench.core.types import AttributedDataset, Dataset
from gcdp_bench.datasets.outline import Outline
from gcdp_bench.extractors.attributes import (
    AttributeNetwork,
    AttributesConfig,
    Backbone,
    build_network,
    require_attributes,
)
from gcdp_bench.training.loop import TrainingConfig
from gcdp_bench.training.presets import Preset, TrainingSpec

NUM_VALIDATION, CHUNK = 512, 64


def _preset(
    backbone: Backbone, training: TrainingConfig, *, width: int = 128
) -> Preset[AttributesConfig]:
    """The attributes of the dataset are counted; an outline of a dataset tells nothing of them."""

    def config(dataset: Dataset) -> AttributesConfig:
        attributed = None if isinstance(dataset, Outline) else require_attributes(dataset)
        return AttributesConfig(
            dataset=dataset.name,
            attribute_names=() if attributed is None else attributed.attribute_names,
            frequencies=() if attributed is None else attribute_frequencies(attributed),
            image_size=dataset.image_size,
            backbone=backbone,
        )

    return Preset(key="attributes", width=width, config=config, training=training)


_TRAINING = TrainingConfig(
    steps=5000,
    batch_size=32,
    learning_rate=1e-2,
    decay="cosine",
    warmup_steps=100,
    betas=(0.9, 0.999),
    weight_decay=1e-2,
    ema_max_decay=0.99,
    checkpoint_every=500,
    validate_every=500,
    preview_every=500,
)
ATTRIBUTES_PRESETS = {
    "tiny": _preset("shufflenet_v2_x0_5", _TRAINING),
    "small": _preset("shufflenet_v2_x0_5", _TRAINING, width=256),
    "resnet18": _preset("resnet18", replace(_TRAINING, steps=10_000, learning_rate=1e-3)),
    "resnet50": _preset("resnet50", replace(_TRAINING, steps=20_000, learning_rate=1e-3)),
}


class AttributesTask:
    """Binary cross-entropy per attribute; the rarer answer of each weighs more."""

    loss_weights: Mapping[str, float] = {"cross_entropy": 1.0}
    mixes_examples = "its network normalises over the batch"

    def __init__(self, config: AttributesConfig, train: Dataset, validation: Dataset):
        self.config = config
        self.num_examples = len(train)
        self._datasets = {
            "train": require_attributes(train),
            "validation": require_attributes(validation),
        }
        self._cache: dict[tuple[str, int], tuple[Tensor, Tensor]] = {}
        self._weights = config.answer_weights  # (A, 2)

    def build(self) -> AttributeNetwork:
        """See `Task.build`."""
        return build_network(self.config)

    def batch(self, indices: Sequence[int], generator: torch.Generator) -> dict[str, Tensor]:
        """See `Task.batch`: mirrored, shifted, with slightly changed light and noise."""
        images, attributes = self._examples("train", indices)
        flip = torch.rand(len(images), generator=generator) < 0.5  # (B,)
        images[flip] = images[flip].flip(-1)
        images = disturb(shift(to_float(images), generator), generator)
        return {"image": images, "attributes": attributes}

    def losses(self, network: torch.nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """See `Task.losses`: the mean over images and attributes of weight x cross-entropy."""
        logits, attributes = network(batch["image"]), batch["attributes"]  # (B, A)
        no, yes = self._weights.to(logits.device).unbind(1)  # (A,)
        weights = torch.where(attributes, yes, no)  # (B, A)
        loss = F.binary_cross_entropy_with_logits(logits, attributes.float(), weights)
        return {"cross_entropy": loss}

    @torch.no_grad()
    def validation(self, network: torch.nn.Module) -> dict[str, float]:
        """See `Task.validation`: balanced accuracy at the thresholds, its mean and smallest over
        the attributes that have both answers among the images, and of each of them.
        """
        num = min(NUM_VALIDATION, len(self._datasets["validation"]))
        images, attributes = self._examples("validation", range(num))
        device = device_of(network)
        chunks = [network(to_float(chunk).to(device)) for chunk in images.split(CHUNK)]
        seen = torch.cat(chunks).sigmoid().cpu() >= self.config.thresholds  # (N, A)
        accuracies = balanced_accuracy(attributes, seen)  # (A,)
        accuracies[self.config.thresholds.isnan()] = torch.nan
        names = self.config.attribute_names
        each = {
            f"balanced_accuracy/{name}": float(accuracy)
            for name, accuracy in zip(names, accuracies, strict=True)
            if not accuracy.isnan()
        }
        defined = torch.tensor([*each.values()] or [torch.nan])
        return {
            "balanced_accuracy": float(defined.mean()),
            "worst_balanced_accuracy": float(defined.min()),
            **each,
        }

    def preview(self, network: torch.nn.Module) -> Tensor | None:
        """See `Task.preview`: nothing to look at."""
        return None

    def metadata(self) -> dict[str, Any]:
        """See `Task.metadata`."""
        return {"kind": "attributes", "attributes": to_dict(self.config)}

    def _examples(self, split: str, indices: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Images uint8 (B, 3, H, W) and their attributes bool (B, A)."""
        for index in indices:
            if (split, index) not in self._cache:
                dataset = self._datasets[split]
                self._cache[split, index] = dataset[index].image, dataset.attributes(index)
        images, attributes = zip(*(self._cache[split, i] for i in indices), strict=True)
        return torch.stack(images), torch.stack(attributes)


def attribute_frequencies(dataset: AttributedDataset) -> tuple[float, ...]:
    """Share of the images with each attribute, (A,)."""
    counts = torch.zeros(len(dataset.attribute_names), dtype=torch.float64)
    for index in range(len(dataset)):
        counts += dataset.attributes(index)
    return tuple((counts / len(dataset)).tolist())


def balanced_accuracy(attributes: Tensor, seen: Tensor) -> Tensor:
    """Mean of the shares of true and of false answers that are right, of each attribute.

    Args:
        attributes: bool (N, A), the truth.
        seen: bool (N, A), the answers.

    Returns:
        float32 (A,); NaN where the truth of all images is the same.
    """
    right = attributes == seen  # (N, A)
    yes = (right & attributes).sum(0) / attributes.sum(0)  # (A,)
    no = (right & ~attributes).sum(0) / (~attributes).sum(0)  # (A,)
    return (yes + no) / 2


def shift(images: Tensor, generator: torch.Generator) -> Tensor:
    """Move each image by up to 1/32 of its size along each axis; edge pixels are repeated.

    Float (B, 3, H, W) in and out.
    """
    height, width = images.shape[-2:]
    rows, columns = height // 32, width // 32
    padded = F.pad(images, (columns, columns, rows, rows), mode="replicate")
    down = torch.randint(2 * rows + 1, (len(images),), generator=generator).tolist()
    right = torch.randint(2 * columns + 1, (len(images),), generator=generator).tolist()
    return torch.stack(
        [
            image[:, top : top + height, left : left + width]
            for image, top, left in zip(padded, down, right, strict=True)
        ]
    )  # (B, 3, H, W)


def disturb(images: Tensor, generator: torch.Generator) -> Tensor:
    """Contrast, brightness and noise, so weak that no attribute (hair colour, skin, light, blur)
    changes; float [-1, 1] in and out. (B, 3, H, W)
    """

    def draw(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(len(images), 1, 1, 1, generator=generator)

    images = images * draw(0.93, 1.07) + draw(-0.05, 0.05)
    noise = torch.randn(images.shape, generator=generator)
    return (images + noise * draw(0.0, 0.05)).clamp(-1, 1)


def training() -> TrainingSpec:
    """Of the attribute classifier."""
    return TrainingSpec(
        presets=ATTRIBUTES_PRESETS,
        task=AttributesTask,
        counted="attribute_names, frequencies: training counts them in the data; here they are "
        "empty",
    )

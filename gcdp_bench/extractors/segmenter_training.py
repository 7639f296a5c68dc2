"""Training of the segmenter on a dataset's images and layouts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from gcdp_bench.core.config import to_dict
from gcdp_bench.core.device import device_of
from gcdp_bench.core.images import mirror_layouts, resize_images, to_float
from gcdp_bench.core.palette import colourise, image_grid
from gcdp_bench.core.types import IGNORE_ID, Dataset
from gcdp_bench.extractors.hrnet import TINY, W18_SMALL, HRNetConfig, HRNetSegmenter
from gcdp_bench.extractors.segmenter import SegmenterConfig
from gcdp_bench.metrics.layout_iou import confusion_matrix, intersection_over_union
from gcdp_bench.training.loop import TrainingConfig
from gcdp_bench.training.presets import Preset, TrainingSpec

NUM_VALIDATION, NUM_PREVIEW, NUM_COUNTED = 100, 6, 300
LARGEST_WEIGHT = 6.0


def _preset(
    variant: str, network: HRNetConfig, training: TrainingConfig, *, width: int = 128
) -> Preset[SegmenterConfig]:
    return Preset(
        key="segmenter",
        width=width,
        config=lambda dataset: SegmenterConfig(
            dataset=dataset.name,
            class_names=dataset.class_names,
            image_size=dataset.image_size,
            network=network,
            variant=variant,
        ),
        training=training,
    )


_TRAINING = TrainingConfig(
    steps=1500,
    batch_size=8,
    learning_rate=2e-3,
    decay="cosine",
    warmup_steps=50,
    betas=(0.9, 0.999),
    weight_decay=1e-4,
    ema_max_decay=0.99,
    checkpoint_every=500,
    validate_every=500,
    preview_every=500,
)
SEGMENTER_PRESETS = {
    "tiny": _preset("tiny", TINY, _TRAINING),
    "small": _preset("tiny", TINY, _TRAINING, width=256),
    "w18-small": _preset("w18-small", W18_SMALL, replace(_TRAINING, steps=20_000)),
}


class SegmenterTask:
    """Cross-entropy per pixel; rare classes weigh more, ignored pixels nothing."""

    loss_weights: Mapping[str, float] = {"cross_entropy": 1.0}
    mixes_examples = "it normalises over the batch, and weighs its pixels against each other"

    def __init__(self, config: SegmenterConfig, train: Dataset, validation: Dataset):
        self.config = config
        self.num_examples = len(train)
        self._train, self._validation = train, validation
        self._cache: dict[int, tuple[Tensor, Tensor]] = {}
        self._weights = self._class_weights()

    def build(self) -> HRNetSegmenter:
        """See `Task.build`."""
        return HRNetSegmenter(self.config.network, len(self.config.class_names))

    def batch(self, indices: Sequence[int], generator: torch.Generator) -> dict[str, Tensor]:
        """See `Task.batch`: mirrored, with changed light, noise and blur."""
        images, layouts = (
            torch.stack(part) for part in zip(*map(self._read, indices), strict=True)
        )
        flip = torch.rand(len(images), generator=generator) < 0.5  # (B,)
        images[flip] = images[flip].flip(-1)
        layouts[flip] = mirror_layouts(layouts[flip], self.config.class_names)
        return {"image": _disturb(to_float(images), generator), "layout": layouts.long()}

    def losses(self, network: torch.nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """See `Task.losses`."""
        logits, _ = network(batch["image"])
        weights = self._weights.to(logits.device)
        loss = F.cross_entropy(logits, batch["layout"], weights, ignore_index=IGNORE_ID)
        return {"cross_entropy": loss}

    @torch.no_grad()
    def validation(self, network: torch.nn.Module) -> dict[str, float]:
        """See `Task.validation`: mIoU and pixel accuracy."""
        num_classes = len(self.config.class_names)
        device = device_of(network)
        confusion = 0
        for index in range(min(NUM_VALIDATION, len(self._validation))):
            triplet = self._validation[index]
            logits, _ = network(to_float(triplet.image[None]).to(device))
            predicted = logits.argmax(1).to(torch.uint8).cpu()  # (1, H, W)
            confusion = confusion + confusion_matrix(triplet.layout[None], predicted, num_classes)
        iou = intersection_over_union(confusion)  # type: ignore[arg-type]
        accuracy = confusion.trace() / confusion.sum()  # type: ignore[union-attr]
        return {"miou": float(iou[iou == iou].mean()), "accuracy": float(accuracy)}

    @torch.no_grad()
    def preview(self, network: torch.nn.Module) -> Tensor | None:
        """See `Task.preview`: images, their layouts, and the predicted ones."""
        triplets = [self._validation[i] for i in range(min(NUM_PREVIEW, len(self._validation)))]
        images = torch.stack([triplet.image for triplet in triplets])
        device = device_of(network)
        predicted = network(to_float(images).to(device))[0].argmax(1).to(torch.uint8).cpu()
        names = self.config.class_names
        rows = [
            images,
            colourise(torch.stack([t.layout for t in triplets]), names),
            colourise(predicted, names),
        ]
        return image_grid(torch.cat(rows), num_columns=len(triplets))

    def metadata(self) -> dict[str, Any]:
        """See `Task.metadata`."""
        return {"kind": "segmenter", "segmenter": to_dict(self.config)}

    def _read(self, index: int) -> tuple[Tensor, Tensor]:
        if index not in self._cache:
            triplet = self._train[index]
            self._cache[index] = (triplet.image, triplet.layout)
        return self._cache[index]

    def _class_weights(self) -> Tensor:
        """frequency^-balance of the first training layouts, mean 1 over the pixels. (K,)"""
        num_classes = len(self.config.class_names)
        counts = torch.zeros(256, dtype=torch.float64)
        for index in range(min(NUM_COUNTED, self.num_examples)):
            counts += torch.bincount(self._read(index)[1].flatten().long(), minlength=256)
        frequency = (counts[:num_classes] + 1) / counts[:num_classes].sum()  # (K,)
        weights = frequency**-self.config.balance
        weights = weights / (weights * frequency).sum()
        return weights.clamp_max(LARGEST_WEIGHT).float()


def _disturb(images: Tensor, generator: torch.Generator) -> Tensor:
    """Brightness, contrast, blur of some, noise; float [-1, 1] in and out. (B, 3, H, W)"""
    num, _, height, width = images.shape

    def draw(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(num, 1, 1, 1, generator=generator)

    images = images * draw(0.8, 1.2) + draw(-0.15, 0.15)
    small = resize_images(resize_images(images, (height // 2, width // 2)), (height, width))
    images = torch.where(draw(0, 1) < 0.2, small, images)
    noise = torch.randn(images.shape, generator=generator)
    return (images + noise * draw(0.0, 0.06)).clamp(-1, 1)


def training() -> TrainingSpec:
    """Of the segmenter."""
    return TrainingSpec(presets=SEGMENTER_PRESETS, task=SegmenterTask)

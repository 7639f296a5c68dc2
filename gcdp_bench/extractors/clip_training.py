"""Training of a small CLIP on a dataset's images and captions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from gcdp_bench.config import to_dict
from gcdp_bench.extractors.clip import ClipConfig, Tokenizer, build_clip
from gcdp_bench.images import to_float
from gcdp_bench.protocols import Dataset
from gcdp_bench.training.loop import TrainingConfig

NUM_VALIDATION = 128


@dataclass(frozen=True, kw_only=True)
class ClipRun:
    """A training run, resolved; what `--set` overrides."""

    clip: ClipConfig
    training: TrainingConfig


@dataclass(frozen=True, kw_only=True)
class ClipPreset:
    """Training of a small CLIP."""

    training: TrainingConfig
    width: int = 128  # of the images

    def resolve(self, dataset: Dataset) -> ClipRun:
        """Fill in what follows from the dataset."""
        from open_clip.tokenizer import SimpleTokenizer

        tokenizer = SimpleTokenizer()
        captions = {dataset[index].caption for index in range(len(dataset))}
        used = {tokenizer.sot_token_id, tokenizer.eot_token_id}
        used |= {token for caption in captions for token in tokenizer.encode(caption)}
        config = ClipConfig(
            dataset=dataset.name,
            image_size=dataset.image_size,
            vocabulary=tuple(sorted(used)),
        )
        return ClipRun(clip=config, training=self.training)


CLIP_PRESETS = {
    "tiny": ClipPreset(
        training=TrainingConfig(
            steps=1500,
            batch_size=32,
            learning_rate=1e-3,
            decay="cosine",
            warmup_steps=100,
            betas=(0.9, 0.98),
            weight_decay=0.05,
            ema_max_decay=0.99,
            checkpoint_every=500,
            validate_every=500,
            preview_every=500,
        )
    )
}


class ClipTask:
    """Contrastive learning: an image's caption among those of its batch, and the reverse."""

    loss_weights = {"contrastive": 1.0}

    def __init__(self, config: ClipConfig, train: Dataset, validation: Dataset):
        self.config = config
        self.num_examples = len(train)
        self._datasets = {"train": train, "validation": validation}
        self._tokenizer = Tokenizer(config)
        self._cache: dict[tuple[str, int], tuple[Tensor, Tensor]] = {}

    def build(self) -> torch.nn.Module:
        """See `Task.build`."""
        return build_clip(self.config)

    def batch(self, indices: Sequence[int], generator: torch.Generator) -> dict[str, Tensor]:
        """See `Task.batch`: mirrored images."""
        images, tokens = self._pairs("train", indices)
        flip = torch.rand(len(images), generator=generator) < 0.5  # (B,)
        images[flip] = images[flip].flip(-1)
        return {"image": images, "tokens": tokens}

    def losses(self, network: torch.nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """See `Task.losses`; pairs with the same caption are not held against each other."""
        image, text, scale = network(to_float(batch["image"]), batch["tokens"])[:3]
        logits = scale * image @ text.T  # (B, B)
        same = (batch["tokens"][:, None] == batch["tokens"]).all(-1)  # (B, B)
        targets = same.float() / same.sum(1, keepdim=True)
        loss = (F.cross_entropy(logits, targets) + F.cross_entropy(logits.T, targets)) / 2
        return {"contrastive": loss}

    @torch.no_grad()
    def validation(self, network: torch.nn.Module) -> dict[str, float]:
        """See `Task.validation`: loss, and how often the right caption wins among all."""
        num = min(NUM_VALIDATION, len(self._datasets["validation"]))
        images, tokens = self._pairs("validation", range(num))
        device = next(network.parameters()).device
        batch = {"image": images.to(device), "tokens": tokens.to(device)}
        image, text = network(to_float(batch["image"]), batch["tokens"])[:2]
        best = (image @ text.T).argmax(1)  # (B,)
        right = (batch["tokens"][best] == batch["tokens"]).all(-1).float().mean()
        return {"contrastive": float(self.losses(network, batch)["contrastive"]),
                "top1": float(right)}  # fmt: skip

    def preview(self, network: torch.nn.Module) -> Tensor | None:
        """See `Task.preview`: nothing to look at."""
        return None

    def metadata(self) -> dict[str, Any]:
        """See `Task.metadata`."""
        return {"kind": "clip", "clip": to_dict(self.config)}

    def _pairs(self, split: str, indices: Sequence[int]) -> tuple[Tensor, Tensor]:
        """uint8 images (B, 3, H, W) and tokens (B, L)."""
        for index in indices:
            if (split, index) not in self._cache:
                triplet = self._datasets[split][index]
                tokens, _ = self._tokenizer([triplet.caption])
                self._cache[split, index] = (triplet.image, tokens[0])
        images, tokens = zip(*(self._cache[split, index] for index in indices), strict=True)
        return torch.stack(images), torch.stack(tokens)

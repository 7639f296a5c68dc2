"""Training of a small CLIP on a dataset's images, captions and layouts.

With a few thousand images the contrastive loss alone stays at chance, because nothing tells the
image tower what a class looks like. Class names are therefore encoded as texts of their own and
predicted in three places: in each patch of the image (from the layout), in the whole image and in
the caption. Scoring uses CLIP's own weights alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gcdp_bench.core.config import to_dict
from gcdp_bench.core.device import device_of
from gcdp_bench.core.images import mirrored_ids, to_float
from gcdp_bench.core.types import Dataset
from gcdp_bench.datasets.sizes import require_multiples
from gcdp_bench.extractors.clip import ClipConfig, Tokenizer, build_clip
from gcdp_bench.training.loop import TrainingConfig
from gcdp_bench.training.presets import Preset, TrainingSpec
from gcdp_bench.training.task import plain

NUM_VALIDATION = 128
LOG_CLASS_SCALE = 2.6


def _preset(
    config: Callable[..., ClipConfig], *, width: int, patch: int, training: TrainingConfig
) -> Preset[ClipConfig]:
    return Preset(
        key="clip",
        width=width,
        config=lambda dataset: config(
            dataset=dataset.name,
            image_size=dataset.image_size,
            vocabulary=_vocabulary(dataset),
            patch=patch,
        ),
        check_size=partial(require_multiples, divisor=patch),
        training=training,
    )


def _vocabulary(dataset: Dataset) -> tuple[int, ...]:
    """Ids of the tokens of all captions and class names."""
    from open_clip.tokenizer import SimpleTokenizer

    tokenizer = SimpleTokenizer()
    texts = {dataset[index].caption for index in range(len(dataset))} | {*dataset.class_names}
    used = {tokenizer.sot_token_id, tokenizer.eot_token_id}
    used |= {token for text in texts for token in tokenizer.encode(text)}
    return tuple(sorted(used))


TRAINING = TrainingConfig(
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

# Teaches Lafite and evaluates nothing: apart from the extractor in size, tower and seed, and
# trained on the subset, whose few pairs a transformer learns by heart
# (docs/explanation/baselines.md).
TEACHER = _preset(
    partial(ClipConfig, tower="convolutional", width=64),
    width=64,
    patch=4,
    training=replace(TRAINING, steps=1000, learning_rate=2e-3, seed=1),
)

CLIP_PRESETS = {
    "tiny": _preset(ClipConfig, width=128, patch=ClipConfig.patch, training=TRAINING),
    "small": _preset(ClipConfig, width=256, patch=16, training=TRAINING),
    "teacher": TEACHER,
}


class ClipInTraining(nn.Module):
    """CLIP, and the offsets of the class losses that only training needs."""

    def __init__(self, config: ClipConfig, num_classes: int):
        super().__init__()
        self.clip: Any = build_clip(config)
        self.clip.visual.output_tokens = True
        self.class_scale = nn.Parameter(torch.tensor(LOG_CLASS_SCALE))
        self.patch_bias = nn.Parameter(torch.zeros(num_classes))
        self.image_bias = nn.Parameter(torch.zeros(num_classes))

    def forward(self, images: Tensor, tokens: Tensor, class_tokens: Tensor) -> dict[str, Tensor]:
        """Unit features, and the logits of every class.

        Args:
            images: float (B, 3, H, W) in [-1, 1].
            tokens: long (B, L), captions.
            class_tokens: long (K, L), class names.

        Returns:
            image (B, E), text (B, E), patch_logits (B, N, K), image_logits (B, K),
            text_logits (B, K).
        """
        texts = self.clip.encode_text(torch.cat([tokens, class_tokens]), normalize=True)
        text, classes = texts.split([len(tokens), len(class_tokens)])  # (B, E), (K, E)
        pooled, patches = self.clip.visual(images)  # (B, E), (B, N, D)
        image = F.normalize(pooled, dim=-1)
        patches = F.normalize(patches @ self.clip.visual.proj, dim=-1)  # (B, N, E)
        named = self.class_scale.exp() * classes.T  # (E, K)
        return {
            "image": image,
            "text": text,
            "patch_logits": patches @ named + self.patch_bias,  # (B, N, K)
            "image_logits": image @ named + self.image_bias,  # (B, K)
            "text_logits": text @ named + self.image_bias,  # (B, K)
        }


class ClipTask:
    """Contrastive learning: an image's caption among those of its batch, and the reverse."""

    loss_weights: Mapping[str, float] = {
        "contrastive": 1.0,
        "patches": 5.0,
        "image": 3.0,
        "caption": 3.0,
    }
    mixes_examples = "captions are held against the others of the batch"

    def __init__(self, config: ClipConfig, train: Dataset, validation: Dataset):
        self.config = config
        self.num_examples = len(train)
        self._datasets = {"train": train, "validation": validation}
        self._tokenizer = Tokenizer(config)
        self._class_tokens, _ = self._tokenizer(train.class_names)  # (K, L)
        self._mirrored = mirrored_ids(train.class_names)  # (K,)
        self._cache: dict[tuple[str, int], tuple[Tensor, Tensor, Tensor, Tensor]] = {}

    def build(self) -> nn.Module:
        """See `Task.build`."""
        return ClipInTraining(self.config, len(self._class_tokens))

    def batch(self, indices: Sequence[int], generator: torch.Generator) -> dict[str, Tensor]:
        """See `Task.batch`: mirrored images."""
        images, patches, named, tokens = self._examples("train", indices)
        flip = torch.rand(len(images), generator=generator) < 0.5  # (B,)
        images[flip], patches[flip] = images[flip].flip(-1), patches[flip].flip(-1)
        patches[flip] = patches[flip][:, self._mirrored]
        return {"image": images, "patches": patches, "named": named, "tokens": tokens}

    def losses(self, network: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """See `Task.losses`; pairs with the same caption are not held against each other."""
        tokens = batch["tokens"]
        output = network(to_float(batch["image"]), tokens, self._class_tokens.to(tokens.device))
        scale = plain(network, ClipInTraining).clip.logit_scale.exp()
        logits = scale * output["image"] @ output["text"].T  # (B, B)
        same = (tokens[:, None] == tokens).all(-1)  # (B, B)
        targets = same.float() / same.sum(1, keepdim=True)
        contrastive = F.cross_entropy(logits, targets) + F.cross_entropy(logits.T, targets)
        patches = batch["patches"].flatten(2).transpose(1, 2)  # (B, N, K)
        predicted = {
            "patches": (output["patch_logits"], patches),
            "image": (output["image_logits"], batch["named"]),
            "caption": (output["text_logits"], batch["named"]),
        }
        return {"contrastive": contrastive / 2} | {
            name: F.binary_cross_entropy_with_logits(found, wanted.float())
            for name, (found, wanted) in predicted.items()
        }

    @torch.no_grad()
    def validation(self, network: nn.Module) -> dict[str, float]:
        """See `Task.validation`: losses, and how often the own caption beats another one."""
        num = min(NUM_VALIDATION, len(self._datasets["validation"]))
        images, patches, named, tokens = self._examples("validation", range(num))
        device = device_of(network)
        batch = {"image": images, "patches": patches, "named": named, "tokens": tokens}
        batch = {name: value.to(device) for name, value in batch.items()}
        output = network(to_float(batch["image"]), batch["tokens"], self._class_tokens.to(device))
        cosines = output["image"] @ output["text"].T  # (B, B)
        same = (batch["tokens"][:, None] == batch["tokens"]).all(-1)  # (B, B)
        wins = (cosines.diagonal()[:, None] > cosines)[~same].float().mean()
        losses = {name: float(value) for name, value in self.losses(network, batch).items()}
        return {**losses, "own_beats_other": float(wins)}

    def preview(self, network: nn.Module) -> Tensor | None:
        """See `Task.preview`: nothing to look at."""
        return None

    def metadata(self) -> dict[str, Any]:
        """See `Task.metadata`."""
        return {"kind": "clip", "clip": to_dict(self.config)}

    def _examples(self, split: str, indices: Sequence[int]) -> tuple[Tensor, ...]:
        """Images uint8 (B, 3, H, W), classes of patches bool (B, K, h, w), classes that the
        captions name bool (B, K), tokens long (B, L).
        """
        for index in indices:
            if (split, index) not in self._cache:
                self._cache[split, index] = self._read(self._datasets[split], index)
        parts = zip(*(self._cache[split, index] for index in indices), strict=True)
        return tuple(torch.stack(part) for part in parts)

    def _read(self, dataset: Dataset, index: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        triplet = dataset[index]
        num_classes = len(self._class_tokens)
        classes = torch.arange(num_classes, dtype=torch.uint8)
        masks = triplet.layout == classes[:, None, None]  # (K, H, W)
        patches = F.max_pool2d(masks.float(), self.config.patch) > 0  # (K, h, w)
        named = torch.zeros(num_classes, dtype=torch.bool)
        named[list(dataset.caption_classes(triplet.caption))] = True
        tokens, _ = self._tokenizer([triplet.caption])
        return triplet.image, patches, named, tokens[0]


def training() -> TrainingSpec:
    """Of the CLIP that evaluates."""
    return _training(CLIP_PRESETS)


def teacher_training() -> TrainingSpec:
    """Of a CLIP that teaches, of another kind than the one that evaluates."""
    return _training({"tiny": TEACHER})


def _training(presets: Mapping[str, Preset[ClipConfig]]) -> TrainingSpec:
    return TrainingSpec(
        presets=presets,
        task=ClipTask,
        counted="vocabulary: training reads it from the captions; here it is that of the class "
        "names",
    )

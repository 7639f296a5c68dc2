"""The small CLIP that is trained here: cosine of an image and its caption."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gcdp_bench.core.config import from_dict, read_task
from gcdp_bench.core.images import Size, to_float
from gcdp_bench.core.types import TextMatch
from gcdp_bench.datasets.framing import by
from gcdp_bench.datasets.sizes import require_multiples
from gcdp_bench.extractors.clip_text import caption_features
from gcdp_bench.extractors.clip_tower import ConvTower
from gcdp_bench.extractors.weights import tensors_digest
from gcdp_bench.training.checkpoint import load_weights
from gcdp_bench.training.loading import load_network

CHUNK = 64
UNKNOWN_TOKEN = 1
TRAINED_PREFIX = "clip."  # of CLIP's own weights among those of a training run


@dataclass(frozen=True, kw_only=True)
class ClipConfig:
    """A small CLIP, resolved: written beside its weights."""

    dataset: str  # what it was trained on
    image_size: Size
    vocabulary: tuple[int, ...]  # CLIP's token ids that occur in the training captions
    tower: Literal["transformer", "convolutional"] = "transformer"  # that reads the image
    patch: int = 8
    width: int = 96
    layers: int = 3
    head_width: int = 32
    context_length: int = 48
    embed_dim: int = 64

    def __post_init__(self):
        if self.tower == "convolutional":
            require_multiples(self.image_size, self.patch)


def build_clip(config: ClipConfig) -> nn.Module:
    """open_clip's CLIP at a small size, with the image tower of `config.tower`.

    Raises:
        ValueError: a convolutional tower of an impossible patch or width.
    """
    from open_clip import CLIP, CLIPTextCfg, CLIPVisionCfg

    clip: Any = CLIP(
        embed_dim=config.embed_dim,
        vision_cfg=CLIPVisionCfg(
            image_size=config.image_size,
            layers=config.layers,
            width=config.width,
            head_width=config.head_width,
            patch_size=config.patch,
        ),
        text_cfg=CLIPTextCfg(
            context_length=config.context_length,
            vocab_size=len(config.vocabulary) + 2,
            width=config.width,
            heads=config.width // config.head_width,
            layers=config.layers,
        ),
    )
    if config.tower == "convolutional":
        clip.visual = ConvTower(config.embed_dim, patch=config.patch, width=config.width)
    return clip


class Tokenizer:
    """CLIP's byte-pair tokens, renumbered to the vocabulary in use.

    Index 0 pads, 1 stands for a token that training did not see; the others keep CLIP's order, so
    that the end token stays the largest, which is how CLIP finds it.
    """

    def __init__(self, config: ClipConfig):
        from open_clip.tokenizer import SimpleTokenizer

        self._plain = SimpleTokenizer()
        self._place = {token: index + 2 for index, token in enumerate(config.vocabulary)}
        self._length = config.context_length

    def __call__(self, captions: Sequence[str]) -> tuple[Tensor, NDArray[np.bool_]]:
        """Tokens, long (B, context_length), and which captions were longer, (B,)."""
        rows = torch.zeros(len(captions), self._length, dtype=torch.long)  # (B, L)
        too_long = np.zeros(len(captions), np.bool_)  # (B,)
        for row, caption in enumerate(captions):
            tokens = [self._plain.sot_token_id, *self._plain.encode(caption)]
            too_long[row] = len(tokens) >= self._length
            tokens = [*tokens[: self._length - 1], self._plain.eot_token_id]
            known = [self._place.get(token, UNKNOWN_TOKEN) for token in tokens]
            rows[row, : len(known)] = torch.tensor(known)
        return rows, too_long


class SmallClip:
    """A CLIP trained by `gcdp-bench train clip`: an `ImageTextScorer`."""

    resizer = "native"

    def __init__(self, config: ClipConfig, network: nn.Module, *, device: str = "cpu"):
        self.config = config
        self.digest = tensors_digest(network.state_dict())
        self.network: Any = network.eval().requires_grad_(False).to(device)  # open_clip's CLIP
        self._tokenizer = Tokenizer(config)
        self.name = f"clip-{config.dataset}"

    @classmethod
    def load(cls, folder: Path, *, device: str = "cpu", trained_on: str | None = None) -> SmallClip:
        """Read `config.json` and `model.safetensors` of a training run.

        Args:
            folder: of the run.
            device: where the network runs.
            trained_on: name of its training data in rows; None: as the configuration says.

        Raises:
            FileNotFoundError: one of them is not there.
            ValueError: the weights are of another configuration, or damaged.
        """
        path = folder / "config.json"
        config = from_dict(ClipConfig, read_task(path, "clip"), where=str(path))
        weights = {
            name.removeprefix(TRAINED_PREFIX): tensor
            for name, tensor in load_weights(folder / "model.safetensors").items()
            if name.startswith(TRAINED_PREFIX)
        }
        network = load_network(lambda: build_clip(config), weights, source=folder)
        config = replace(config, dataset=trained_on or config.dataset)
        return cls(config, network, device=device)

    @property
    def device(self) -> torch.device:
        """Where the network runs."""
        return self.network.text_projection.device

    @torch.no_grad()
    def cosines(self, images: Tensor, captions: Sequence[str]) -> TextMatch:
        """Cosine of each uint8 image (B, 3, H, W) and its caption.

        Raises:
            ValueError: images of another size than it was trained for.
        """
        tokens, too_long = self._tokenizer(captions)
        pictures = to_float(images)
        parts = []
        for start in range(0, len(images), CHUNK):
            part = slice(start, start + CHUNK)
            text = caption_features(self.network, tokens[part].to(self.device))  # (b, E)
            seen = self.image_features(pictures[part].to(self.device))
            parts.append((seen * text).sum(-1).cpu())  # (b,)
        return TextMatch(torch.cat(parts).float().numpy(), too_long)

    def image_features(self, images: Tensor) -> Tensor:
        """Unit features (B, E) of float images [-1, 1] (B, 3, H, W), with a gradient by the images.

        Raises:
            ValueError: images of another size than it was trained for.
        """
        self.check_size(tuple(images.shape[-2:]))
        return self.network.encode_image(images, normalize=True)

    def check_size(self, size: tuple[int, ...]) -> None:
        """Refuse images of another size than it was trained for.

        Raises:
            ValueError: says how to train one.
        """
        if size != self.config.image_size:
            raise ValueError(
                f"{self.name}: expected images of {self.config.image_size}, got {size}; train a "
                f"clip at that size (gcdp-bench train clip --size {by(size)}) and give --clip"
            )

    @torch.no_grad()
    def text_features(self, captions: Sequence[str]) -> Tensor:
        """Unit features (B, E); of a caption, the first `context_length` tokens are read."""
        tokens, _ = self._tokenizer(captions)
        parts = [
            self.network.encode_text(part.to(self.device), normalize=True).cpu()
            for part in tokens.split(CHUNK)
        ]
        return torch.cat(parts)  # (B, E)

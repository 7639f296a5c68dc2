"""The frozen CLIP that conditions and teaches Lafite: one space for images and captions."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from gcdp_bench.core.config import read_task, write_json
from gcdp_bench.core.device import device_of
from gcdp_bench.core.images import Size, resize_images
from gcdp_bench.extractors.clip import SmallClip
from gcdp_bench.extractors.clip_standard import openai_weights
from gcdp_bench.extractors.weights import tensors_digest
from gcdp_bench.training.checkpoint import load_weights, save_weights
from gcdp_bench.training.loading import load_known

FOLDER = "clip"  # in the folder of a trained Lafite
FILES = ("config.json", "model.safetensors")
STANDARD = "ViT-B-32"  # open_clip's name of the CLIP that Zhou et al. 2022 take
STANDARD_KIND = "clip-standard"
CHUNK = 64


class ClipTeacher(Protocol):
    """A CLIP whose features Lafite reads and is taught by."""

    digest: str  # of its weights
    width: int  # E of its features

    def image(self, images: Tensor) -> Tensor:
        """Unit features (B, E) of float images [-1, 1] (B, 3, H, W), with a gradient by the images.

        The whole image is resized to the network's input, whatever its aspect.
        """
        ...

    def text(self, captions: Sequence[str]) -> Tensor:
        """Unit features (B, E) of captions, on the processor."""
        ...

    def export(self, folder: Path) -> None:
        """Write what `load_teacher` reads, beside the weights of a generator."""
        ...


class SmallTeacher:
    """A CLIP trained by `gcdp-bench train lafite-clip`."""

    def __init__(self, clip: SmallClip, folder: Path):
        self.digest, self.width = clip.digest, clip.config.embed_dim
        self._clip, self._folder = clip, folder

    def image(self, images: Tensor) -> Tensor:
        """See `ClipTeacher.image`."""
        self._clip.network.to(images.device)
        return self._clip.image_features(resize_images(images, self._clip.config.image_size))

    def text(self, captions: Sequence[str]) -> Tensor:
        """See `ClipTeacher.text`."""
        return self._clip.text_features(captions)

    def export(self, folder: Path) -> None:
        """See `ClipTeacher.export`: the same files, so that the digest is the same."""
        if folder.resolve() == self._folder.resolve():
            return
        folder.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            shutil.copyfile(self._folder / name, folder / name)


class StandardTeacher:
    """OpenAI's CLIP ViT-B/32, which Zhou et al. 2022 take, by open_clip.

    Two things differ from the authors' program: it crops a random part of the image, and resizes
    by bicubic interpolation; here the whole image is resized by the project's one filter.
    """

    def __init__(self, network: nn.Module):
        """Wrap a network that has its weights."""
        from open_clip import get_model_preprocess_cfg
        from open_clip.tokenizer import SimpleTokenizer
        from open_clip.transform import PreprocessCfg

        self._network: Any = network.eval().requires_grad_(False)
        settings = PreprocessCfg(**get_model_preprocess_cfg(network))
        side = settings.size
        self._size: Size = (side, side) if isinstance(side, int) else (side[0], side[1])
        self._mean, self._std = (
            torch.tensor(value)[:, None, None] for value in (settings.mean, settings.std)
        )  # (3, 1, 1)
        self._tokenizer = SimpleTokenizer(context_length=self._network.context_length)
        self.width: int = self._network.visual.output_dim
        self.digest = tensors_digest(network.state_dict())

    def image(self, images: Tensor) -> Tensor:
        """See `ClipTeacher.image`."""
        self._network.to(images.device)
        pixels = (resize_images(images, self._size) + 1) / 2  # (B, 3, S, S) in [0, 1]
        mean, std = self._mean.to(images.device), self._std.to(images.device)
        return self._network.encode_image((pixels - mean) / std, normalize=True)

    @torch.no_grad()
    def text(self, captions: Sequence[str]) -> Tensor:
        """See `ClipTeacher.text`; of a caption, the first 77 tokens are read."""
        device = device_of(self._network)
        tokens = self._tokenizer(list(captions))  # (B, 77)
        parts = [
            self._network.encode_text(part.to(device), normalize=True).cpu()
            for part in tokens.split(CHUNK)
        ]
        return torch.cat(parts)

    def export(self, folder: Path) -> None:
        """See `ClipTeacher.export`."""
        save_weights(folder / "model.safetensors", self._network.state_dict())
        write_json(folder / "config.json", {"task": {"kind": STANDARD_KIND, "model": STANDARD}})


def load_teacher(path: Path) -> ClipTeacher:
    """Read a folder of `train lafite-clip` or of `ClipTeacher.export`, or OpenAI's weights.

    Raises:
        ValueError: a file is damaged, or of another network.
    """
    if path.is_file():
        return _standard(openai_weights(path), path)
    task = read_task(path / "config.json")
    if task.get("kind") == STANDARD_KIND:
        return _standard(load_weights(path / "model.safetensors"), path)
    if "clip" not in task:
        raise ValueError(
            f"{path}: expected a CLIP, got a network of kind {task.get('kind', 'unknown')}; give a "
            "folder of `gcdp-bench train lafite-clip`"
        )
    return SmallTeacher(SmallClip.load(path), path)


def _standard(weights: dict[str, Tensor], source: Path) -> StandardTeacher:
    import open_clip

    def build() -> nn.Module:
        device = torch.get_default_device()
        return open_clip.create_model(
            STANDARD, pretrained=None, force_quick_gelu=True, device=device
        )

    remedy = f"give OpenAI's weights of {STANDARD} (ViT-B-32.pt)"
    return StandardTeacher(load_known(build, weights, source=source, remedy=remedy))

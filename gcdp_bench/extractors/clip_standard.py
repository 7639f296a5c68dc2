"""OpenAI's CLIP ViT-L/14 at 336 pixels, the paper's extractor of text, and its image features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gcdp_bench.core.types import TextMatch
from gcdp_bench.extractors.checkpoints import read_checkpoint
from gcdp_bench.extractors.clip_text import caption_features
from gcdp_bench.extractors.registry import find_weights, weight_spec
from gcdp_bench.extractors.torchscript import torchscript_tensors
from gcdp_bench.extractors.weights import file_digest
from gcdp_bench.training.loading import load_known

NAME = "clip-vit-l-14-336"
MODEL = "ViT-L-14-336"  # open_clip's configuration
CHUNK = 32
NOT_WEIGHTS = ("input_resolution", "context_length", "vocab_size")  # of OpenAI's archives


class StandardClip:
    """A CLIP of open_clip with its own preprocessing: an `ImageTextScorer`.

    The preprocessing resizes the short side to the network's size with Pillow's bicubic filter and
    crops the centre: of a 256x512 image the outer quarters are not seen.
    """

    def __init__(self, network: nn.Module, *, name: str, digest: str, device: str = "cpu"):
        """Wrap a network that has its weights.

        Args:
            network: an `open_clip.CLIP`, which knows its preprocessing.
            name: as the extractor column says it.
            digest: hash of the weights.
            device: where the network runs, in float32.
        """
        from open_clip import get_model_preprocess_cfg
        from open_clip.tokenizer import SimpleTokenizer
        from open_clip.transform import PreprocessCfg, image_transform_v2

        self._device = torch.device(device)
        self.network: Any = network.eval().requires_grad_(False).to(self._device)
        settings = PreprocessCfg(**get_model_preprocess_cfg(network))
        self._preprocess: Any = image_transform_v2(settings, is_train=False)
        self._tokenizer = SimpleTokenizer(context_length=self.network.context_length)
        side = settings.size if isinstance(settings.size, int) else min(settings.size)
        self.name, self.digest = name, digest
        self.resizer = f"pil-{settings.interpolation}-{settings.resize_mode}-{side}-crop"

    @classmethod
    def load(cls, path: Path | None = None, *, device: str = "cpu") -> StandardClip:
        """ViT-L/14-336 with OpenAI's weights: `path`, else those in the user's weights store.

        Raises:
            FileNotFoundError: there are none; says where to get them.
            ValueError: they are damaged, or of another network.
        """
        file = find_weights(NAME, path)
        remedy = f"give OpenAI's weights of {MODEL}: {weight_spec(NAME).how}"
        network = load_known(build_network, openai_weights(file), source=file, remedy=remedy)
        return cls(network, name=NAME, digest=file_digest(file), device=device)

    @torch.no_grad()
    def cosines(self, images: Tensor, captions: Sequence[str]) -> TextMatch:
        """Cosine of each image and its caption; only the first 77 tokens of a caption are read.

        Args:
            images: (B, 3, H, W), uint8, or float in [0, 1] as `torchvision` reads them. Floats are
                brought to the nearest of the 256 levels first, so both forms of a picture give the
                same value.
            captions: one for each image.

        Raises:
            ValueError: floats outside [0, 1], or another number of captions.
        """
        if len(images) != len(captions):
            raise ValueError(f"expected a caption per image, got {len(captions)} for {len(images)}")
        tokens = self._tokenizer(list(captions))  # (B, L)
        image = self.embed(images)  # (B, E)
        text = torch.cat(
            [
                caption_features(self.network, part.to(self._device)).float().cpu()
                for part in tokens.split(CHUNK)
            ]
        )  # (B, E)
        too_long = np.array([self.num_tokens(text) > tokens.shape[1] for text in captions])
        return TextMatch((image * text).sum(-1).numpy(), too_long)

    @torch.no_grad()
    def embed(self, images: Tensor) -> Tensor:
        """Image embeddings of length 1, float32 (B, E); `images` as in `cosines`."""
        embeddings = [
            self.network.encode_image(self.pixels(chunk).to(self._device), normalize=True)
            for chunk in images.split(CHUNK)
        ]
        return torch.cat(embeddings).float().cpu()

    def pixels(self, images: Tensor) -> Tensor:
        """The network's input, float32 (B, 3, S, S); `images` as in `cosines`."""
        from torchvision.transforms.functional import to_pil_image

        return torch.stack([self._preprocess(to_pil_image(image)) for image in as_uint8(images)])

    def num_tokens(self, caption: str) -> int:
        """Tokens of a caption, start and end included."""
        return len(self._tokenizer.encode(caption)) + 2


class ClipFeatures:
    """The image embeddings of a `StandardClip`: the `FeatureExtractor` of CMMD.

    CMMD's program crops the square centre and then resizes it; here it is resized and then
    cropped. Square images are treated alike, others differ along the edge of the crop.
    """

    protocol = "cmmd"

    def __init__(self, clip: StandardClip):
        """Use the network of `clip`, which is not loaded again."""
        self._clip = clip
        self.name, self.digest, self.resizer = clip.name, clip.digest, clip.resizer

    def features(self, images: Tensor) -> Tensor:
        """uint8 (B, 3, H, W) to float32 (B, 768) of length 1."""
        return self._clip.embed(images)


def build_network() -> nn.Module:
    """The architecture without its weights; QuickGELU, as OpenAI trained it."""
    import open_clip

    return open_clip.create_model(
        MODEL, pretrained=None, force_quick_gelu=True, device=torch.get_default_device()
    )


def openai_weights(path: Path) -> dict[str, Tensor]:
    """Weights of OpenAI's TorchScript archive, or of a file with the same tensors alone.

    Raises:
        ValueError: neither of the two, or damaged.
    """
    archive = torchscript_tensors(path)
    state: Any = archive if archive is not None else read_checkpoint(path, expected="CLIP weights")
    if isinstance(state, Mapping) and isinstance(state.get("state_dict"), Mapping):
        state = state["state_dict"]
    if not isinstance(state, Mapping) or not all(
        isinstance(k, str) and isinstance(v, Tensor) for k, v in state.items()
    ):
        raise ValueError(
            f"{path}: expected CLIP weights (names and tensors), got {type(state).__name__}; give "
            "OpenAI's ViT-L-14-336px.pt"
        )
    return {name: value for name, value in state.items() if name not in NOT_WEIGHTS}


def as_uint8(images: Tensor) -> Tensor:
    """uint8 images as they are; floats in [0, 1] at the nearest of the 256 levels.

    Raises:
        ValueError: another dtype, or values outside [0, 1].
    """
    if images.dtype == torch.uint8:
        return images
    if not images.is_floating_point():
        raise ValueError(f"images: expected uint8, or float in [0, 1], got {images.dtype}")
    if not bool(((images >= 0) & (images <= 1)).all()):
        raise ValueError(
            f"images: expected floats in [0, 1], got {float(images.min()):g} to "
            f"{float(images.max()):g}; give uint8 pixels"
        )
    return (images * 255).round().to(torch.uint8)

"""DINOv2 ViT-L/14 features (Oquab et al. 2023), as dgm-eval compares distributions in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gcdp_bench.extractors.hugging_face import check_settings, load_strictly
from gcdp_bench.extractors.registry import find_weights
from gcdp_bench.extractors.weights import tensors_digest

NAME = "dinov2-vit-l-14"
SIDE = 224  # pixels
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, of pixels 0..1
GRID_OFFSET = 0.1  # of DINOv2's own program, when it resizes the grid of positions
CHUNK = 32
SETTINGS = (
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "hidden_act",
    "layer_norm_eps",
    "patch_size",
    "image_size",
)
REMEDY = "give the folder of facebook/dinov2-large"


class DinoV2:
    """A `FeatureExtractor`: the class token after the last layer norm.

    Images are squashed to 224x224 with Pillow's bicubic filter (antialiased, rounded to uint8), as
    dgm-eval does (Stein et al. 2023). The grid of positions, learned at 518 pixels, is resized as
    DINOv2's own program does it, not as transformers does.
    """

    name = NAME
    protocol = "dinov2"
    resizer = f"pil-bicubic-{SIDE}-uint8"

    def __init__(self, network: nn.Module, *, digest: str, device: str = "cpu"):
        """Wrap a `transformers.Dinov2Model` that has its weights; float32 on `device`."""
        self._device = torch.device(device)
        self.network: Any = network.eval().requires_grad_(False).to(self._device)
        fit_positions(self.network, SIDE // self.network.config.patch_size)
        self.digest = digest

    @classmethod
    def load(cls, path: Path | None = None, *, device: str = "cpu") -> DinoV2:
        """Read `config.json` and `model.safetensors` of a folder in Hugging Face's format.

        Args:
            path: the folder (facebook/dinov2-large), else the one in the user's weights store.
            device: where the network runs.

        Raises:
            FileNotFoundError: there is none; says where to get it.
            ValueError: tensors are missing, left over or of another shape.
        """
        network = read_dinov2(find_weights(NAME, path))
        return cls(network, digest=tensors_digest(network.state_dict()), device=device)

    @torch.no_grad()
    def features(self, images: Tensor) -> Tensor:
        """uint8 (B, 3, H, W), any size, to float32 (B, 1024) on the CPU."""
        tokens = [
            self.network(pixel_values=self.pixels(chunk).to(self._device)).pooler_output
            for chunk in images.split(CHUNK)
        ]
        return torch.cat(tokens).float().cpu()

    def pixels(self, images: Tensor) -> Tensor:
        """The network's input, float32 (B, 3, 224, 224)."""
        from PIL import Image

        small = [
            Image.fromarray(image.permute(1, 2, 0).contiguous().numpy()).resize(
                (SIDE, SIDE), Image.Resampling.BICUBIC
            )
            for image in images.cpu()
        ]
        levels = torch.from_numpy(np.stack([np.asarray(image) for image in small]))
        pixels = levels.permute(0, 3, 1, 2).contiguous().float() / 255  # (B, 3, 224, 224)
        mean, std = (torch.tensor(values).view(3, 1, 1) for values in (MEAN, STD))
        return (pixels - mean) / std


def read_dinov2(folder: Path) -> nn.Module:
    """A `transformers.Dinov2Model`, strictly loaded; nothing is fetched.

    Raises:
        FileNotFoundError: no `config.json`.
        ValueError: not a DINOv2, a setting that its tensors do not tell is missing, or tensors are
            missing, left over or of another shape.
    """
    from transformers import Dinov2Model

    check_settings(folder, ("dinov2",), SETTINGS, remedy=REMEDY)
    return load_strictly(
        Dinov2Model, folder, remedy=REMEDY, attn_implementation="sdpa", dtype=torch.float32
    )


def fit_positions(network: Any, num: int) -> None:
    """Resize the learned grid of positions to `num` x `num` patches, in place.

    DINOv2's program asks for a scale of (num + 0.1) / old, which lays the bicubic grid slightly
    differently than asking for `num` patches does, and its features follow that.
    """
    embeddings = network.embeddings
    positions = embeddings.position_embeddings  # (1, 1 + old^2, D)
    old = round((positions.shape[1] - 1) ** 0.5)
    if old != num:
        grid = positions[:, 1:].unflatten(1, (old, old)).permute(0, 3, 1, 2)  # (1, D, old, old)
        scale = (num + GRID_OFFSET) / old
        grid = F.interpolate(grid, scale_factor=(scale, scale), mode="bicubic")
        assert grid.shape[-2:] == (num, num)
        positions = torch.cat([positions[:, :1], grid.flatten(2).mT], 1)  # (1, 1 + num^2, D)
        embeddings.position_embeddings = nn.Parameter(positions, requires_grad=False)

"""A GANformer, resolved, and the folder that a trained one lies in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from baselines.gansformer.config import NetworkConfig
from baselines.gansformer.generator_network import GansformerGenerator
from baselines.trained import CONFIG, WEIGHTS, read_task
from gcdp_bench.core.config import from_dict
from gcdp_bench.core.images import Size
from gcdp_bench.training.checkpoint import save_weights
from gcdp_bench.training.loading import load_network


@dataclass(frozen=True, kw_only=True)
class GansformerConfig:
    """Networks and learning of a GANformer: written beside its weights, needed to use them."""

    dataset: str  # what it is trained on
    class_names: tuple[str, ...]
    network: NetworkConfig
    r1_gamma: float  # the gradient penalty at real images has weight gamma / 2
    r1_every: int = 16  # steps; its weight is multiplied by it
    augment: Literal["none", "diffaugment", "ada"]  # of what the discriminator sees
    ada_ramp_images: int = 500_000  # in which the chance of "ada" can go from 0 to 1
    style_mixing: float = 0.9  # share of images whose latents come from two z
    horizontal_flip: bool = True

    def __post_init__(self):
        if not 0 <= self.style_mixing <= 1:
            raise ValueError(f"style_mixing: expected 0 to 1, got {self.style_mixing}")
        if self.r1_gamma < 0:
            raise ValueError(f"r1_gamma: expected 0 or more, got {self.r1_gamma}")
        for name in ("r1_every", "ada_ramp_images"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: expected at least 1, got {getattr(self, name)}")
        if self.augment not in ("none", "diffaugment", "ada"):
            raise ValueError(f"augment: expected none, diffaugment or ada, got {self.augment!r}")

    @property
    def image_size(self) -> Size:
        """(height, width) of the samples."""
        return self.network.image_size


def write_gansformer(folder: Path, network: GansformerGenerator) -> None:
    """Write `model.safetensors`, the generator alone."""
    save_weights(folder / WEIGHTS, network.state_dict())


def read_gansformer(folder: Path) -> tuple[GansformerConfig, GansformerGenerator]:
    """Read what training wrote, `config.json` and `model.safetensors`; the network is frozen.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: it is another model, or a file is damaged.
    """
    task = read_task(folder, model="gansformer", key="gansformer", files=(CONFIG, WEIGHTS))
    config = from_dict(GansformerConfig, task["gansformer"], where=str(folder / CONFIG))
    network = load_network(
        lambda: GansformerGenerator(config.network), folder / WEIGHTS, source=folder
    )
    return config, network.eval().requires_grad_(False)

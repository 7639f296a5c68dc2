"""A Lafite, resolved, and the folder that a trained one lies in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from baselines.lafite.clip_features import FOLDER, ClipTeacher, load_teacher
from baselines.lafite.config import NetworkConfig
from baselines.lafite.generator_network import LafiteGenerator
from baselines.trained import CONFIG, WEIGHTS, read_task
from gcdp_bench.core.config import from_dict
from gcdp_bench.core.images import Size
from gcdp_bench.training.checkpoint import save_weights
from gcdp_bench.training.loading import load_network


@dataclass(frozen=True, kw_only=True)
class LafiteLossConfig:
    """Weights of the terms beside the adversarial one, which has weight 1."""

    image_text_weight: float  # itc: CLIP's features of generated images against the text
    feature_text_weight: float  # itd: the discriminator's features f_s against the text
    r1_gamma: float  # the gradient penalty at real images has weight gamma / 2
    r1_every: int = 16  # steps; its weight is multiplied by it
    path_weight: float = 0.0  # path length penalty of the generator; 0: off
    path_every: int = 4  # steps; its weight is multiplied by it
    tau: float = 0.5  # temperature of the contrastive terms
    sharpened: bool = False  # contrastive terms as in the authors' program, see `contrastive`

    def __post_init__(self):
        for name in ("r1_every", "path_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"loss.{name}: expected at least 1, got {getattr(self, name)}")
        for name in ("image_text_weight", "feature_text_weight", "r1_gamma", "path_weight"):
            if getattr(self, name) < 0:
                raise ValueError(f"loss.{name}: expected 0 or more, got {getattr(self, name)}")
        if self.tau <= 0:
            raise ValueError(f"loss.tau: expected above 0, got {self.tau}")


@dataclass(frozen=True, kw_only=True)
class LafiteConfig:
    """Networks, text and learning of a Lafite: written beside its weights, needed to use them."""

    dataset: str  # what it is trained on
    class_names: tuple[str, ...]
    network: NetworkConfig
    loss: LafiteLossConfig
    augment: Literal["none", "diffaugment", "ada"]  # of what the discriminator sees
    clip: str | None = None  # path of the teacher; None: `train lafite-clip`'s of the dataset
    mixing_prob: float = 0.0  # share of images whose text is a pseudo feature; 1: language-free
    style_mixing: float = 0.9  # share of images whose styles come from two z
    ada_ramp_images: int = 500_000  # in which the chance of "ada" can go from 0 to 1
    horizontal_flip: bool = True  # only where no caption speaks of left and right

    def __post_init__(self):
        for name in ("mixing_prob", "style_mixing"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name}: expected 0 to 1, got {getattr(self, name)}")
        if self.ada_ramp_images < 1:
            raise ValueError(f"ada_ramp_images: expected at least 1, got {self.ada_ramp_images}")

    @property
    def image_size(self) -> Size:
        """(height, width) of the samples."""
        return self.network.image_size


@dataclass(frozen=True)
class TrainedLafite:
    """The parts of a trained Lafite; networks are frozen."""

    config: LafiteConfig
    network: LafiteGenerator
    teacher: ClipTeacher


def write_lafite(folder: Path, network: LafiteGenerator, teacher: ClipTeacher) -> None:
    """Write `model.safetensors`, the generator alone, and `clip/`, which reads its captions."""
    teacher.export(folder / FOLDER)
    save_weights(folder / WEIGHTS, network.state_dict())


def read_lafite(folder: Path) -> TrainedLafite:
    """Read what training wrote: `config.json`, `model.safetensors` and `clip/`.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: it is another model, its parts do not fit each other, or a file is damaged.
    """
    files = (CONFIG, WEIGHTS, f"{FOLDER}/{CONFIG}")
    task = read_task(folder, model="lafite", key="lafite", files=files)
    config = from_dict(LafiteConfig, task["lafite"], where=str(folder / CONFIG))
    network = load_network(lambda: LafiteGenerator(config.network), folder / WEIGHTS, source=folder)
    teacher = load_teacher(folder / FOLDER)
    check_teacher(folder / FOLDER, config, teacher)
    return TrainedLafite(config, network.eval().requires_grad_(False), teacher)


def check_teacher(path: Path, config: LafiteConfig, teacher: ClipTeacher) -> None:
    """Refuse a CLIP whose features the networks cannot read.

    Raises:
        ValueError: their width differs.
    """
    if teacher.width != config.network.text_dim:
        raise ValueError(
            f"{path}: expected CLIP features of width {config.network.text_dim}, got "
            f"{teacher.width}; give another CLIP or set lafite.network.text_dim={teacher.width}"
        )

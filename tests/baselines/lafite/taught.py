"""A Lafite small enough to train in a test, and a CLIP that teaches it."""

from dataclasses import replace
from pathlib import Path

import torch

from baselines.lafite.clip_features import SmallTeacher, load_teacher
from baselines.lafite.model import LafiteConfig, LafiteLossConfig
from gcdp_bench.core.config import to_dict, write_json
from gcdp_bench.extractors.clip import ClipConfig, build_clip
from gcdp_bench.extractors.clip_training import TEACHER
from gcdp_bench.training.checkpoint import save_weights
from tests.baselines.lafite.small import CONFIG as NETWORK
from tests.reference_model.conftest import NAMES, Stripes

SIZE = (16, 32)
LOSS = LafiteLossConfig(
    image_text_weight=3.0,
    feature_text_weight=5.0,
    r1_gamma=2.0,
    r1_every=2,
    path_weight=2.0,
    path_every=3,
)
LAFITE = LafiteConfig(
    dataset="stripes", class_names=NAMES, network=NETWORK, loss=LOSS, augment="diffaugment"
)

REMEMBERING = replace(LAFITE, augment="ada", ada_ramp_images=20, mixing_prob=0.5)
"""With everything that is remembered from step to step."""


class WideStripes(Stripes):
    def __init__(self, split="train"):
        super().__init__(split=split, image_size=SIZE)


def clip_config(embed_dim: int = 6) -> ClipConfig:
    """For images of half the size, so that the teacher has to resize."""
    found = TEACHER.resolve(WideStripes()).config
    return replace(
        found,
        image_size=(8, 16),
        width=32,
        layers=1,
        head_width=16,
        embed_dim=embed_dim,
        context_length=8,
    )


def write_clip(folder: Path, seed: int = 0, embed_dim: int = 6) -> Path:
    """A run folder of `train lafite-clip` with random weights."""
    config = clip_config(embed_dim)
    torch.manual_seed(seed)
    weights = {f"clip.{name}": t for name, t in build_clip(config).state_dict().items()}
    save_weights(folder / "model.safetensors", weights)
    write_json(folder / "config.json", {"task": {"kind": "clip", "clip": to_dict(config)}})
    return folder


def teacher(folder: Path) -> SmallTeacher:
    found = load_teacher(folder)
    assert isinstance(found, SmallTeacher)
    return found


def images(num: int = 6) -> torch.Tensor:
    """uint8 (N, 3, 16, 32)."""
    return torch.stack([WideStripes()[index].image for index in range(num)])

"""A stage small enough to sample in a test, of every kind."""

from dataclasses import dataclass, replace

import pytest
import torch

from gcdp_bench.core.types import IGNORE_ID, Triplet
from reference_model.joint import JointProcess, Pair, ProcessConfig
from reference_model.outpainting import KnownRegion
from reference_model.schedules import ScheduleConfig
from reference_model.stage import LowResConfig, Stage, StageConfig
from reference_model.text import TextConfig
from reference_model.unet import UNet, UNetConfig

TEXT = TextConfig(encoder="hash-ngram", dim=16, max_tokens=6)
NAMES = ("sky", "road", "car")
BASE_UNET = UNetConfig(
    num_classes=3,
    text_dim=16,
    dim=8,
    dim_mults=(1, 2),
    num_blocks=(1, 1),
    self_attention=(False, True),
    cross_attention=(False, True),
    attention_heads=2,
    attention_head_dim=4,
    cond_dim=8,
    num_text_latents=2,
    max_text_tokens=6,
    groups=4,
    init_kernels=(3,),
)
COSINE = ScheduleConfig(name="cosine", num_steps=50)


@dataclass
class Stripes:
    """Sky over road, the horizon at the example's height; cars in some."""

    split: str = "train"
    name: str = "stripes"
    class_names: tuple[str, ...] = NAMES
    image_size: tuple[int, int] = (16, 16)

    def __len__(self):
        return 6

    def __getitem__(self, index):
        layout = torch.zeros(self.image_size, dtype=torch.uint8)
        layout[6 + index :] = 1
        if index % 2:
            layout[10:13, 4:9] = 2
        image = torch.stack([layout * 100, 200 - layout * 60, 80 + layout * 10])
        return Triplet(f"{index}", image, layout, "sky and road" + " and cars" * (index % 2))

    def caption_classes(self, caption):
        return frozenset({0, 1} | ({2} if "car" in caption else set()))


def base_config(*, layouts: bool = True) -> StageConfig:
    classes = 3 if layouts else None
    return StageConfig(
        dataset="stripes",
        class_names=NAMES,
        image_size=(8, 8),
        unet=replace(BASE_UNET, num_classes=classes),
        process=ProcessConfig(image_schedule=COSINE, layout_schedule=COSINE, num_classes=classes),
        text=TEXT,
    )


def sr_config(*, layouts: bool = True) -> StageConfig:
    base = base_config(layouts=layouts)
    return replace(
        base,
        image_size=(16, 16),
        unet=replace(base.unet, low_res=True, patch=2, stem_skip=True),
        low_res=LowResConfig(
            size=(8, 8),
            schedule=ScheduleConfig(name="linear", num_steps=50),
            train_levels=50,
            sample_level=10,
        ),
        crop=(8, 8),
    )


def build_stage(config: StageConfig, seed: int = 0) -> Stage:
    """Stage with random weights, its zero-initialised heads too."""
    torch.manual_seed(seed)
    network = UNet(config.unet)
    for parameter in network.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.1)
    return Stage(config, network.eval().requires_grad_(False), JointProcess(config.process))


def of_layouts(layouts: torch.Tensor) -> KnownRegion:
    """Layouts (B, H, W) with nothing of their images; pixels without a class are unknown."""
    images = torch.zeros(len(layouts), 3, *layouts.shape[1:])
    labelled = layouts != IGNORE_ID  # (B, H, W)
    return KnownRegion(Pair(images, layouts.long()), torch.zeros_like(labelled), labelled)


@pytest.fixture
def stripes():
    return Stripes()


@pytest.fixture(params=[True, False], ids=["joint", "image-only"])
def layouts(request):
    return request.param

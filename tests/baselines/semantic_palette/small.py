"""Networks small enough to train in a test, on 8 x 16 images of stripes."""

from dataclasses import replace
from pathlib import Path

import torch

from baselines.semantic_palette.config import (
    GrowthConfig,
    ImageConfig,
    ImageNetworkConfig,
    LayoutConfig,
    LayoutNetworkConfig,
)
from baselines.semantic_palette.image_generator import ImageGenerator
from baselines.semantic_palette.layout_generator import LayoutGenerator
from baselines.semantic_palette.model import TrainedLayouts, write_images, write_layouts_copy
from baselines.semantic_palette.palettes import Mixture, Palettes
from gcdp_bench.core.config import to_dict, write_json
from gcdp_bench.core.progress import Silent
from gcdp_bench.core.types import IGNORE_ID, Triplet
from gcdp_bench.training.loop import TrainingConfig, train

NAMES = ("sky", "road", "left eye", "right eye")
SIZE = (8, 16)
LAYOUTS = LayoutConfig(
    dataset="stripes",
    class_names=NAMES,
    network=LayoutNetworkConfig(start_size=(2, 4), channels=(8, 6), z_dim=5),
    growth=GrowthConfig(fade_steps=2, stable_steps=1),
    max_components=2,
    blur_sigma_px=0.7,
)
IMAGES = ImageConfig(
    dataset="stripes",
    class_names=NAMES,
    network=ImageNetworkConfig(
        image_size=SIZE,
        channels=(8, 6),
        blocks=(1, 2),
        hidden=4,
        z_dim=5,
        patch_channels=(4, 6),
        num_scales=2,
    ),
)
TRAINING = TrainingConfig(
    steps=4,
    batch_size=4,
    learning_rate=2e-3,
    warmup_steps=0,
    betas=(0.0, 0.99),
    max_grad_norm=None,
    checkpoint_every=2,
)
MIXTURE = Mixture(
    weights=(0.25, 0.75),
    means=((0.1, 0.2, 0.3, 0.4), (0.6, 0.2, 0.2, 0.0)),
    covariances=(
        tuple(tuple(1e-4 * (row == column) for column in range(4)) for row in range(4)),
        tuple(tuple(4e-4 * (row == column) for column in range(4)) for row in range(4)),
    ),
)


class EyedStripes:
    """Sky over road, the horizon at the example's height; a left eye in some, a pixel ignored."""

    name = "stripes"
    class_names = NAMES
    image_size = SIZE

    def __init__(self, split="train"):
        self.split = split

    def __len__(self):
        return 6

    def __getitem__(self, index):
        layout = torch.zeros(SIZE, dtype=torch.uint8)
        layout[1 + index :] = 1
        if index % 2:
            layout[:2, 1:4] = 2
        layout[0, 15] = IGNORE_ID
        image = torch.stack([layout * 100, 200 - layout * 60, 80 + layout * 10])
        return Triplet(f"{index}", image, layout, "sky and road")

    def caption_classes(self, caption):
        return frozenset({0, 1})


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def build(task, seed=0):
    torch.manual_seed(seed)
    return task.build()


def run(task, folder, training=TRAINING, resume=False):
    return train(task, training, folder, resume=resume, progress=Silent(), part="it", dataset="toy")


def layout_generator(seed=0) -> LayoutGenerator:
    """Fully grown, with random weights."""
    torch.manual_seed(seed)
    network = LayoutGenerator(LAYOUTS.network, len(NAMES)).eval()
    network.level.fill_(1.0)
    return network


def write_layout_folder(folder: Path, seed=0, **changes) -> Path:
    """What `train palette-layouts` leaves."""
    config = replace(LAYOUTS, **changes)
    write_layouts_copy(folder, TrainedLayouts(config, layout_generator(seed), Palettes(MIXTURE)))
    return folder


def write_whole(folder: Path, seed=0, layout_seed=0) -> Path:
    """What `train semantic-palette` leaves."""
    write_layout_folder(folder / "layouts", layout_seed)
    torch.manual_seed(seed)
    write_images(folder, ImageGenerator(IMAGES.network, len(NAMES)))
    task = {"kind": "semantic-palette", "images": to_dict(IMAGES)}
    write_json(folder / "config.json", {"task": task})
    return folder

"""Sizes, networks and data of `benchmarks.gpu`."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from gcdp_bench.core.images import Size
from gcdp_bench.core.types import Triplet
from gcdp_bench.datasets.shuffled import Shuffled
from reference_model.joint import JointProcess, Pair
from reference_model.presets import PRESETS, Preset, stage_config
from reference_model.sampler import sample
from reference_model.stage import Stage
from reference_model.task import StageTask
from reference_model.text import HashNgramEncoder, TextConfig
from reference_model.unet import UNet

DATASETS = {"paper-celeba": (19, 1.0), "paper-cityscapes": (20, 0.5)}
"""Preset -> classes, and height / width of images."""

FULL_STEPS = 100  # of which a few are measured
GUIDANCE = {"base": 2.0, "sr": 1.0}
CAPTION = "a car and two people on a street"


@dataclass(frozen=True)
class Setup:
    """Where and how large."""

    device: str
    tiny: bool
    authors: Path | None = None

    def of(self, paper: Any, tiny: Any) -> Any:
        """One of two sizes."""
        return tiny if self.tiny else paper

    def preset(self, name: str) -> Preset:
        """The preset with captions that need no weights, as many and as wide as T5's."""
        preset = PRESETS[name]
        if not self.tiny:
            return replace(preset, text=TextConfig(dim=1024, max_tokens=256))
        small = {
            "dim": 8,
            "dim_mults": (1,),
            "num_blocks": (1,),
            "self_attention": (False,),
            "cross_attention": (True,),
            "attention_heads": 2,
            "attention_head_dim": 8,
            "num_text_latents": 2,
            "max_text_tokens": 8,
            "init_kernels": (3,),
        }
        parts = {
            stage: replace(part, unet=replace(part.unet, **small))
            for stage, part in (("base", preset.base), ("sr", preset.sr))
        }
        return replace(preset, width=16, text=TextConfig(dim=8, max_tokens=8), **parts)

    def wait(self) -> None:
        """Until the device has done all."""
        if self.device == "cuda":
            torch.cuda.synchronize()

    def seconds(self, run: Callable[[], object], repeat: int = 1) -> float:
        """Wall time of one of `repeat` calls, after one that is not counted."""
        run()
        self.wait()
        start = time.perf_counter()
        for _ in range(repeat):
            run()
        self.wait()
        return (time.perf_counter() - start) / repeat

    def autocast(self, precision: str) -> torch.autocast:
        """bfloat16 in products and convolutions, or nothing."""
        return torch.autocast(self.device, torch.bfloat16, enabled=precision == "bf16")


class RandomPairs:
    """A dataset of noise: as many items as a batch has."""

    name, split = "random", "train"

    def __init__(self, num: int, num_classes: int, size: Size):
        self.class_names = tuple(f"class {index}" for index in range(num_classes))
        self.image_size, self._num = size, num

    def __len__(self) -> int:
        return self._num

    def __getitem__(self, index: int) -> Triplet:
        source = torch.Generator().manual_seed(index)
        image = torch.randint(256, (3, *self.image_size), generator=source, dtype=torch.uint8)
        layout = torch.randint(len(self.class_names), self.image_size, generator=source)
        return Triplet(str(index), image, layout.to(torch.uint8), CAPTION)

    def caption_classes(self, caption: str) -> frozenset[int]:
        """None."""
        return frozenset()


class First(Shuffled):
    """The first items of a split in its seeded order."""

    def __init__(self, dataset: Any, num: int | None):
        super().__init__(dataset)
        self._order = self._order[:num]


def task_of(setup: Setup, name: str, stage: str, num: int) -> StageTask:
    """Training of a preset's stage on `num` random pairs."""
    preset = setup.preset(name)
    num_classes, aspect = DATASETS[name]
    data = RandomPairs(num, num_classes, preset.image_size(aspect))
    config = stage_config(preset, stage, data, layouts=True)
    return StageTask(config, data, data, HashNgramEncoder(preset.text))


def build(setup: Setup, name: str, stage: str) -> Stage:
    """A stage with random weights."""
    config = task_of(setup, name, stage, 1).config
    with torch.device(setup.device):
        network = UNet(config.unet).eval().requires_grad_(False)
    return Stage(config, network, JointProcess(config.process))


def sampler(stage: Stage, batch: int) -> Callable[[int], Pair]:
    """Draws `batch` samples in a number of steps."""
    config = stage.config
    text = HashNgramEncoder(config.text).encode([CAPTION] * batch)
    low = None
    if config.low_res is not None:
        size = (batch, *config.low_res.size)
        low = Pair(torch.rand(batch, 3, *config.low_res.size), torch.zeros(size, dtype=torch.long))
    guidance = GUIDANCE["base" if low is None else "sr"]

    def draw(num_steps: int) -> Pair:
        return sample(
            stage, text, guidance=guidance, seeds=range(batch), num_steps=num_steps, low_res=low
        )

    return draw


def images_per_second(setup: Setup, draw: Callable[[int], object], batch: int) -> float:
    """At `FULL_STEPS`, from the difference of two shorter runs: what is done once cancels."""
    few, more = setup.of((2, 8), (1, 3))
    rest = setup.seconds(lambda: draw(more)) - setup.seconds(lambda: draw(few))
    return batch * (more - few) / (rest * FULL_STEPS)

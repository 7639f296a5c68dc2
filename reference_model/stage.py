"""One stage of the cascade: everything needed to build, train and sample its network."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from gcdp_bench.core.config import from_dict, read_task
from gcdp_bench.core.device import device_of
from gcdp_bench.core.images import Size, resize_images, resize_layouts
from gcdp_bench.training.loading import load_network
from reference_model import categorical, gaussian
from reference_model.joint import JointProcess, LossConfig, Pair, ProcessConfig
from reference_model.schedules import Schedule, ScheduleConfig
from reference_model.text import EncodedText, TextConfig
from reference_model.unet import LowRes, TextCondition, UNet, UNetConfig


@dataclass(frozen=True, kw_only=True)
class LowResConfig:
    """Noise-conditioning augmentation of the low-resolution pair (Section 3.3; Ho et al. 2022)."""

    size: Size  # (height, width) of the stage below
    schedule: ScheduleConfig = field(default_factory=lambda: ScheduleConfig(name="linear"))
    train_levels: int = 1000  # training noises the pair to a step below this, drawn uniformly
    sample_level: int = 200  # step of `schedule` to which the pair is noised when sampling

    def __post_init__(self):
        if not 0 <= self.sample_level < self.train_levels <= self.schedule.num_steps:
            raise ValueError(
                f"low_res: expected 0 <= sample_level < train_levels <= {self.schedule.num_steps}, "
                f"got {self.sample_level} and {self.train_levels}"
            )


@dataclass(frozen=True, kw_only=True)
class StageConfig:
    """A stage, resolved: written beside its weights and required to use them again."""

    dataset: str  # what it was trained on
    class_names: tuple[str, ...]
    image_size: Size
    unet: UNetConfig
    process: ProcessConfig
    text: TextConfig
    loss: LossConfig = field(default_factory=LossConfig)
    low_res: LowResConfig | None = None  # None: the base stage
    text_drop: float = 0.1  # share of captions dropped in training, for classifier-free guidance;
    # 1: the stage is unconditional
    horizontal_flip: bool = True
    crop: Size | None = None  # training crops of a super-resolution stage; None: whole images

    def __post_init__(self):
        if self.unet.num_classes != self.process.num_classes:
            raise ValueError(
                f"unet.num_classes is {self.unet.num_classes} but process.num_classes is "
                f"{self.process.num_classes}; set both to the same value"
            )
        if self.unet.num_classes not in (None, len(self.class_names)):
            raise ValueError(
                f"unet.num_classes is {self.unet.num_classes}, but {self.dataset} has "
                f"{len(self.class_names)} classes"
            )
        for name, size in (("image_size", self.image_size), ("crop", self.crop)):
            if size is not None and any(side % self.unet.divisor for side in size):
                raise ValueError(
                    f"{name}: expected sides that are multiples of {self.unet.divisor}, got "
                    f"{tuple(size)}; choose another --size or fewer levels of unet"
                )
        if self.unet.low_res != (self.low_res is not None):
            raise ValueError("unet.low_res and low_res must be set together")
        if self.unet.text_dim != self.text.dim:
            raise ValueError(
                f"unet.text_dim is {self.unet.text_dim} but text.dim is {self.text.dim}; "
                f"set both to the width of the text encoder: --set text.dim={self.text.dim} --set "
                f"unet.text_dim={self.text.dim}"
            )

    @property
    def makes_layouts(self) -> bool:
        """Whether layouts are generated with the images."""
        return self.unet.num_classes is not None

    @property
    def reads_captions(self) -> bool:
        """Whether captions condition the stage; if not, it knows the null condition alone."""
        return self.text_drop < 1.0


@dataclass(frozen=True)
class Stage:
    """A network ready to sample, with its process."""

    config: StageConfig
    network: UNet
    process: JointProcess

    @property
    def device(self) -> torch.device:
        """Device of the network."""
        return device_of(self.network)

    def condition(self, text: EncodedText) -> TextCondition:
        """Condition of B captions; of an unconditional stage, the null condition."""
        if not self.config.reads_captions:
            return self.network.null_text(len(text.mask))
        text = text.to(self.device)
        return self.network.encode_text(text.tokens, text.mask)


def load_stage(folder: Path) -> Stage:
    """Read `config.json` and `model.safetensors` as the training loop or the project ships them.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: the weights are of another configuration, or a file is damaged.
    """
    if not (folder / "config.json").exists():
        raise FileNotFoundError(
            f"{folder}: expected a trained stage (config.json, model.safetensors), found none; "
            "train it with `gcdp-bench train` or give another folder"
        )
    path = folder / "config.json"
    config = from_dict(StageConfig, read_task(path, "stage"), where=str(path))
    network = load_network(lambda: UNet(config.unet), folder / "model.safetensors", source=folder)
    network.eval().requires_grad_(False)
    return Stage(config, network, JointProcess(config.process))


def upsample(pair: Pair, size: Size) -> Pair:
    """Bring a low-resolution pair to the stage's size: the project's image and layout resize."""
    layout = None if pair.layout is None else resize_layouts(pair.layout, size)
    return Pair(resize_images(pair.image, size), layout)


def noise_low_res(
    schedule: Schedule,
    pair: Pair,
    level: Tensor,
    *,
    num_classes: int | None,
    normal: Tensor,
    uniform: Tensor | None,
) -> LowRes:
    """Noise-conditioning augmentation: image and layout to step `level` of `schedule`.

    Args:
        schedule: of the augmentation, not of the stage's own process.
        pair: up-sampled low-resolution pair, image float [-1, 1] (B, 3, H, W).
        level: long (B,), 0 (clean) to the schedule's last step.
        num_classes: K, or None without layouts.
        normal: standard normal (B, 3, H, W).
        uniform: uniform [0, 1) (B, H, W), or None without layouts.
    """
    alpha_bar = schedule.alpha_bar.to(level.device)[level].float()[:, None, None]  # (B, 1, 1)
    image = gaussian.q_sample(pair.image, alpha_bar[:, None], normal)  # (B, 3, H, W)
    layout = None
    if pair.layout is not None and num_classes is not None and uniform is not None:
        layout = categorical.q_sample(pair.layout, alpha_bar, num_classes, uniform)  # (B, H, W)
    return LowRes(image, layout, schedule.log_snr.to(level.device)[level].float())


def guided(null: Tensor, conditional: Tensor, guidance: float) -> Tensor:
    """Classifier-free guidance (Ho and Salimans 2021): null + w (conditional - null)."""
    return null + guidance * (conditional - null)

"""One table of configurations: networks, sizes and training of every preset and stage."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gcdp_bench.core.images import Size
from gcdp_bench.core.types import Dataset
from gcdp_bench.datasets.sizes import require_multiples
from gcdp_bench.training.loop import TrainingConfig
from reference_model.joint import LossConfig, ProcessConfig
from reference_model.schedules import ScheduleConfig
from reference_model.stage import LowResConfig, StageConfig
from reference_model.text import TextConfig
from reference_model.unet import UNetConfig, paper_base, paper_sr

TEXT_DROP = 0.1  # for classifier-free guidance

COSINE = ScheduleConfig(name="cosine")  # both schedules of the paper (Section 4.2)
COSINE_P = ScheduleConfig(name="cosine", power=0.5)  # labels of Hoogeboom et al. 2021
LINEAR = ScheduleConfig(name="linear")


@dataclass(frozen=True, kw_only=True)
class StagePreset:
    """Network and training of one stage; `unet.num_classes` is filled in from the dataset."""

    unet: UNetConfig
    training: TrainingConfig
    crop_divisor: int = 1  # training crops of 1/divisor of each side
    low_res_levels: tuple[int, int] = (1000, 200)  # `train_levels`, `sample_level` of LowResConfig

    @property
    def size_divisor(self) -> int:
        """Sides of the stage's images are multiples of it, and those of its crops whole."""
        return self.unet.divisor * self.crop_divisor


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A cascade: width of the final image (the height follows from the dataset) and two stages."""

    width: int
    text: TextConfig
    base: StagePreset
    sr: StagePreset
    loss: LossConfig = field(default_factory=LossConfig)  # of both stages
    layout_schedule: ScheduleConfig = COSINE  # beta^c of both stages

    @property
    def is_ablation(self) -> bool:
        """Whether layouts are learned in another way than the paper's."""
        return self.loss.layout_weight != 1.0 or self.layout_schedule != COSINE

    def check_size(self, size: Size) -> None:
        """Refuse images of a size that the network does not pass.

        Raises:
            ValueError: says what is expected.
        """
        require_multiples(size, math.lcm(2 * self.base.size_divisor, self.sr.size_divisor))

    def image_size(self, aspect: float) -> Size:
        """(height, width) of the final image for `aspect` = height / width."""
        return round(self.width * aspect), self.width


HASH_TEXT = TextConfig(encoder="hash-ngram", dim=64, max_tokens=32)
T5_LARGE = TextConfig(encoder="t5", dim=1024, max_tokens=256)

TINY_UNET = UNetConfig(
    num_classes=None,
    text_dim=64,
    dim=48,
    dim_mults=(1, 2),
    num_blocks=(2, 2),
    self_attention=(False, True),
    cross_attention=(False, True),
    attention_heads=4,
    attention_head_dim=32,
    cond_dim=64,
    num_text_latents=8,
    max_text_tokens=32,
    init_kernels=(3,),
    patch=2,
    stem_skip=True,
    noise_skip=True,
    timed_detail=True,
)
SMALL_UNET = UNetConfig(
    num_classes=None,
    text_dim=64,
    dim=32,
    dim_mults=(1, 2, 4, 4),
    num_blocks=(1, 1, 2, 2),
    self_attention=(False, False, True, True),
    cross_attention=(False, False, True, True),
    attention_heads=4,
    attention_head_dim=32,
    cond_dim=64,
    num_text_latents=8,
    max_text_tokens=32,
)

# The authors' scripts: Adam 1.2e-4, constant, no clipping, 300,000 steps, EMA capped at 0.9999.
PAPER_TRAINING = TrainingConfig(
    steps=300_000,
    batch_size=8,
    learning_rate=1.2e-4,
    warmup_steps=0,
    max_grad_norm=None,
    precision="fp16",
    ema_max_decay=0.9999,
    checkpoint_every=5_000,
    validate_every=5_000,
    preview_every=5_000,
)
TINY_TRAINING = TrainingConfig(steps=20_000, batch_size=8, learning_rate=5e-4, decay="cosine")

SIZES: Mapping[str, Preset] = {
    "tiny": Preset(
        width=128,
        text=HASH_TEXT,
        base=StagePreset(unet=TINY_UNET, training=TINY_TRAINING),
        sr=StagePreset(
            unet=replace(TINY_UNET, low_res=True, dim=32, self_attention=(False, False)),
            training=replace(TINY_TRAINING, steps=14_000),
            crop_divisor=2,
            low_res_levels=(100, 8),
        ),
    ),
    "small": Preset(
        width=256,
        text=HASH_TEXT,
        base=StagePreset(
            unet=SMALL_UNET, training=replace(TINY_TRAINING, steps=100_000, learning_rate=3e-4)
        ),
        sr=StagePreset(
            unet=replace(SMALL_UNET, low_res=True, self_attention=(False,) * 4),
            training=replace(TINY_TRAINING, steps=50_000, learning_rate=3e-4),
        ),
    ),
    "paper-celeba": Preset(
        width=256,
        text=T5_LARGE,
        base=StagePreset(unet=paper_base(None), training=PAPER_TRAINING),
        sr=StagePreset(unet=paper_sr(None), training=replace(PAPER_TRAINING, batch_size=4)),
    ),
    "paper-cityscapes": Preset(
        width=512,
        text=T5_LARGE,
        base=StagePreset(unet=paper_base(None), training=PAPER_TRAINING),
        sr=StagePreset(unet=paper_sr(None), training=PAPER_TRAINING),
    ),
}


def _with_ablations(name: str, preset: Preset) -> dict[str, Preset]:
    """A size and its ablations, which change one setting each (`docs/explanation/ablations.md`)."""
    return {
        name: preset,
        f"{name}-no-layout-loss": replace(preset, loss=LossConfig(layout_weight=0.0)),
        f"{name}-layouts-cosine-p": replace(preset, layout_schedule=COSINE_P),
        f"{name}-layouts-linear": replace(preset, layout_schedule=LINEAR),
    }


PRESETS: Mapping[str, Preset] = {
    name: row for size in SIZES for name, row in _with_ablations(size, SIZES[size]).items()
}


def _low_res(size: Size, train_levels: int, sample_level: int) -> LowResConfig:
    return LowResConfig(size=size, train_levels=train_levels, sample_level=sample_level)


def stage_config(
    preset: Preset, stage: str, dataset: Dataset, *, layouts: bool, captions: bool = True
) -> StageConfig:
    """Resolve a preset for a dataset.

    Args:
        preset: row of `PRESETS`.
        stage: "base" or "sr".
        dataset: training split, at the preset's final image size.
        layouts: True for the reference model, False for its image-only twin.
        captions: False for an unconditional stage, which needs no text encoder's weights.

    Raises:
        ValueError: an ablation of what layouts learn, for a model without layouts.
    """
    if preset.is_ablation and not layouts:
        raise ValueError(
            "the preset changes how layouts are learned (layout_weight="
            f"{preset.loss.layout_weight:g}, layout_schedule={preset.layout_schedule.name} with "
            f"power {preset.layout_schedule.power:g}), but the model has no layouts; use one of "
            f"{', '.join(SIZES)}"
        )
    part = preset.base if stage == "base" else preset.sr
    num_classes = len(dataset.class_names) if layouts else None
    final = dataset.image_size
    half = (final[0] // 2, final[1] // 2)
    size = half if stage == "base" else final
    divisor = part.crop_divisor
    text = preset.text if captions else HASH_TEXT
    return StageConfig(
        dataset=dataset.name,
        class_names=dataset.class_names,
        image_size=size,
        unet=replace(part.unet, num_classes=num_classes, text_dim=text.dim),
        process=ProcessConfig(
            image_schedule=COSINE, layout_schedule=preset.layout_schedule, num_classes=num_classes
        ),
        text=text,
        text_drop=TEXT_DROP if captions else 1.0,
        loss=preset.loss,
        low_res=None if stage == "base" else _low_res(half, *part.low_res_levels),
        crop=None if divisor == 1 else (size[0] // divisor, size[1] // divisor),
    )

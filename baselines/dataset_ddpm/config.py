"""Configuration of the pixel classifiers that predict layouts from diffusion features."""

from __future__ import annotations

from dataclasses import dataclass

from gcdp_bench.core.images import Size
from gcdp_bench.core.types import IGNORE_ID

MANY_CLASSES = 30  # from here on the classifiers are wider


def paper_hidden(num_classes: int) -> tuple[int, int]:
    """Widths of the hidden layers of a classifier (Baranchuk et al. 2022): by the classes K."""
    return (128, 32) if num_classes < MANY_CLASSES else (256, 128)


@dataclass(frozen=True, kw_only=True)
class LabelConfig:
    """An ensemble of pixel classifiers: written beside its weights, needed to use them.

    The features of a pixel are those of `blocks`, in this order, each at all of `timesteps`.
    """

    dataset: str  # what it is trained on
    class_names: tuple[str, ...]
    image_size: Size
    num_images: int | None = 50  # labelled training images; None: all
    seed: int = 0  # of their choice
    timesteps: tuple[int, ...] = (50, 150, 250)  # to which images are noised, of 1..T
    blocks: tuple[str, ...]  # of `reference_model.features.block_names`
    members: int = 10
    hidden: tuple[int, int]
    min_pixels: int = 20  # a class with fewer in an image is ignored there
    ddpm: str | None = None  # folder of the diffusion model; None: `train ddpm`'s of the dataset

    def __post_init__(self):
        if self.num_images is not None and self.num_images < 1:
            raise ValueError(
                f"num_images: expected at least 1, or null for all, got {self.num_images}"
            )
        if not 2 <= len(self.class_names) < IGNORE_ID:
            raise ValueError(
                f"class_names: expected 2 to {IGNORE_ID - 1} classes, got {len(self.class_names)}"
            )
        for name in ("timesteps", "blocks"):
            values = getattr(self, name)
            if not values or len(set(values)) != len(values):
                raise ValueError(f"{name}: expected one or more, each once, got {list(values)}")
        if self.members < 1 or min(self.hidden) < 1:
            raise ValueError(
                f"members and hidden: expected at least 1, got {self.members} and {self.hidden}"
            )
        if self.min_pixels < 0:
            raise ValueError(f"min_pixels: expected 0 or more, got {self.min_pixels}")

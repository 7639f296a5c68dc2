"""The few labelled images that the classifiers learn from, seen by the frozen diffusion model."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from baselines.dataset_ddpm.config import LabelConfig
from baselines.dataset_ddpm.pixel_features import feature_maps, features_at
from gcdp_bench.core.rng import generator
from gcdp_bench.core.types import IGNORE_ID, Dataset
from gcdp_bench.datasets.framing import fit_image, fit_layout
from gcdp_bench.datasets.layouts import checked_layout
from reference_model.stage import Stage

CHUNK = 32  # images that are read at a time


def chosen_images(config: LabelConfig, num_available: int) -> list[int]:
    """Indices of the labelled images, ascending: a choice by the seed, without repetition.

    Raises:
        ValueError: there are fewer images than `num_images`.
    """
    if config.num_images is None:
        return list(range(num_available))
    if config.num_images > num_available:
        raise ValueError(
            f"num_images: expected at most the {num_available} training images of "
            f"{config.dataset}, got {config.num_images}; take fewer, or null for all"
        )
    source = generator("dataset-ddpm", "labelled", config.seed)
    order = torch.randperm(num_available, generator=source)  # (N,)
    return sorted(order[: config.num_images].tolist())


def without_rare(layouts: Tensor, min_pixels: int) -> Tensor:
    """Layouts in which a class of fewer than `min_pixels` pixels becomes `IGNORE_ID`.

    Args:
        layouts: uint8 (B, H, W); each is counted by itself.
        min_pixels: 0 or 1 leaves all as it is.
    """
    kept = []
    for layout in layouts.flatten(1):  # (H W,)
        counts = layout.long().bincount(minlength=256)  # (256,)
        kept.append(layout.masked_fill(counts[layout.long()] < min_pixels, IGNORE_ID))
    return torch.stack(kept).view_as(layouts)


class LabelledImages:
    """Images, layouts and features of some examples of a dataset.

    Features are kept as float16 maps at the blocks' own sizes: 0.2 MB per image of the tiny preset,
    30 MB of the paper's; the features of all its pixels would be 9 MB and 700 MB.
    """

    def __init__(self, config: LabelConfig, dataset: Dataset, indices: Sequence[int], stage: Stage):
        if dataset.class_names != config.class_names:
            raise ValueError(
                f"{dataset.name}: expected the classes of the configuration {config.class_names}, "
                f"got {dataset.class_names}"
            )
        self._size = config.image_size
        images, layouts, maps = [], [], []
        for start in range(0, len(indices), CHUNK):
            triplets = [dataset[index] for index in indices[start : start + CHUNK]]
            size = self._size
            some = torch.stack([fit_image(t.image, size, "crop") for t in triplets])
            images.append(some)  # (b, 3, H, W)
            truth = [fit_layout(checked_layout(t, dataset), size, "crop") for t in triplets]
            layouts.append(torch.stack(truth))  # (b, H, W)
            maps.append([part.half() for part in feature_maps(stage, config, some)])
        self.images = torch.cat(images)  # uint8 (N, 3, H, W)
        self.layouts = torch.cat(layouts)  # uint8 (N, H, W)
        self.maps = [torch.cat(parts) for parts in zip(*maps, strict=True)]

    def labelled_pixels(self, min_pixels: int) -> Tensor:
        """Pixels with a label, classes of fewer than `min_pixels` in an image left out.

        Returns:
            long (L,), places in the layouts (N, H, W) read end to end.

        Raises:
            ValueError: there is none.
        """
        labelled = (without_rare(self.layouts, min_pixels) != IGNORE_ID).flatten()
        if not bool(labelled.any()):
            raise ValueError(
                f"expected labelled pixels in {len(self.layouts)} training images, got none of a "
                f"class with {min_pixels} pixels in an image; lower labels.min_pixels"
            )
        return labelled.nonzero()[:, 0]

    def features(self, places: Tensor) -> Tensor:
        """Features float32 (P, F) of pixels at `places` (P,), counted as in `labelled_pixels`."""
        area = self._size[0] * self._size[1]
        return features_at(self.maps, places // area, places % area, self._size)

    def classes(self, places: Tensor) -> Tensor:
        """Class ids, long (P,), of pixels at `places` (P,)."""
        return self.layouts.flatten()[places].long()

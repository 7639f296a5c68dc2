"""From images to layouts: the members' votes at every pixel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from baselines.dataset_ddpm.config import LabelConfig
from baselines.dataset_ddpm.ensemble import PixelEnsemble, vote
from baselines.dataset_ddpm.model import TrainedDdpm
from baselines.dataset_ddpm.pixel_features import feature_maps, features_at
from gcdp_bench.core.device import device_of
from gcdp_bench.core.finite import require_finite

CHUNK = 8192  # pixels that are classified at a time


@torch.no_grad()
def pixel_logits(
    ensemble: PixelEnsemble, config: LabelConfig, maps: Sequence[Tensor]
) -> Iterator[Tensor]:
    """Logits of every member at every pixel of N images, some pixels at a time.

    Args:
        ensemble: in evaluation mode, so that a pixel does not depend on the others.
        config: for the size of the images.
        maps: of `feature_maps`.

    Yields:
        float (P, M, K) on the CPU; end to end the pixels of (N, H, W).
    """
    device = device_of(ensemble)
    height, width = config.image_size
    num = len(maps[0]) * height * width
    for places in torch.arange(num).split(CHUNK):  # (P,)
        image, pixel = places // (height * width), places % (height * width)
        features = features_at(maps, image, pixel, config.image_size)  # (P, F)
        yield ensemble(features.to(device)).cpu()


def label_images(trained: TrainedDdpm, images: Tensor) -> Tensor:
    """Layouts of images, from the features of the diffusion model when they are noised.

    Args:
        trained: diffusion model and classifiers.
        images: uint8 (B, 3, H, W).

    Returns:
        uint8 (B, H, W); see `vote`.

    Raises:
        NotFinite: a feature or a logit is not finite.
    """
    maps = feature_maps(trained.stage, trained.config, images)
    votes, sums = [], []
    for logits in pixel_logits(trained.ensemble, trained.config, maps):
        votes.append(vote(logits))  # (P,)
        sums.append(logits.sum((1, 2)))  # (P,), not finite where a logit is not
    require_finite("label logits of the pixel classifiers", torch.cat(sums).view(len(images), -1))
    return torch.cat(votes).view(len(images), *trained.config.image_size)  # (B, H, W)

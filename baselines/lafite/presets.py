"""Sizes of Lafite, each with its training."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from baselines.lafite.config import paper_config, tiny_config
from baselines.lafite.model import LafiteConfig, LafiteLossConfig
from baselines.stylegan2 import TINY_TRAINING
from baselines.trained import network_preset

# The authors augment nothing, which training sets of 744 images and more do not allow; DiffAugment
# from the first step on slows so small a discriminator. CLIP's features are those of
# `train lafite-clip`, 64 wide. So small a CLIP is easily fooled: at weight 1 the generator writes
# captions into coloured specks (docs/explanation/baselines.md).
TINY = network_preset(
    "lafite",
    partial(tiny_config, text_dim=64),
    partial(
        LafiteConfig,
        loss=LafiteLossConfig(image_text_weight=0.1, feature_text_weight=1.0, r1_gamma=1.0),
        augment="ada",
        ada_ramp_images=50_000,
    ),
    width=128,
    training=TINY_TRAINING,
)

# drboog/Lafite with ground-truth pairs: weights 10 and 5, gamma 10, rate 0.0025, 25 million images
# in batches of 64 on CLIP ViT-B/32. Not yet run.
PAPER = network_preset(
    "lafite",
    partial(paper_config, text_dim=512),
    partial(
        LafiteConfig,
        loss=LafiteLossConfig(
            image_text_weight=10.0,
            feature_text_weight=5.0,
            r1_gamma=10.0,
            path_weight=2.0,
            sharpened=True,
        ),
        augment="none",
    ),
    width=256,
    training=replace(
        TINY_TRAINING,
        steps=390_625,
        batch_size=16,
        accumulation=4,
        learning_rate=2.5e-3,
        checkpoint_every=5_000,
        validate_every=5_000,
        preview_every=5_000,
    ),
)

LAFITE_PRESETS = {
    "tiny": TINY,
    "paper-celeba": PAPER,
    "paper-cityscapes": replace(PAPER, width=512),
}

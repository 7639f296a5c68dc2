"""Sizes of GANformer, each with its training."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from baselines.gansformer.config import paper_config, tiny_config
from baselines.gansformer.model import GansformerConfig
from baselines.stylegan2 import TINY_TRAINING
from baselines.trained import network_preset

# The authors augment nothing, which a training set of some hundred images does not allow.
TINY = network_preset(
    "gansformer",
    tiny_config,
    partial(GansformerConfig, r1_gamma=2.0, augment="ada", ada_ramp_images=50_000),
    width=128,
    training=TINY_TRAINING,
)

# dorarad/gansformer on Cityscapes: gamma 20, rate 0.002, up to 25 million images in batches of 32.
PAPER = network_preset(
    "gansformer",
    paper_config,
    partial(GansformerConfig, r1_gamma=20.0, augment="none"),
    width=256,
    training=replace(
        TINY_TRAINING,
        steps=781_250,
        accumulation=4,
        checkpoint_every=5_000,
        validate_every=5_000,
        preview_every=5_000,
    ),
)

GANSFORMER_PRESETS = {
    "tiny": TINY,
    "paper-celeba": PAPER,
    "paper-cityscapes": replace(PAPER, width=512),
}

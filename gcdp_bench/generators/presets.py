"""Names of what can be trained and of its presets, without the code behind them."""

from __future__ import annotations

from collections.abc import Mapping

from gcdp_bench.core.lookup import lookup
from gcdp_bench.training.networks import NETWORKS

BASELINE = ("tiny", "paper-celeba", "paper-cityscapes")
CASCADE = tuple(
    f"{size}{ablation}"
    for size in ("tiny", "small", "paper-celeba", "paper-cityscapes")
    for ablation in ("", "-no-layout-loss", "-layouts-cosine-p", "-layouts-linear")
)

PRESET_NAMES: Mapping[str, tuple[str, ...]] = {
    **{name: CASCADE if network.stages else BASELINE for name, network in NETWORKS.items()},
    "segmenter": ("tiny", "small", "w18-small"),
    "clip": ("tiny", "small", "teacher"),
    "attributes": ("tiny", "small", "resnet18", "resnet50"),
    "lafite-clip": ("tiny",),
}
"""Every network that can be trained -> its presets."""


def check_training(network: str, preset: str) -> None:
    """Refuse a network or preset that does not exist.

    Raises:
        ValueError: the nearest name and all names are given.
    """
    presets = lookup(PRESET_NAMES, network, "model to train")
    stages = NETWORKS[network].stages
    lookup(dict.fromkeys(presets), preset, "preset" if stages else f"{network} preset")

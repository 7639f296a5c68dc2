"""From the draws of a batch to GANformer's images."""

from __future__ import annotations

from torch import Tensor

from baselines.gansformer.generator_network import GansformerGenerator
from baselines.stylegan2.draws import noise_of

PURPOSE = "gansformer"  # of its random streams


def drawn_images(network: GansformerGenerator, draws: dict[str, Tensor]) -> Tensor:
    """Images (B, 3, H, W) of `training_draws`."""
    ws = network.ws(draws["z"], mix=(draws["other"], draws["first"]))  # (B, num_ws, k + 1, D)
    return network.synthesis(ws, noise_of(draws, network.config))

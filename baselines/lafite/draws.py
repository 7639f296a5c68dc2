"""From the draws of a batch to what Lafite's synthesis makes images from."""

from __future__ import annotations

from torch import Tensor

from baselines.lafite.generator_network import LafiteGenerator
from baselines.stylegan2.draws import noise_of

PURPOSE = "lafite"  # of its random streams


def styles(
    network: LafiteGenerator, draws: dict[str, Tensor], text: Tensor
) -> tuple[Tensor, Tensor, list[Tensor]]:
    """Inputs of `network.synthesis`: ws (B, num_ws, W), text (B, E), noise."""
    ws = network.ws(draws["z"], mix=(draws["other"], draws["first"]))  # (B, num_ws, W)
    return ws, text, noise_of(draws, network.config)

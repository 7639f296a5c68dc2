"""What Lafite's synthesis starts from."""

import torch

from baselines.lafite.draws import styles
from baselines.lafite.generator_network import LafiteGenerator
from baselines.stylegan2.draws import training_draws
from gcdp_bench.core.rng import generator
from tests.baselines.lafite.small import CONFIG, build


@torch.no_grad()
def test_styles_are_mixed_from_their_place_on():
    network = build(LafiteGenerator)
    draws = training_draws(CONFIG, 3, generator("styles"), style_mixing=1.0)
    draws = {name: t.double() if t.is_floating_point() else t for name, t in draws.items()}
    text = torch.randn(3, 6, generator=generator("text")).double()
    ws, same, noise = styles(network, draws, text)
    one, two = network.mapping(draws["z"]), network.mapping(draws["other"])
    for row in range(3):
        for place in range(5):
            expected = one[row] if place < draws["first"][row] else two[row]
            torch.testing.assert_close(ws[row, place], expected)
    assert same is text and all(torch.equal(n, draws[f"noise.{i}"]) for i, n in enumerate(noise))
    assert network.synthesis(ws, text, noise).shape == (3, 3, 16, 32)

"""What a generator starts from."""

import torch

from baselines.lafite.draws import seeded_draws, styles, training_draws
from baselines.lafite.generator_network import LafiteGenerator
from gcdp_bench.seeds import generator
from tests.baselines.lafite.small import CONFIG, build

CPU = torch.device("cpu")


def test_a_seed_alone_decides():
    z, noise = seeded_draws(CONFIG, [7, 1, 7], CPU)
    alone, own = seeded_draws(CONFIG, [1], CPU)
    assert z.shape == (3, 5) and [part.shape[0] for part in noise] == [3] * 4
    for together, one in zip([z, *noise], [alone, *own], strict=True):
        assert torch.equal(together[1], one[0])
        assert torch.equal(together[0], together[2])
        assert not torch.equal(together[0], together[1])


def test_how_often_styles_are_mixed():
    """3 places of 4 w are possible; each is expected 2000 x 0.9 / 4 times."""
    draws = training_draws(CONFIG, 2000, generator("mix"), style_mixing=0.9)
    counts = torch.bincount(draws["first"], minlength=CONFIG.num_ws + 1)
    assert CONFIG.num_ws == 5 and counts.tolist()[0] == 0
    for place in range(1, 5):
        assert abs(int(counts[place]) - 450) < 5 * (450 * (1 - 0.225)) ** 0.5
    assert abs(int(counts[5]) - 200) < 5 * (2000 * 0.9 * 0.1) ** 0.5
    never = training_draws(CONFIG, 50, generator("mix"), style_mixing=0.0)
    assert never["first"].tolist() == [5] * 50


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

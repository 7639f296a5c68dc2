"""What a generator starts from: by its seed alone, mixed as often as asked."""

import pytest
import torch

from baselines.stylegan2.draws import noise_of, seeded_draws, training_draws
from gcdp_bench.core.rng import generator
from tests.baselines.gansformer.small import NETWORK as SETS
from tests.baselines.lafite.small import CONFIG as VECTORS

CPU = torch.device("cpu")


@pytest.mark.parametrize(("config", "shape"), [(VECTORS, (5,)), (SETS, (4, 8))])
def test_a_seed_alone_decides(config, shape):
    z, noise = seeded_draws(config, [7, 1, 7], "test", CPU)
    alone, own = seeded_draws(config, [1], "test", CPU)
    assert z.shape == (3, *shape) and [part.shape[0] for part in noise] == [3] * 4
    for together, one in zip([z, *noise], [alone, *own], strict=True):
        assert torch.equal(together[1], one[0])
        assert torch.equal(together[0], together[2])
        assert not torch.equal(together[0], together[1])
    assert not torch.equal(seeded_draws(config, [1], "other", CPU)[0], alone)


@pytest.mark.parametrize("config", [VECTORS, SETS])
def test_how_often_styles_are_mixed(config):
    """4 of 5 w can be the first of the other; each is expected 2000 x 0.9 / 4 times."""
    draws = training_draws(config, 2000, generator("mix"), style_mixing=0.9)
    counts = torch.bincount(draws["first"], minlength=config.num_ws + 1)
    assert config.num_ws == 5 and counts.tolist()[0] == 0
    for place in range(1, 5):
        assert abs(int(counts[place]) - 450) < 5 * (450 * (1 - 0.225)) ** 0.5
    assert abs(int(counts[5]) - 200) < 5 * (2000 * 0.9 * 0.1) ** 0.5
    never = training_draws(config, 50, generator("mix"), style_mixing=0.0)
    assert never["first"].tolist() == [5] * 50


@pytest.mark.parametrize("config", [VECTORS, SETS])
def test_every_convolution_has_its_noise(config):
    draws = training_draws(config, 2, generator("noise"), style_mixing=0.0)
    shapes = [tuple(part.shape) for part in noise_of(draws, config)]
    assert shapes == [(2, 1, 4, 8), (2, 1, 8, 16), (2, 1, 8, 16), (2, 1, 16, 32)]

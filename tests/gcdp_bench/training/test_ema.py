"""The averaged weights against the recurrence written out."""

import torch
from torch import nn

from gcdp_bench.training.ema import MovingAverage, power_decay


def test_decay_rises_to_its_cap():
    assert power_decay(0, 0.999) == 0.0
    assert power_decay(7, 0.999) == 1 - 8 ** (-2 / 3)
    assert power_decay(10**9, 0.999) == 0.999


def test_average_follows_the_recurrence():
    network = nn.Linear(1, 1, bias=False)
    ema = MovingAverage(network, 0.5)
    expected = 0.0
    for k, value in enumerate([1.0, 5.0, -2.0, 4.0]):
        with torch.no_grad():
            network.weight.fill_(value)
        ema.update_parameters(network)
        decay = power_decay(k, 0.5)
        expected = decay * expected + (1 - decay) * value
    assert abs(float(ema.module.weight.detach()) - expected) < 1e-6

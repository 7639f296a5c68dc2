"""A network's outline costs neither memory nor the choice of weights."""

from pathlib import Path

import pytest
import torch
from torch import nn

from gcdp_bench.training.loading import load_known, load_network

HERE = Path("config.json")


class Chosen(nn.Module):
    """Weights by every way in which layers here choose their first ones."""

    def __init__(self):
        super().__init__()
        self.drawn = nn.Parameter(torch.randn(3, 4))
        self.layers = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Embedding(3, 4))
        nn.init.normal_(self.layers[0].weight)
        nn.init.trunc_normal_(self.layers[0].bias)
        nn.init.zeros_(self.layers[2].weight)
        with torch.no_grad():
            self.layers[2].weight.mul_(2.0).add_(1.0)
        self.register_buffer("steps", torch.arange(4).view(2, 2))


class Plain(nn.Module):
    def __init__(self):
        super().__init__()
        self.drawn = nn.Parameter(torch.randn(3, 4))
        self.layers = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Embedding(3, 4))


@pytest.mark.parametrize("load", [load_network, load_known])
def test_a_network_is_filled_and_its_outline_chooses_nothing(load, monkeypatch):
    chosen = []
    for name in ("uniform_", "normal_"):
        method = getattr(torch.Tensor, name)

        def counted(tensor, *rest, method=method, **more):
            chosen.append(tensor.device.type)
            return method(tensor, *rest, **more)

        monkeypatch.setattr(torch.Tensor, name, counted)
    weights = Plain().state_dict()
    del chosen[:]
    more = {"remedy": ""} if load is load_known else {}
    network = load(Plain, weights, source=HERE, **more)
    assert set(chosen) <= {"cpu"} and network.drawn.device.type == "cpu"
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, weights[name])


def test_whatever_chooses_weights_has_an_outline():
    weights = Plain().state_dict() | {"steps": torch.arange(4).view(2, 2)}
    network = load_network(Chosen, weights, source=HERE)
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, weights[name])


def test_another_networks_weights_are_refused():
    weights = Plain().state_dict()
    weights["drawn"] = torch.zeros(4, 3)
    with pytest.raises(ValueError, match=r"drawn.*\(3, 4\)"):
        load_network(Plain, weights, source=HERE)

"""Weights load strictly and damage is named."""

import pytest
import torch
from torch import nn

from gcdp_bench.training import checkpoint


def test_half_precision_weights_widen(tmp_path):
    network = nn.Linear(2, 2)
    weights = {name: value.half() for name, value in network.state_dict().items()}
    checkpoint.save_weights(tmp_path / "w.safetensors", weights)
    loaded = nn.Linear(2, 2)
    checkpoint.load_into(
        loaded, checkpoint.load_weights(tmp_path / "w.safetensors"), source=tmp_path
    )
    assert torch.equal(loaded.weight, weights["weight"].float())


def test_other_shapes_and_names_are_listed(tmp_path):
    weights = {"weight": torch.zeros(3, 2), "extra": torch.zeros(1)}
    with pytest.raises(ValueError, match=r"missing bias; unexpected extra; weight is \(3, 2\)"):
        checkpoint.load_into(nn.Linear(2, 2), weights, source=tmp_path)


def test_truncated_weights_are_named(tmp_path):
    path = tmp_path / "w.safetensors"
    checkpoint.save_weights(path, {"a": torch.zeros(100)})
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(ValueError, match="w.safetensors: expected safetensors"):
        checkpoint.load_weights(path)


def test_missing_weights_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="none.safetensors: expected model weights"):
        checkpoint.load_weights(tmp_path / "none.safetensors")

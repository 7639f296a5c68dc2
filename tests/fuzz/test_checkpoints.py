"""Weights and checkpoints: truncated, lying, of other networks, and not finite."""

import json
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save, save_file
from torch import nn

from gcdp_bench.core.config import read_json, write_json
from gcdp_bench.extractors.clip import SmallClip
from gcdp_bench.extractors.segmenter import TrainedSegmenter
from gcdp_bench.training import checkpoint
from gcdp_bench.training.checkpoint import load_into, load_weights
from reference_model.official import load_unet
from reference_model.stage import load_stage
from tests.fuzz.common import (
    DAMAGE,
    attempt,
    changed,
    command_refused,
    memory_within,
    refused,
    resident_within,
)
from tests.properties import examples


def header(table: dict | bytes, data: bytes = b"\0" * 16, length: int | None = None) -> bytes:
    text = table if isinstance(table, bytes) else json.dumps(table).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def tensor(shape, offsets, dtype="F32") -> dict:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


LIES = {
    "larger shape": header({"a": tensor([10**9], [0, 16])}),
    "overflowing shape": header({"a": tensor([2**40, 2**40], [0, 16])}),
    "negative shape": header({"a": tensor([-4], [0, 16])}),
    "beyond the file": header({"a": tensor([4], [10**6, 10**6 + 16])}),
    "reversed": header({"a": tensor([4], [16, 0])}),
    "overlapping": header({"a": tensor([4], [0, 16]), "b": tensor([2], [4, 12])}),
    "gap": header({"a": tensor([2], [8, 16])}),
    "unknown dtype": header({"a": tensor([4], [0, 16], "Q7")}),
    "header of 2**63": header(b"{}", length=2**63),
    "header of a gigabyte": header(b"{}", length=10**9),
    "broken header": header(b'{"a": '),
    "list": header(b"[]"),
    "deep": header(b"[" * 20_000 + b"]" * 20_000),
    "not UTF-8": header(b'{"\xff": 1}'),
    "text": b"\x80\x02not safetensors",
    "empty": b"",
}


@pytest.mark.parametrize("name", LIES)
def test_a_header_that_lies_is_refused(name, tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(LIES[name])
    with memory_within(8):
        refused(lambda: load_weights(path), "model.safetensors", "restore")
        refused(lambda: load_unet(path), "model.safetensors")


STATE = {"a.weight": torch.arange(6.0).reshape(2, 3), "b": torch.ones(3).half()}


@examples(150)
@given(damage=DAMAGE)
def test_damaged_safetensors_are_tensors_or_refused(damage, tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(changed(save(STATE), *damage))
    with resident_within(64):
        _, message = attempt(lambda: load_weights(path))
    assert message is None or "model.safetensors" in message


def broken_weights(kind: str, weights: dict) -> dict:
    name = next(name for name, value in weights.items() if value.is_floating_point() and value.ndim)
    value = weights[name]
    return {
        "missing": {key: weights[key] for key in weights if key != name},
        "unexpected": {**weights, "extra": value.clone()},
        "shape": {**weights, name: torch.cat([value, value])},
        "NaN": {**weights, name: torch.full_like(value, np.nan)},
        "infinity": {**weights, name: torch.full_like(value, np.inf)},
        "integers": {**weights, name: torch.zeros(value.shape, dtype=torch.int64)},
        "none": {},
    }[kind]


FAULTS = ("missing", "unexpected", "shape", "NaN", "infinity", "integers", "none")


@pytest.mark.parametrize("kind", FAULTS)
def test_weights_of_another_network_are_refused(kind, tmp_path):
    network = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    own = {name: value.clone() for name, value in network.state_dict().items()}
    weights = broken_weights(kind, dict(own))
    refused(lambda: load_into(network, weights, source=tmp_path / "model"), tmp_path / "model")
    assert all(torch.equal(value, own[name]) for name, value in network.state_dict().items())


RUNS = {
    "segmenter": TrainedSegmenter.load,
    "clip": SmallClip.load,
    "base": load_stage,
}


def run_folder(name: str, toy, tmp_path) -> Path:
    source = toy.reference / "base" if name == "base" else getattr(toy, name)
    return Path(shutil.copytree(source, tmp_path / name))


@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize("name", RUNS)
def test_a_run_with_broken_weights_is_refused(name, kind, toy, tmp_path):
    folder = run_folder(name, toy, tmp_path)
    weights = load_weights(folder / "model.safetensors")
    save_file(broken_weights(kind, weights), folder / "model.safetensors")
    if (name, kind) == ("clip", "unexpected"):
        assert RUNS[name](folder)  # only the tensors of CLIP itself are taken
    else:
        refused(lambda: RUNS[name](folder), folder)


def numbers(data, trail=()):
    """Places of the whole numbers in nested tables and lists."""
    items = data.items() if isinstance(data, dict) else enumerate(data)
    for key, value in items:
        if isinstance(value, dict | list):
            yield from numbers(value, (*trail, key))
        elif type(value) is int:
            yield (*trail, key)


@pytest.mark.parametrize("name", RUNS)
@examples(40, fast=10)
@given(place=st.integers(0, 999), value=st.sampled_from([-1, 0, 3, 10**7, 10**12, 10**30]))
def test_a_configuration_cannot_ask_for_another_network(name, place, value, toy, tmp_path):
    folder = tmp_path / name
    if not folder.exists():
        run_folder(name, toy, tmp_path)
        shutil.copy(folder / "config.json", tmp_path / f"{name}.json")
    record = read_json(tmp_path / f"{name}.json")
    places = list(numbers(record["task"]))
    node, trail = record["task"], places[place % len(places)]
    for key in trail[:-1]:
        node = node[key]
    node[trail[-1]] = value
    write_json(folder / "config.json", record)
    with resident_within(200):
        _, message = attempt(lambda: RUNS[name](folder))
    assert message is None or str(folder) in message


def trained(folder: Path):
    network = nn.Linear(2, 2)
    optimizer = torch.optim.AdamW(network.parameters())
    network(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    tensors = {
        "network": network.state_dict(),
        "averaged": nn.Linear(2, 2).state_dict(),
        "optimizer": checkpoint.optimizer_tensors(optimizer),
    }
    state = {"task": {}, "training": {}, "spent": {}}
    return checkpoint.save_checkpoint(folder, 1, tensors, state), optimizer


@pytest.mark.parametrize(
    "tensors",
    [
        {"x.exp_avg": torch.zeros(2)},
        {"exp_avg": torch.zeros(2)},
        {"7.exp_avg": torch.zeros(2)},
        {"-1.exp_avg": torch.zeros(2, 2)},
        {"0.exp_avg": torch.zeros(5)},
        {"9" * 5000 + ".step": torch.zeros(1)},
    ],
)
def test_the_state_of_another_optimizer_is_refused(tensors, tmp_path):
    folder, optimizer = trained(tmp_path)
    checkpoint.load_optimizer(folder, optimizer)
    assert checkpoint.read_state(folder)["step"] == 1
    save_file(tensors, folder / "optimizer.safetensors")
    refused(lambda: checkpoint.load_optimizer(folder, optimizer), "optimizer.safetensors")


@pytest.mark.parametrize("text", ["[]", "{}", '{"step": "1"}', '{"step": true, "task": {}}', "\0"])
def test_the_state_of_another_run_is_refused(text, tmp_path):
    folder, _ = trained(tmp_path)
    (folder / "state.json").write_text(text)
    refused(lambda: checkpoint.read_state(folder), "state.json")


def test_commands_name_broken_weights_in_one_line(toy, tmp_path):
    folder, out = Path(shutil.copytree(toy.reference, tmp_path / "run")), tmp_path / "out"
    command = [
        "sample",
        "reference",
        "--dataset",
        toy.data,
        "--weights",
        folder,
        "--out",
        out,
        "--num-samples",
        2,
    ]
    path = folder / "base" / "model.safetensors"
    save_file(broken_weights("NaN", load_weights(path)), path)
    command_refused(command, "NaN", folder)
    path.write_bytes(path.read_bytes()[:100])
    command_refused(command, path)
    (folder / "base" / "config.json").write_text('{"task": []}')
    command_refused(command, "config.json")
    assert not out.exists()

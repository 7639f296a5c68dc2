"""Weights and pickles: truncated, lying, of other networks, not finite, and with code in them."""

import io
import json
import os
import pickle
import shutil
import struct
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save, save_file
from torch import nn

from gcdp_bench.config import read_json, write_json
from gcdp_bench.datasets.celeba.pickled import read_pickled_ids
from gcdp_bench.extractors.attributes import build_network
from gcdp_bench.extractors.checkpoints import read_checkpoint
from gcdp_bench.extractors.clip import SmallClip
from gcdp_bench.extractors.clip_standard import StandardClip, openai_weights
from gcdp_bench.extractors.inception import InceptionNetwork
from gcdp_bench.extractors.segmenter import Segmenter
from gcdp_bench.extractors.segmenter_standard import StandardSegmenter, openmmlab_weights
from gcdp_bench.training import checkpoint
from gcdp_bench.training.checkpoint import load_into, load_weights
from reference_model.official import load_unet
from reference_model.stage import load_stage
from tests.fuzz.common import (
    attempt,
    command_refused,
    examples,
    memory_within,
    refused,
    resident_within,
)
from tests.gcdp_bench.extractors.test_attributes import resolved


def start_from(path: Path):
    return build_network(resolved(start_from=str(path)))


READERS = {
    "any checkpoint": lambda path: read_checkpoint(path, expected="weights"),
    "clip": openai_weights,
    "clip network": StandardClip.load,
    "hrnet": openmmlab_weights,
    "hrnet network": StandardSegmenter.load,
    "inception": InceptionNetwork,
    "authors' network": load_unet,
    "torchvision": start_from,
    "celeba's ids": read_pickled_ids,
}
CODE = {
    "open": lambda mark: (open, (str(mark), "w")),
    "mkdir": lambda mark: (os.mkdir, (str(mark),)),
    "exec": lambda mark: (exec, (f"import os; os.mkdir({str(mark)!r})",)),
    "torch.save": lambda mark: (torch.save, (torch.zeros(1), str(mark))),
    "getattr": lambda mark: (getattr, (Path(mark), "touch")),
}


class Payload:
    """Runs something when it is unpickled by a reader that trusts it."""

    def __init__(self, call):
        self.call = call

    def __reduce__(self):
        return self.call


def packed(form: str, content) -> bytes:
    if form == "pickle":
        return pickle.dumps(content, protocol=2)
    stream = io.BytesIO()
    torch.save(content, stream, _use_new_zipfile_serialization=form == "zip")
    return stream.getvalue()


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("form", ["pickle", "zip", "legacy"])
@pytest.mark.parametrize("code", CODE)
def test_code_in_a_pickle_is_not_run(reader, form, code, tmp_path):
    mark, path = tmp_path / "mark", tmp_path / "weights.pth"
    payload = Payload(CODE[code](mark))
    for content in (payload, {"state_dict": {"weight": payload}}, [payload, "12"]):
        path.write_bytes(packed(form, content))
        refused(lambda: READERS[reader](path), "weights.pth")
        assert not mark.exists()


def test_the_payloads_do_run_where_they_are_trusted(tmp_path):
    for name in ("mkdir", "exec", "torch.save"):
        mark = tmp_path / name
        pickle.loads(pickle.dumps(Payload(CODE[name](mark))))
        assert mark.exists()


class Restoring(nn.Module):
    """TorchScript whose program writes a file when it is loaded."""

    def __init__(self, mark: str):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(2))
        self.mark = mark

    def forward(self, values: torch.Tensor):
        return values

    @torch.jit.export
    def __getstate__(self):
        return (self.weight, self.training, self.mark)

    @torch.jit.export
    def __setstate__(self, state: tuple[torch.Tensor, bool, str]):
        self.weight = state[0]
        self.training = state[1]
        self.mark = state[2]
        torch.save(self.weight, self.mark)


def scripted(module: nn.Module, path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(module).save(path)


def test_the_program_of_a_torchscript_archive_is_not_run(tmp_path):
    mark, path = tmp_path / "mark", tmp_path / "clip.pt"
    scripted(Restoring(str(mark)), path)
    for reader in READERS.values():
        refused(lambda reader=reader: reader(path), "clip.pt")
        assert not mark.exists()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.load(path)
    assert mark.exists()  # the program does write where it is loaded


VIEWS = {"weight": torch.arange(6.0).reshape(2, 3).T, "halves": torch.ones(4).half()[1:3],
         "empty": torch.zeros(0, 2), "scalar": torch.tensor(7)}  # fmt: skip


class Views(nn.Module):
    def __init__(self):
        super().__init__()
        for name, value in VIEWS.items():
            self.register_buffer(name, value)
        self.inner = nn.Linear(2, 2)


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> bytes:
    """A TorchScript archive of `Views`."""
    path = tmp_path_factory.mktemp("archive") / "views.pt"
    scripted(Views(), path)
    return path.read_bytes()


def test_tensors_of_an_archive_keep_their_views(archive, tmp_path):
    (tmp_path / "clip.pt").write_bytes(archive)
    weights = openai_weights(tmp_path / "clip.pt")
    assert weights.keys() == {*VIEWS, "inner.weight", "inner.bias"}
    for name, value in VIEWS.items():
        assert weights[name].dtype == value.dtype and torch.equal(weights[name], value)


def changed(content: bytes, cut: int, changes) -> bytes:
    kept = bytearray(content[: max(1, len(content) - cut)])
    for place, value in changes:
        kept[place % len(kept)] = value
    return bytes(kept)


damage = st.tuples(
    st.one_of(st.just(0), st.integers(0, 3000)),
    st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), max_size=5),
)
STATE = {"a.weight": torch.arange(6.0).reshape(2, 3), "b": torch.ones(3).half()}


@examples(100)
@given(damage=damage, form=st.sampled_from(["pickle", "zip", "legacy", "torchscript"]))
def test_damaged_checkpoints_are_tensors_or_refused(damage, form, archive, tmp_path):
    content = archive if form == "torchscript" else packed(form, STATE)
    path = tmp_path / "weights.pt"
    path.write_bytes(changed(content, *damage))
    with resident_within(64):
        for name in ("any checkpoint", "clip", "hrnet", "authors' network"):
            _, message = attempt(lambda name=name: READERS[name](path))
            assert message is None or "weights.pt" in message


@examples(150)
@given(damage=damage, protocol=st.integers(0, 5))
def test_damaged_lists_of_ids_are_ids_or_refused(damage, protocol, tmp_path):
    path = tmp_path / "ids.pickle"
    path.write_bytes(changed(pickle.dumps(["12", "007", "3"], protocol), *damage))
    ids, message = attempt(lambda: read_pickled_ids(path))
    assert all(name.isdigit() for name in ids or ())
    assert message is None or "ids.pickle" in message


@pytest.mark.parametrize(
    "content",
    [
        b"\x80\x02Nr\xff\xff\xff\x7f.",  # remember nothing at place 2**31 - 1
        b"\x80\x04\x95" + struct.pack("<Q", 2**40) + b".",  # a frame of a terabyte
        b"\x80\x04\x8e" + struct.pack("<Q", 2**40) + b".",  # bytes of a terabyte
        b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b".",  # lists in lists
        pickle.dumps([12]),
        pickle.dumps({"a": 1}),
        pickle.dumps(["../../x"]),
        pickle.dumps(["9" * 5000]),
        pickle.dumps(["\u0662"]),  # a digit, but not of ASCII
    ],
)
def test_small_pickles_take_no_memory(content, tmp_path):
    path = tmp_path / "ids.pickle"
    path.write_bytes(content)
    with memory_within(64):
        refused(lambda: read_pickled_ids(path), "ids.pickle")


def test_a_compressed_archive_is_refused_unread(tmp_path):
    plain, path = tmp_path / "plain.pt", tmp_path / "bomb.pt"
    torch.save({"a": torch.zeros(10**6)}, plain)
    with zipfile.ZipFile(plain) as source, \
            zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:  # fmt: skip
        for entry in source.namelist():
            target.writestr(entry, source.read(entry))
    assert path.stat().st_size < 10**5
    for name in ("any checkpoint", "clip", "hrnet", "authors' network", "torchvision"):
        refused(lambda name=name: READERS[name](path), "bomb.pt", "unpacks to")


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


@examples(150)
@given(damage=damage)
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
    "segmenter": Segmenter.load,
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
@examples(10)
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
    command = ["sample", "reference", "--dataset", toy.data, "--weights", folder, "--out", out,
               "--num-samples", 2]  # fmt: skip
    path = folder / "base" / "model.safetensors"
    save_file(broken_weights("NaN", load_weights(path)), path)
    command_refused(command, "NaN", folder)
    path.write_bytes(path.read_bytes()[:100])
    command_refused(command, path)
    (folder / "base" / "config.json").write_text('{"task": []}')
    command_refused(command, "config.json")
    assert not out.exists()

"""Pickles, archives of torch and of TorchScript: with code in them, damaged, and bombs."""

import io
import pickle
import struct
import warnings
import zipfile
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from gcdp_bench.datasets.celeba.pickled import read_pickled_ids
from gcdp_bench.extractors.attributes import build_network
from gcdp_bench.extractors.checkpoints import read_checkpoint
from gcdp_bench.extractors.clip_standard import StandardClip, openai_weights
from gcdp_bench.extractors.inception import InceptionNetwork
from gcdp_bench.extractors.segmenter_standard import StandardSegmenter, openmmlab_weights
from reference_model.official import load_unet
from tests.fuzz.common import (
    CODE,
    DAMAGE,
    Payload,
    attempt,
    changed,
    memory_within,
    refused,
    resident_within,
)
from tests.gcdp_bench.extractors.test_attributes import resolved
from tests.properties import examples


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


def scripted(module: nn.Module) -> bytes:
    """A TorchScript archive."""
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(module), stream)
    return stream.getvalue()


def test_the_program_of_a_torchscript_archive_is_not_run(tmp_path):
    mark, path = tmp_path / "mark", tmp_path / "clip.pt"
    path.write_bytes(scripted(Restoring(str(mark))))
    for reader in READERS.values():
        refused(lambda reader=reader: reader(path), "clip.pt")
        assert not mark.exists()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.load(path)
    assert mark.exists()  # the program does write where it is loaded


VIEWS = {
    "weight": torch.arange(6.0).reshape(2, 3).T,
    "halves": torch.ones(4).half()[1:3],
    "empty": torch.zeros(0, 2),
    "scalar": torch.tensor(7),
}


class Views(nn.Module):
    def __init__(self):
        super().__init__()
        for name, value in VIEWS.items():
            self.register_buffer(name, value)
        self.inner = nn.Linear(2, 2)


@pytest.fixture(scope="module")
def archive() -> bytes:
    """A TorchScript archive of `Views`."""
    return scripted(Views())


def test_tensors_of_an_archive_keep_their_views(archive, tmp_path):
    (tmp_path / "clip.pt").write_bytes(archive)
    weights = openai_weights(tmp_path / "clip.pt")
    assert weights.keys() == {*VIEWS, "inner.weight", "inner.bias"}
    for name, value in VIEWS.items():
        assert weights[name].dtype == value.dtype and torch.equal(weights[name], value)


STATE = {"a.weight": torch.arange(6.0).reshape(2, 3), "b": torch.ones(3).half()}


@examples(100)
@given(damage=DAMAGE, form=st.sampled_from(["pickle", "zip", "legacy", "torchscript"]))
def test_damaged_checkpoints_are_tensors_or_refused(damage, form, archive, tmp_path):
    content = archive if form == "torchscript" else packed(form, STATE)
    path = tmp_path / "weights.pt"
    path.write_bytes(changed(content, *damage))
    with resident_within(64):
        for name in ("any checkpoint", "clip", "hrnet", "authors' network"):
            _, message = attempt(lambda name=name: READERS[name](path))
            assert message is None or "weights.pt" in message


@examples(150)
@given(damage=DAMAGE, protocol=st.integers(0, 5))
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
    with (
        zipfile.ZipFile(plain) as source,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for entry in source.namelist():
            target.writestr(entry, source.read(entry))
    assert path.stat().st_size < 10**5
    for name in ("any checkpoint", "clip", "hrnet", "authors' network", "torchvision"):
        refused(lambda name=name: READERS[name](path), "bomb.pt", "unpacks to")

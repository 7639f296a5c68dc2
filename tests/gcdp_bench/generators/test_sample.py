"""Samples on disk: complete, resumable, and never mixed with another request's."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from gcdp_bench.core import device
from gcdp_bench.core.config import read_json, write_json
from gcdp_bench.core.progress import Silent
from gcdp_bench.core.provenance import hardware
from gcdp_bench.core.sampling_config import SamplingConfig
from gcdp_bench.core.types import GUIDANCE, TRUNCATION
from gcdp_bench.datasets.folder import Folder
from gcdp_bench.generators.registry import GENERATORS
from gcdp_bench.generators.sample import SampleRequest, load_generator, sample_folder
from gcdp_bench.generators.sample_folder import read_record
from gcdp_bench.training.runs import find_run

FAST = SamplingConfig(steps=3, sr_steps=2)


@pytest.fixture(scope="module")
def generator(toy):
    return load_generator(find_run(GENERATORS["reference"], toy.identity, toy.reference), FAST)


def request_of(digest, **changes):
    settings = dict(
        model="reference",
        weights=digest,
        dataset="stripes",
        split="test",
        num_samples=5,
        captions="of five",
        guidance=2.0,
        seed=0,
    )
    return SampleRequest(**{**settings, **changes})


def fill(generator, toy, folder, *, batch_size=2, **changes):
    model, digest = generator
    request = request_of(digest, **changes)
    data = Folder(toy.data, "test")
    sample_folder(model, data, request, folder, batch_size=batch_size, progress=Silent())
    return read_record(folder)


def test_samples_are_a_dataset(generator, toy, tmp_path):
    drawn = fill(generator, toy, tmp_path)
    samples = Folder(tmp_path)
    assert len(samples) == 5 and drawn.seconds > 0
    assert drawn.hardware == hardware()
    assert samples[3].caption == Folder(toy.data, "test")[3].caption
    assert samples[0].image.shape == (3, 16, 16)


def test_filling_again_samples_nothing(generator, toy, tmp_path):
    first = fill(generator, toy, tmp_path)
    assert fill(generator, toy, tmp_path) == first
    (tmp_path / "captions.jsonl").write_text(
        "".join((tmp_path / "captions.jsonl").read_text().splitlines(keepends=True)[:3])
    )
    assert fill(generator, toy, tmp_path).seconds > first.seconds
    assert len(Folder(tmp_path)) == 5


def test_every_machine_that_drew_samples_is_named(generator, toy, tmp_path):
    fill(generator, toy, tmp_path)
    record = read_json(tmp_path / "samples.json")
    write_json(tmp_path / "samples.json", record | {"hardware": ["a GPU"]})
    assert fill(generator, toy, tmp_path).hardware == "a GPU"  # nothing was left to draw
    (tmp_path / "captions.jsonl").write_text("")
    assert fill(generator, toy, tmp_path).hardware == f"a GPU and {hardware()}"
    del record["hardware"]
    write_json(tmp_path / "samples.json", record)
    assert fill(generator, toy, tmp_path).hardware == "not recorded"


def test_another_request_is_refused(generator, toy, tmp_path):
    fill(generator, toy, tmp_path)
    with pytest.raises(ValueError, match="holds samples of another configuration"):
        fill(generator, toy, tmp_path, guidance=3.0)
    with pytest.raises(ValueError, match="num_samples: expected 1 to 12"):
        fill(generator, toy, tmp_path / "more", num_samples=13)


def test_the_digest_knows_weights_and_settings(toy, generator):
    slower = load_generator(
        find_run(GENERATORS["reference"], toy.identity, toy.reference), SamplingConfig(steps=4)
    )
    compiled = load_generator(
        find_run(GENERATORS["reference"], toy.identity, toy.reference), replace(FAST, compile=True)
    )
    imagen = load_generator(find_run(GENERATORS["imagen"], toy.identity, toy.imagen), FAST)
    assert len({generator[1], slower[1], compiled[1], imagen[1]}) == 4


def test_networks_multiply_in_bf16_where_the_device_does(toy, generator, monkeypatch):
    run = find_run(GENERATORS["reference"], toy.identity, toy.reference)
    coarse = replace(FAST, precision="bf16")
    monkeypatch.setattr(device, "has_bf16", lambda kind: False)
    with pytest.raises(ValueError, match="--precision bf16: expected .* this cpu, .*leave it out"):
        load_generator(run, coarse)
    monkeypatch.setattr(device, "has_bf16", lambda kind: True)
    found, digest = load_generator(run, coarse)
    drawn, expected = (
        one.sample(["sky"], guidance=2.0, seeds=[0]).images.float() for one in (found, generator[0])
    )
    assert digest != generator[1] and 0.0 < (drawn - expected).abs().mean() < 8.0  # grey levels


@pytest.mark.parametrize(
    ("parameter", "value", "expected"),
    [
        (GUIDANCE, 2.0, "lafite, guidance scale 2"),
        (TRUNCATION, 0.8, "lafite, truncation psi 0.8"),
        (None, 1.0, "lafite"),
    ],
)
def test_a_point_is_named_by_its_model_s_own_parameter(parameter, value, expected):
    request = request_of("digest", model="lafite", guidance=value)
    model: Any = SimpleNamespace(parameter=parameter)
    assert request.point(model) == expected

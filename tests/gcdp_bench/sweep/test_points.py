"""Which points a sweep asks for, in which pieces, and which it leaves out."""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gcdp_bench.core.types import GUIDANCE, TRUNCATION
from gcdp_bench.generators.sample import SampleRequest
from gcdp_bench.sweep import Paths, SweepConfig, plan, saturated
from gcdp_bench.sweep.checks import check_fit
from gcdp_bench.sweep.config import GUIDANCE_LADDER
from gcdp_bench.sweep.jobs import Job
from gcdp_bench.training.networks import Code
from gcdp_bench.training.runs import Run
from tests.toy import named

SAMPLING_PARAMETERS = {"reference": GUIDANCE, "lafite": TRUNCATION, "palette": None}
CONFIG = SweepConfig(
    dataset="d",
    models=("reference",),
    guidance=(1.0, 2.0),
    num_samples=10,
    shard_size=4,
    truncation=(0.5,),
)


@dataclass
class FakeSweep:
    """A sweep without networks."""

    config: SweepConfig
    paths: Paths

    def generator(self, name):
        return SimpleNamespace(parameter=SAMPLING_PARAMETERS[name]), "weights"

    def request(self, model, guidance, seed):
        return SampleRequest(
            model=model,
            weights="w",
            dataset="d",
            split="test",
            num_samples=10,
            captions="c",
            guidance=guidance,
            seed=seed,
        )


@pytest.fixture
def stages(tmp_path, monkeypatch):
    """Stages of every chain, and (model, value, seed) of every point that was asked for."""

    def planned(config=CONFIG, *, done=frozenset(), recall=lambda guidance: 0.5):
        def is_done(sweep, request):
            return (request.model, request.guidance, request.seed) in done

        monkeypatch.setattr(plan, "is_done", is_done)
        monkeypatch.setattr(plan, "recall", lambda sweep, request: recall(request.guidance))
        sweep: Any = FakeSweep(config, Paths(results=tmp_path))
        requests: list[SampleRequest] = []
        chains = [list(chain) for chain in plan.points(sweep, requests)]
        (costs,) = plan.costs(sweep, requests)
        asked = [(r.model, r.guidance, r.seed) for r in requests]
        return chains, asked, [job for stage in costs for job in stage]

    return planned


REAL = Job(kind="real", captions=range(10))


def costs(model, *values):
    return Job(kind="costs", model=model, values=values)


def test_a_point_is_drawn_in_shards_and_then_scored(stages):
    (real, first, second), asked, counts = stages()
    assert [list(stage) for stage in real] == [[REAL]]
    shards = (range(0, 4), range(4, 8), range(8, 10))
    draws = [Job(kind="sample", model="reference", captions=shard) for shard in shards]
    score = Job(kind="score", model="reference", captions=range(10))
    assert first == [[REAL, *draws], [score]]
    assert second[1] == [replace(score, guidance=2.0)]
    assert asked == [("reference", 1.0, 0), ("reference", 2.0, 0)]
    assert counts == [costs("reference", 1.0, 2.0)]


def test_points_that_are_done_are_asked_for_and_not_made(stages):
    (_, first, second), asked, counts = stages(done=frozenset({("reference", 1.0, 0)}))
    assert first == [] and len(second) == 2
    assert len(asked) == 2 and counts == [costs("reference", 1.0, 2.0)]


def test_every_model_has_the_values_of_its_parameter_for_every_seed(stages):
    config = replace(CONFIG, models=("reference", "lafite", "palette"), seeds=(0, 3))
    _, asked, counts = stages(config)
    expected = [("reference", g, seed) for seed in (0, 3) for g in (1.0, 2.0)]
    expected += [("lafite", 0.5, 0), ("lafite", 0.5, 3), ("palette", 1.0, 0), ("palette", 1.0, 3)]
    assert asked == expected
    assert counts == [costs("reference", 1.0, 2.0), costs("lafite", 0.5), costs("palette", 1.0)]


def test_guidance_rises_until_recall_stops_gaining(stages):
    config = replace(CONFIG, guidance=None, models=("reference", "lafite"))
    _, asked, _ = stages(config, recall=lambda guidance: min(guidance, 3.0) / 10)
    values = [value for model, value, _ in asked if model == "reference"]
    assert values == [1.0, 1.5, 2.0, 3.0, 4.0, 5.0]  # two that do not gain on 3
    assert [value for model, value, _ in asked if model == "lafite"] == [0.5]
    _, asked, _ = stages(config, recall=lambda guidance: guidance)
    assert [value for model, value, _ in asked if model == "reference"] == list(GUIDANCE_LADDER)


@pytest.mark.parametrize(("gain", "stops"), [(0.0019, True), (0.0021, False)])
def test_a_gain_of_two_in_a_thousand_counts(gain, stops):
    assert saturated([0.4, 0.4, 0.4 * (1 + gain)]) == stops
    assert saturated([0.4, 0.4 * (1 + gain), 0.4]) == stops


def test_machines_that_share_a_store_share_no_samples(stages, monkeypatch):
    monkeypatch.setattr(plan, "store_of", lambda results: "store")
    (_, first, _), _, _ = stages()
    both = Job(kind="sample and score", model="reference", captions=range(10))
    assert first == [[REAL], [both]]


def test_folders_of_points_are_told_apart(tmp_path):
    paths = Paths(results=tmp_path)
    sweep = FakeSweep(CONFIG, paths)
    request = sweep.request("reference", 1.5, 2)
    folder = paths.point(request)
    assert folder.parent == tmp_path / "points" / "d" / "reference"
    assert folder.name == f"g1.5-s2-{request.hash}"
    assert paths.point(sweep.request("reference", 1.5, 3)) != folder
    assert paths.references == tmp_path / "references"


def fits(*, allow_subsets=False, code=None, sees=(64, 128), name="imagen", **changes):
    data: Any = SimpleNamespace(name="city-25", image_size=(64, 128), class_names=("a", "b"))
    own = {"trained_on": "city-25", "image_size": (64, 128), "class_names": ("a", "b")} | changes
    run = Run(
        network=name,
        folder=Path("mine.py:Own"),
        origin="given",
        records={},
        code=code and Code(code),
    )
    sweep: Any = SimpleNamespace(
        config=replace(CONFIG, dataset="city-25", allow_subsets=allow_subsets),
        runs={name: run},
        dataset=data,
        identity=named("city-25"),
        extractors=SimpleNamespace(required_sizes={"hrnet": sees}, trained_kinds=["segmenter"]),
    )
    generator: Any = SimpleNamespace(name="own", **own)
    check_fit(sweep, name, generator)


def test_a_generator_fits_the_data():
    fits()
    fits(trained_on="city-100", allow_subsets=True)
    for mix in (False, True):
        with pytest.raises(ValueError) as caught:
            fits(trained_on="village", image_size=(32, 32), class_names=("a",), allow_subsets=mix)
        message = str(caught.value)
        assert message.startswith("imagen: it was trained on village, not on city-25; it makes")
        assert "images of 32x32, expected 64x128" in message
        assert "train imagen --dataset city-25 --size 64x128`)" in message
        assert "its class_names are a; expected those of city-25: a, b" in message
        assert message.endswith("or give another --weights imagen=FOLDER")
    with pytest.raises(ValueError, match="another subset, city-100.*--allow-subsets"):
        fits(trained_on="city-100")


def test_a_generator_of_given_code_is_mended_not_trained(tmp_path):
    (tmp_path / "mine.py").write_text("class Own:\n    def __init__(self, sampling): ...\n")
    code = f"{tmp_path / 'mine.py'}:Own"
    fits(name="mine", code=code)
    with pytest.raises(ValueError) as caught:
        fits(name="mine", code=code, image_size=(32, 64), class_names=("b", "a"))
    message = str(caught.value)
    assert message.startswith("mine: it makes images of 32x64, expected 64x128; its class_names")
    assert message.endswith("are b, a; expected those of city-25: a, b; correct mine.py:Own")


def test_a_size_that_the_extractors_do_not_see_is_the_generators():
    expected = (
        "imagen: it makes images of 64x128, but hrnet evaluates images of 128x128; train networks "
        "for 64x128 (`gcdp-bench train segmenter --dataset city-25 --size 64x128`) and give their "
        "folders, or give another --weights imagen=FOLDER"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(expected)}$"):
        fits(sees=(128, 128))


@pytest.mark.parametrize(
    ("field", "least"), [("num_samples", 2), ("batch_size", 1), ("shard_size", 1)]
)
def test_numbers_have_a_least_value(field, least):
    replace(CONFIG, **{field: least})
    with pytest.raises(ValueError, match=f"{field}: expected at least {least}, got {least - 1}"):
        replace(CONFIG, **{field: least - 1})


def test_a_sweep_is_no_demonstration_and_mixes_nothing_unless_told():
    plain = SweepConfig(dataset="d")
    assert not plain.demo and not plain.allow_subsets and plain.seeds == (0,)
    with pytest.raises(ValueError, match="protocol: expected one of heldout, paper-like, got 'x'"):
        replace(plain, protocol="x")

"""Which cascades may stand beside each other, and what is said of the others."""

import shutil

import pytest

from gcdp_bench.analysis.variants import check_dataset, load_variants, schedule_name
from gcdp_bench.core.config import read_json, write_json
from gcdp_bench.core.sampling_config import SamplingConfig
from gcdp_bench.datasets.registry import open_dataset
from reference_model.schedules import ScheduleConfig
from tests.reference_model.conftest import Stripes

FAST = SamplingConfig(steps=4, sr_steps=2)


def ablated(source, target, *, steps=None, **schedule):
    """A copy of a cascade whose base stage is told another label schedule."""
    shutil.copytree(source, target)
    path = target / "base" / "config.json"
    record = read_json(path)
    record["task"]["stage"]["process"]["layout_schedule"] |= schedule
    if steps is not None:
        record["training"] = {"steps": steps}
    write_json(path, record)
    return target


@pytest.fixture
def linear(toy, tmp_path):
    return ablated(toy.reference, tmp_path / "linear", steps=7, name="linear")


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (ScheduleConfig(), "cosine"),
        (ScheduleConfig(power=0.5), "cosine-p0.5"),
        (ScheduleConfig(name="linear"), "linear"),
    ],
)
def test_names(config, expected):
    assert schedule_name(config) == expected


def test_cascades_of_different_schedules(toy, linear, monkeypatch):
    found = load_variants([linear, toy.reference], toy.identity, FAST)
    assert [one.schedule for one in found] == ["linear", "cosine"]
    assert [one.training_steps for one in found] == [7, None]
    assert found[0].cascade.config == FAST
    data = open_dataset(str(toy.data), "test", size=(16, 16), data_root=None)
    check_dataset(found, data)
    monkeypatch.setattr(data, "name", "spots")
    with pytest.raises(ValueError, match="linear: expected a cascade trained on spots, got one of"):
        check_dataset(found, data)
    with pytest.raises(ValueError, match="expected the classes of stripes .*'lawn'.* got"):
        check_dataset(found, Stripes(class_names=("sky", "road", "lawn")))


def test_too_few_or_the_same_schedule(toy, linear, tmp_path):
    with pytest.raises(ValueError, match="expected two or more folders .* got .*linear; train"):
        load_variants([linear], toy.identity, FAST)
    other = ablated(linear, tmp_path / "other")
    with pytest.raises(ValueError, match="got linear in .*linear and in .*other; leave one"):
        load_variants([linear, toy.reference, other], toy.identity, FAST)


def test_folders_that_are_no_such_cascades(toy, linear, tmp_path):
    for folder in (toy.reference / "base", tmp_path / "nothing"):
        with pytest.raises(FileNotFoundError, match=r"base stage \(.*\), found none; give the"):
            load_variants([linear, folder], toy.identity, FAST)
    with pytest.raises(ValueError, match="imagen: expected a cascade of images and layouts"):
        load_variants([linear, toy.imagen], toy.identity, FAST)


def test_cascades_that_differ_in_more(toy, linear, tmp_path):
    power = ablated(toy.reference, tmp_path / "power", power=0.5)
    path = power / "base" / "config.json"
    record = read_json(path)
    record["task"]["stage"]["loss"]["layout_weight"] = 0.0
    write_json(path, record)
    with pytest.raises(ValueError, match=r"linear and .*power differ in loss\.layout_weight; "):
        load_variants([linear, power], toy.identity, FAST)
    small = ablated(toy.reference, tmp_path / "small", power=2.0)
    shutil.rmtree(small / "sr")
    with pytest.raises(ValueError, match=r"one size, got \(16, 16\) in .* and \(8, 8\) in .*small"):
        load_variants([linear, small], toy.identity, FAST)

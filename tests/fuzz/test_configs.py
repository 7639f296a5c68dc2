"""Configurations and --set: whatever is given is a configuration or one clear message."""

import json
from dataclasses import fields, is_dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcdp_bench.core.config import from_dict, override, to_dict
from gcdp_bench.profiling.training_cost import TrainingCost
from gcdp_bench.training.loop import TrainingConfig
from reference_model.stage import StageConfig
from tests.fuzz.common import attempt, command_refused, refused
from tests.fuzz.test_manifests import JSON
from tests.properties import examples
from tests.reference_model.conftest import base_config

STAGE = base_config(layouts=True)
ODD = st.sampled_from(
    [
        None,
        True,
        -1,
        0,
        10**400,
        1e308,
        "",
        "a",
        [],
        {},
        [None],
        [[]],
        -0.0,
        float("nan"),
        float("inf"),
        2**63,
        "9" * 5000,
        {"a": {}},
    ]
)
ODD |= JSON


def keys(data, trail=()):
    """Every place of a nested table."""
    for key, value in data.items():
        yield (*trail, key)
        if isinstance(value, dict):
            yield from keys(value, (*trail, key))


PLACES = sorted(keys(to_dict(STAGE)))


def replaced(data: dict, trail, value) -> dict:
    key, *rest = trail
    return {**data, key: replaced(data[key], rest, value) if rest else value}


@examples(250)
@given(place=st.sampled_from(PLACES), value=ODD)
def test_any_value_anywhere_is_a_configuration_or_refused(place, value):
    data = replaced(to_dict(STAGE), place, value)
    config, message = attempt(lambda: from_dict(StageConfig, data, where="config.json"))
    if message is None:
        assert is_dataclass(config) and json.dumps(to_dict(config), allow_nan=False)


@examples(200)
@given(data=JSON)
def test_any_json_is_a_configuration_or_refused(data):
    for kind in (StageConfig, TrainingConfig, TrainingCost):
        attempt(lambda kind=kind: from_dict(kind, data, where="config.json"))


@examples(250)
@given(
    place=st.sampled_from(PLACES),
    text=st.one_of(ODD.map(json.dumps), st.text(max_size=20), st.just("[" * 10_000)),
)
def test_any_assignment_is_a_configuration_or_refused(place, text):
    config, message = attempt(lambda: override(STAGE, [f"{'.'.join(place)}={text}"]))
    assert message is not None or isinstance(config, StageConfig)


@examples(200)
@given(assignment=st.text(max_size=30))
def test_any_text_is_no_assignment(assignment):
    names = {field.name for field in fields(StageConfig)}
    if assignment.partition("=")[0] not in names:
        refused(lambda: override(STAGE, [assignment]))


@pytest.mark.parametrize("name", ["unet", "process"])
def test_missing_unknown_and_repeated_keys_are_named(name):
    data = to_dict(STAGE)
    part = data[name]
    refused(lambda: from_dict(StageConfig, {**data, name: {**part, "extra": 1}}), "extra")
    refused(lambda: from_dict(StageConfig, {**data, "\0" * 5000: 1}))


@pytest.mark.parametrize(
    "assignment",
    [
        "training.steps=NaN",
        "training.learning_rate=NaN",
        "training.learning_rate=-Infinity",
        "training.learning_rate=1e999",
        "training.steps=" + "9" * 5000,
        "training.steps=" + "[" * 100_000,
        'training={"a": 1, "a": 2}',
        "training.steps",
        "=1",
        "nothing=1",
        "training..steps=1",
        "training.steps.x=1",
        "training.steps=\x1b[31m",
        "stage.unet.dim=true",
        "stage.unet.dim_mults=[[1]]",
        "stage={}",
        "training=null",
    ],
)
def test_commands_refuse_a_setting_in_one_line(assignment, toy):
    line = command_refused(
        [
            "train",
            "reference",
            "--dataset",
            toy.data,
            "--stage",
            "base",
            "--dry-run",
            "--set",
            assignment,
        ]
    )
    assert len(line) < 1000 and "\x1b" not in line

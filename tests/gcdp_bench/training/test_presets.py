"""A preset becomes a run; `--set` names the network's configuration by its key."""

from dataclasses import dataclass

import pytest

from gcdp_bench.training.loop import TrainingConfig
from gcdp_bench.training.presets import Preset
from tests.reference_model.conftest import Stripes


@dataclass(frozen=True)
class Shape:
    dataset: str
    width: int = 4


PRESET = Preset(
    key="shape",
    width=128,
    config=lambda dataset: Shape(dataset.name),
    training=TrainingConfig(steps=10, batch_size=2, learning_rate=1e-3),
)


def test_settings_are_overridden_by_key():
    run = PRESET.resolve(Stripes()).overridden(["steps=7", "shape.width=5", "training.seed=3"])
    assert run.config == Shape("stripes", 5)
    assert (run.training.steps, run.training.seed) == (7, 3)
    assert run.training.batch_size == PRESET.training.batch_size
    assert list(run.tables()) == ["shape", "training"]


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("shape.with=5", "shape: unknown key 'with'; did you mean 'width'"),
        ("form.width=5", "unknown key 'form'; known keys: shape, training"),
        ("shape.width=wide", "--set.shape.width: expected int, got 'wide'"),
        ("step=7", "training: unknown key 'step'; did you mean 'steps'"),
    ],
)
def test_unknown_keys_and_values_are_named(assignment, message):
    with pytest.raises(ValueError, match=message):
        PRESET.resolve(Stripes()).overridden([assignment])


def test_a_preset_without_a_check_passes_every_size():
    PRESET.check_size((1, 7))

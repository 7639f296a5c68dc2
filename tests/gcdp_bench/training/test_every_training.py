"""Contract of all trainings: stopped or killed, and given again, they end with the same bytes."""

import random
from functools import partial
from pathlib import Path

import pytest

from gcdp_bench.generators.registry import NETWORKS
from tests.forks import forked
from tests.kills import finished, killed_at
from tests.trainings import HALF, TRAININGS

NUM_KILLS = 3
MEASURED = {"cost.json", "state.json"}  # with the time that it took
LOOKED_AT = {"tensorboard", "previews"}  # those of a stop are not those of the whole run


def contents(run: Path) -> dict[Path, bytes]:
    """Everything that is used later: checkpoints, and what the training leaves."""
    places = [path.relative_to(run) for path in run.rglob("*") if path.is_file()]
    return {
        place: (run / place).read_bytes()
        for place in places
        if place.name not in MEASURED and place.parts[0] not in LOOKED_AT
    }


def assert_same(run: Path, whole: Path) -> None:
    expected, found = contents(whole), contents(run)
    assert expected.keys() == found.keys() and len(expected) > 6
    assert not [place for place in expected if expected[place] != found[place]]


def test_every_network_is_here():
    assert {name.partition(" ")[0] for name in TRAININGS} == set(NETWORKS)


QUICK = ("reference", "lafite", "segmenter")
"""A cascade's stage, adversarial training, a network that evaluates."""


@pytest.mark.parametrize(
    "name",
    [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in TRAININGS],
)
def test_resume_equals_an_uninterrupted_run(name, trained, tmp_path):
    whole, run = trained(name), tmp_path / "run"
    TRAININGS[name].run(run, whole.with_name("parts"), steps=HALF)
    TRAININGS[name].run(run, whole.with_name("parts"), resume=True)
    assert_same(run, whole)


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAININGS)
def test_kills_change_no_byte(name, trained, tmp_path):
    whole, run = trained(name), tmp_path / "run"
    source, num_written = random.Random(name), len(contents(whole))

    def work(dies_at: int) -> None:
        killed_at(dies_at)()
        TRAININGS[name].run(run, whole.with_name("parts"), resume=True)

    for _ in range(NUM_KILLS):
        finished(forked(partial(work, source.randint(1, num_written))))
    TRAININGS[name].run(run, whole.with_name("parts"), resume=True)
    assert_same(run, whole)
    assert not list(run.rglob(".*.tmp"))

"""Jobs of one process: each once, those of others last in their stage."""

from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from gcdp_bench.core.progress import Silent
from gcdp_bench.sweep import Paths, points
from gcdp_bench.sweep.jobs import Job, once
from gcdp_bench.sweep.points import claim, claimed


def point(guidance: float, **changes) -> Job:
    settings: dict[str, Any] = {"kind": "sample and score", "captions": range(4)} | changes
    return Job(model="imagen", guidance=guidance, **settings)


FIRST, SECOND, THIRD = map(point, (1.0, 2.0, 4.0))
NOBODY: Any = None


@pytest.fixture
def claims(monkeypatch):
    """Claims of jobs as they are asked for; those of `elsewhere` are another process's."""
    found = SimpleNamespace(calls=[], elsewhere=())

    @contextmanager
    def claim(sweep, job, *, wait=True):
        found.calls.append((job, wait))
        yield wait or job not in found.elsewhere

    monkeypatch.setattr(points, "claim", claim)
    return found


def test_a_job_that_chains_share_is_done_once(claims):
    chains = [iter([[FIRST], [SECOND]]), iter([[FIRST, THIRD]])]
    assert list(claimed(NOBODY, chains)) == [FIRST, SECOND, THIRD]
    assert claims.calls == [(FIRST, False), (SECOND, False), (THIRD, False)]


def test_what_another_process_does_is_waited_for_within_its_stage(claims):
    claims.elsewhere = (FIRST,)
    assert list(claimed(NOBODY, [iter([[FIRST, SECOND], [THIRD]])])) == [SECOND, FIRST, THIRD]
    assert claims.calls == [(FIRST, False), (SECOND, False), (FIRST, True), (THIRD, False)]


def test_the_next_stage_is_asked_for_when_the_last_job_is_done(claims):
    done = []

    def chain():
        yield [FIRST, SECOND]
        assert done == [FIRST, SECOND]
        yield [THIRD]

    for job in claimed(NOBODY, [chain()]):
        done.append(job)
    assert done == [FIRST, SECOND, THIRD]


def test_a_claim_is_one_process_s_until_its_job_ends_or_fails(tmp_path, monkeypatch):
    sent = []
    monkeypatch.setattr(points, "synchronise", lambda results, progress: sent.append(results))
    sweep: Any = SimpleNamespace(paths=Paths(results=tmp_path), progress=Silent())
    job = Job(kind="costs", model="imagen")
    with claim(sweep, job) as mine, claim(sweep, job, wait=False) as other:
        assert mine and not other and not sent
    assert sent == [tmp_path]
    with pytest.raises(FloatingPointError), claim(sweep, job):
        raise FloatingPointError
    assert sent == [tmp_path]
    with claim(sweep, job, wait=False) as mine:
        assert mine


def test_names_and_sizes():
    draw = point(1.5, kind="sample", seed=2, captions=range(100, 164))
    assert draw.num_drawn == 64
    assert str(draw) == "samples 100 to 163 of imagen at 1.5, seed 2"
    score = point(1.0, kind="score", seed=2)
    assert str(score) == "scores of imagen at 1, seed 2" and score.num_drawn == 0
    assert str(FIRST) == "imagen at 1, seed 0" and FIRST.num_drawn == 4
    assert str(Job(kind="renew", metrics=("a", "b"))) == "rows of older definitions: a, b"
    assert list(once(FIRST, SECOND)) == [(FIRST, SECOND)]

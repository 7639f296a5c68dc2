"""Which points are planned, from settings and recalls alone: nothing is sampled."""

from types import SimpleNamespace

import pytest

from gcdp_bench.core.progress import Silent
from gcdp_bench.sweep import plan
from gcdp_bench.sweep.config import GUIDANCE_LADDER
from gcdp_bench.sweep.shared import Sweep


@pytest.mark.parametrize(
    ("recalls", "expected"),
    [
        ([0.2, 0.5, 0.4, 0.4], 4),  # two values without a gain end it
        ([0.2, 0.5, 0.4, 0.6, 0.6, 0.6], 6),
        ([0.1 * place for place in range(1, 12)], len(GUIDANCE_LADDER)),
    ],
)
def test_guidance_rises_until_recall_saturates(recalls, expected, monkeypatch):
    measured = iter(recalls)
    monkeypatch.setattr(plan, "_point", lambda *arguments: iter([[]]))
    monkeypatch.setattr(plan, "recall", lambda sweep, request: next(measured))
    sweep = SimpleNamespace(request=lambda model, guidance, seed: guidance)
    assert len(list(plan._until_saturation(sweep, "imagen", 0, []))) == expected


def test_a_point_that_is_done_has_no_jobs(config, places, extractors, finished):
    sweep = Sweep(config, places, extractors, progress=Silent())
    requests = []
    chains = plan.points(sweep, requests)
    real, *points = ([[job.kind for job in stage] for stage in chain] for chain in chains)
    assert real == [["real"]] and points == [[]] * 4 and len(requests) == 4


def test_shards_come_before_the_score_that_needs_them(config, places, extractors):
    sweep = Sweep(config, places, extractors, progress=Silent())
    chain = plan._point(sweep, "imagen", 3.0, 0, [])
    stages = [[job.kind for job in stage] for stage in chain]
    assert stages == [["real", "sample"], ["score"]]

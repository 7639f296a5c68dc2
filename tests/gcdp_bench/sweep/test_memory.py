"""Resident memory stays flat; `python -m benchmarks.memory_sweep` is the long version."""

import pytest

from benchmarks.memory_sweep import measure
from gcdp_bench.core.sampling_config import SamplingConfig
from gcdp_bench.extractors.bundle import ExtractorRequest, load_extractors
from gcdp_bench.sweep import Paths, SweepConfig
from gcdp_bench.sweep.points import WORK, score_point
from tests.alone import alone

pytestmark = pytest.mark.slow

NUM_POINTS = 50
BOUND_BYTES = 256 * 1024  # the table's own lines are 60 KiB a point


def swept(toy, results, num_points):
    """What the sweep's memory does, in bytes per point."""
    config = SweepConfig(
        dataset=str(toy.data),
        models=("imagen",),
        guidance=tuple(1.0 + place / 10 for place in range(num_points)),
        num_samples=2,
        sampling=SamplingConfig(steps=1, sr_steps=1),
    )
    places = Paths(results=results, weights=(("imagen", toy.imagen),))
    extractors = load_extractors(
        ExtractorRequest(dataset=toy.identity, segmenter=str(toy.segmenter), clip=toy.clip)
    )
    found = measure(config, places, extractors)
    assert found["points"] >= num_points
    return found["slope_bytes"]


def leaking(toy, results, num_points):
    """The same, of a sweep that keeps 1 MiB a point."""
    kept = []

    def keep(sweep, job):
        kept.append(b"x" * 2**20)
        return score_point(sweep, job)

    WORK["score"] = keep
    return swept(toy, results, num_points)


def slope(sweep, toy, results, num_points):
    found = alone(sweep, toy, results, num_points)
    print(f"slope: {found:.0f} bytes per point")
    return found


def test_memory_does_not_grow_with_the_points(toy, tmp_path):
    assert slope(swept, toy, tmp_path, NUM_POINTS) < BOUND_BYTES


def test_a_sweep_that_keeps_what_it_made_is_seen(toy, tmp_path):
    assert slope(leaking, toy, tmp_path, NUM_POINTS // 2) > BOUND_BYTES

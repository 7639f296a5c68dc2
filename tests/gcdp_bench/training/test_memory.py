"""Resident memory stays flat; `python -m benchmarks.memory` is the long version."""

import pytest

from benchmarks.memory import Sums, measure
from tests.alone import alone

pytestmark = pytest.mark.slow

NUM_STEPS = 240
# half a batch: what keeps one of 64 KiB in every step is above it
BOUND_BYTES = 32 * 1024


class Keeps(Sums):
    """Keeps its batches."""

    def __init__(self):
        self.kept = []

    def losses(self, network, batch):
        self.kept.append(batch)
        return super().losses(network, batch)


def slope(task, folder):
    found = alone(measure, task, NUM_STEPS, folder)["slope_bytes"]
    print(f"slope: {found:.0f} bytes per step")
    return found


def test_memory_does_not_grow_with_the_steps(tmp_path):
    assert slope(Sums(), tmp_path) < BOUND_BYTES


def test_a_task_that_keeps_its_batches_is_seen(tmp_path):
    assert slope(Keeps(), tmp_path) > BOUND_BYTES

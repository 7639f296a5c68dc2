"""Resident memory stays flat; `python -m benchmarks.memory` is the long version."""

from benchmarks.memory import Sums, measure

NUM_STEPS = 240
# half a batch: what keeps one of 64 KiB in every step is above it
BOUND_BYTES = 32 * 1024


def test_memory_does_not_grow_with_the_steps(tmp_path):
    slope = measure(Sums(), NUM_STEPS, tmp_path)["slope_bytes"]
    print(f"slope: {slope:.0f} bytes per step")
    assert slope < BOUND_BYTES


def test_a_task_that_keeps_its_batches_is_seen(tmp_path):
    class Keeps(Sums):
        def __init__(self):
            self.kept = []

        def losses(self, network, batch):
            self.kept.append(batch)
            return super().losses(network, batch)

    assert measure(Keeps(), NUM_STEPS, tmp_path)["slope_bytes"] > BOUND_BYTES

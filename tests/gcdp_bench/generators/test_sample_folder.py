"""A writer of samples: what was drawn is on disk when its context ends, or the error is told."""

import threading

import pytest
import torch

from gcdp_bench.core.types import Batch
from gcdp_bench.datasets.folder import Folder
from gcdp_bench.generators.sample import SampleRequest
from gcdp_bench.generators.sample_folder import SampleWriter, read_record

REQUEST = SampleRequest(
    model="m",
    weights="w",
    dataset="d",
    split="test",
    num_samples=4,
    captions="c",
    guidance=1.0,
    seed=0,
)


def batch(*names):
    images = torch.zeros(len(names), 3, 4, 4, dtype=torch.uint8)
    return Batch(names, images, images[:, 0], tuple("a sky" for _ in names))


def writer(folder, **settings):
    return SampleWriter(folder, REQUEST, class_names=("sky",), device="cpu", **settings)


def test_all_batches_are_there_at_the_end(tmp_path):
    with writer(tmp_path, png_level=0) as samples:
        samples.write(batch("c", "d"), 1.0)
        samples.write(batch("a", "b"), 2.0)
        samples.finish(["a", "b", "c", "d"])
    assert [triplet.id for triplet in Folder(tmp_path)] == list("abcd")
    assert read_record(tmp_path).seconds == 3.0


def test_a_batch_is_written_while_the_next_is_drawn(tmp_path, monkeypatch):
    drawn = threading.Event()
    with writer(tmp_path) as samples:
        write = samples._write

        def wait_for_the_next(*arguments):
            assert drawn.wait(10)
            write(*arguments)

        monkeypatch.setattr(samples, "_write", wait_for_the_next)
        samples.write(batch("a"), 1.0)
        assert not samples.holds("a")
        drawn.set()
    assert samples.holds("a")


@pytest.mark.parametrize("interrupted", [False, True])
def test_what_was_drawn_before_an_interrupt_is_written(tmp_path, interrupted):
    def draw():
        with writer(tmp_path) as samples:
            samples.write(batch("a"), 1.0)
            if interrupted:
                raise KeyboardInterrupt

    if interrupted:
        with pytest.raises(KeyboardInterrupt):
            draw()
    else:
        draw()
    assert len(Folder(tmp_path)) == 1


def test_a_failed_write_is_told_at_the_next_one_or_at_the_end(tmp_path, monkeypatch):
    def refuse(samples):
        raise OSError("no room is left")

    for index, last in enumerate((True, False)):
        folder = tmp_path / str(index)
        with pytest.raises(OSError, match="no room is left"), writer(folder) as samples:
            monkeypatch.setattr(samples._writer, "write_all", refuse)
            samples.write(batch("a"), 1.0)
            if not last:
                samples.write(batch("b"), 1.0)
                raise AssertionError("expected the error of the batch before")

"""Batches: halved where memory ends, and the warning says so."""

import logging

import pytest
import torch

from gcdp_bench.core.batching import in_batches
from gcdp_bench.core.progress import Silent
from gcdp_bench.core.sampling_config import SamplingConfig
from gcdp_bench.datasets.folder import Folder
from gcdp_bench.evaluation import EvalOptions, extract_features
from gcdp_bench.extractors.bundle import ExtractorRequest, load_extractors
from gcdp_bench.generators.generate import CPU_BATCH
from gcdp_bench.generators.registry import GENERATORS
from gcdp_bench.generators.sample import SampleRequest, load_generator, sample_folder
from gcdp_bench.generators.sample_folder import read_record
from gcdp_bench.training.runs import find_run

OUT = "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 8 GiB"


def limited(limit, sizes):
    """Work that runs out of memory beyond `limit` items."""

    def work(items):
        sizes.append(len(items))
        if len(items) > limit:
            raise torch.OutOfMemoryError(OUT)
        return list(items)

    return work


@pytest.mark.parametrize("size", [1, 3, 10, 64])
def test_every_item_is_done_once_and_in_order(size):
    sizes = []
    done = in_batches(range(10), limited(64, sizes), size=size, what="work")
    assert [item for batch in done for item in batch] == list(range(10))
    assert max(sizes) == min(size, 10) and sum(sizes) == 10


def test_out_of_memory_halves_the_batch_for_good(caplog):
    sizes, what = [], "sample reference, guidance 2"
    with caplog.at_level(logging.WARNING):
        done = list(in_batches(range(9), limited(3, sizes), size=8, what=what))
    assert done == [[0, 1], [2, 3], [4, 5], [6, 7], [8]]
    assert sizes == [8, 4, 2, 2, 2, 2, 1]
    assert [record.getMessage() for record in caplog.records] == [
        "sample reference, guidance 2: out of memory with 8 images at a time (CUDA out of memory); "
        "going on with 4",
        "sample reference, guidance 2: out of memory with 4 images at a time (CUDA out of memory); "
        "going on with 2",
    ]


def test_one_image_that_is_too_much_ends_the_work():
    with pytest.raises(MemoryError, match="score: out of memory with one image at a time .*--devi"):
        list(in_batches(range(5), limited(0, []), size=4, what="score"))


def test_what_libraries_of_cuda_say_is_understood(caplog):
    def work(items):
        if len(items) > 2:
            raise RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate`")
        return len(items)

    assert list(in_batches(range(4), work, size=4, what="score")) == [2, 2]
    assert "CUBLAS_STATUS_ALLOC_FAILED" in caplog.text


def test_other_errors_are_not_hidden():
    def broken(items):
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        list(in_batches(range(5), broken, size=4, what="score"))


def test_sampling_and_scoring_go_on_with_smaller_batches(toy, tmp_path, monkeypatch, caplog):
    """A device that holds 3 images; the samples and what is seen in them stay the same."""
    captions = Folder(toy.data, "test")
    run = find_run(GENERATORS["reference"], toy.identity, toy.reference)
    generator, weights = load_generator(run, SamplingConfig(steps=2, sr_steps=1))
    request = SampleRequest(
        model="reference",
        weights=weights,
        dataset="stripes",
        split="test",
        num_samples=5,
        captions="five",
        guidance=2.0,
        seed=0,
    )
    extractors = load_extractors(
        ExtractorRequest(dataset=toy.identity, segmenter=str(toy.segmenter), clip=toy.clip)
    )

    def made(folder):
        sample_folder(generator, captions, request, folder, batch_size=16, progress=Silent())
        return extract_features(
            Folder(folder), extractors, EvalOptions(), progress=Silent(), task="score"
        )

    whole = made(tmp_path / "whole")
    kind, predict, sizes = type(generator), extractors.segmenter.predict, []

    def little_room(num, call):
        sizes.append(num)
        if num > 3:
            raise torch.OutOfMemoryError(OUT)
        return call()

    class Small(kind):
        device = "cuda"

        def sample(self, captions, **settings):
            return little_room(len(captions), lambda: kind.sample(self, captions, **settings))

    generator.__class__ = Small
    monkeypatch.setattr(
        "gcdp_bench.generators.sample_folder.drawn_on", lambda device: f"a small {device}"
    )
    monkeypatch.setattr(
        type(extractors.segmenter),
        "predict",
        lambda self, images: little_room(len(images), lambda: predict(images)),
    )
    parts = made(tmp_path / "parts")
    assert sizes == [5, 2, 2, 1, 5, 2, 2, 1]
    assert read_record(tmp_path / "parts").hardware == "a small cuda"
    assert parts.ids == whole.ids and len(caplog.records) == 2
    counts = [seen.segmenters[extractors.segmenter.name].counts for seen in (whole, parts)]
    assert abs(counts[0] - counts[1]).sum() <= 0.01 * counts[0].sum()


def test_on_the_cpu_a_sample_does_not_depend_on_its_batch(toy, tmp_path):
    """The same bytes, one by one, in one batch, in parts, or after a cut."""
    captions = Folder(toy.data, "test")
    run = find_run(GENERATORS["reference"], toy.identity, toy.reference)
    generator, weights = load_generator(run, SamplingConfig(steps=2, sr_steps=1))
    num = CPU_BATCH + 3
    request = SampleRequest(
        model="reference",
        weights=weights,
        dataset="stripes",
        split="test",
        num_samples=num,
        captions="all",
        guidance=2.0,
        seed=0,
    )

    def made(name, batch_size, *parts):
        for part in parts:
            sample_folder(
                generator,
                captions,
                request,
                tmp_path / name,
                part=part,
                batch_size=batch_size,
                progress=Silent(),
            )
        return {
            path.relative_to(tmp_path / name): path.read_bytes()
            for path in (tmp_path / name).rglob("[!.]*.*")
            if path.name != "samples.json"
        }

    whole = made("whole", 64, None)
    assert len(whole) == 2 * num + 2
    assert made("single", 1, None) == whole
    assert made("backwards", 64, *(range(n, min(n + 2, num)) for n in range(10, -1, -2))) == whole
    (tmp_path / "whole" / "captions.jsonl").write_text("")
    assert made("whole", 3, None) == whole

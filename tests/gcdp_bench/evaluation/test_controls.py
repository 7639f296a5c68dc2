"""Controls and alarms: useless networks raise them, networks that see do not."""

import re
from collections import Counter

import numpy as np
import pytest
import torch

from benchmarks.alarms import alarms_of, show
from gcdp_bench.core.progress import Silent
from gcdp_bench.datasets.identities import dataset_identity
from gcdp_bench.datasets.registry import open_dataset
from gcdp_bench.datasets.shuffled import shuffled
from gcdp_bench.evaluation import reference_statistics, score_controls
from gcdp_bench.evaluation.altered import ALTERATIONS, BLURRED, CONSTANT, NOISE, SHUFFLED
from gcdp_bench.evaluation.controls import REAL, TOGETHER
from gcdp_bench.evaluation.network_alarms import MIN_SAMPLES
from gcdp_bench.extractors.bundle import ExtractorRequest, load_extractors
from gcdp_bench.io.cache import UserCache
from gcdp_bench.metrics.lookup import lookup
from gcdp_bench.metrics.registry import DEFINITIONS
from gcdp_bench.metrics.spectrum import effective_rank
from gcdp_bench.results.schema import CONTROL_MODELS

SIZE = (64, 128)


class First:
    """The first images of a dataset."""

    def __init__(self, dataset, num):
        self.dataset, self.num, self.read = dataset, num, Counter()

    def __len__(self):
        return self.num

    def __getitem__(self, index):
        self.read[index] += 1
        return self.dataset[index]

    def __getattr__(self, name):
        return getattr(self.dataset, name)


def scored(extractors, dataset, num_samples, tmp_path):
    cache = UserCache(tmp_path)
    reference = reference_statistics(dataset, extractors, cache, Silent())
    return score_controls(reference, extractors, cache, Silent(), num_samples=num_samples)


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    dataset = First(open_dataset("synth-city-25", "test", size=SIZE, data_root=None), 100)
    extractors = load_extractors(ExtractorRequest(dataset=dataset_identity("synth-city-25")))
    return scored(extractors, dataset, 100, tmp_path_factory.mktemp("sound"))


@pytest.fixture(scope="module", params=[96, pytest.param(200, marks=pytest.mark.slow)])
def pool(request):
    dataset = open_dataset("synth-city-25", "test", size=SIZE, data_root=None)
    extractors = load_extractors(ExtractorRequest(dataset=dataset_identity("synth-city-25")))
    return show(dataset, extractors, request.param)


@pytest.fixture(scope="module")
def useless(tmp_path_factory, toy):
    dataset = open_dataset(str(toy.data), "test", size=(16, 16), data_root=None)
    request = ExtractorRequest(
        dataset=dataset_identity(str(toy.data)), segmenter=str(toy.segmenter), clip=toy.clip
    )
    return scored(load_extractors(request), dataset, 12, tmp_path_factory.mktemp("useless"))


@pytest.mark.slow
def test_the_pretrained_networks_raise_no_alarm(sound):
    assert [alarm.sentence for alarm in sound.alarms] == []


def test_every_control_has_rows_of_what_it_changes(useless):
    metrics = {
        control: {one.value.metric for one in values} for control, values in useless.values.items()
    }
    assert set(metrics) == set(CONTROL_MODELS)
    for control in (NOISE, CONSTANT, BLURRED):
        assert {"fid-hrnet", "miou", "semantic_recall", "clip-x100"} <= metrics[control]
    assert "semantic_recall" in metrics[SHUFFLED] and "fid-hrnet" not in metrics[SHUFFLED]


def test_untrained_networks_raise_alarms_with_reason_and_remedy(useless):
    ids = {alarm.id for alarm in useless.alarms}
    assert {"few-samples", "segmentation-poor", "clip-chance"} <= ids
    assert ids & {NOISE, CONSTANT}
    for alarm in useless.alarms:
        assert ";" in alarm.sentence and alarm.metrics
        for metric in alarm.metrics:
            lookup(metric)


def test_rows_and_lines_of_evaluate_carry_the_alarms(useless):
    import pandas as pd

    (segmenter,) = {a.extractor for a in useless.alarms if a.id == "segmentation-poor"}
    frame = pd.DataFrame(
        {
            "metric": ["semantic_recall@1%", "miou", "clip-x100"],
            "extractor": [segmenter, segmenter, "another"],
        }
    )
    marked = useless.marked(frame)["alarm"]
    assert all("segmentation-poor" in text for text in marked[:2]) and marked[2] == "none"
    lines = useless.alarm_frame()
    assert set(lines["metric"]) == {f"alarm:{alarm.id}" for alarm in useless.alarms}


def test_the_order_of_the_split_changes_nothing(toy, useless, tmp_path):
    dataset = shuffled(open_dataset(str(toy.data), "test", size=(16, 16), data_root=None))
    request = ExtractorRequest(
        dataset=dataset_identity(str(toy.data)), segmenter=str(toy.segmenter), clip=toy.clip
    )
    other = scored(load_extractors(request), dataset, 12, tmp_path)
    assert sorted(one.sentence for one in other.alarms) == sorted(
        one.sentence for one in useless.alarms
    )


def test_shares_in_sentences_are_in_percent(useless):
    text = " ".join(alarm.sentence for alarm in useless.alarms)
    assert re.search(r"miou \d+\.\d\d % against \d+\.\d\d %", text)


def asked(control):
    return {metric for metric, one in DEFINITIONS.items() if control in one.controls}


def test_these_metrics_tell_controls_from_real_images():
    """What a control leaves as it was is not held against it: areas outlive a blur."""
    distances = {
        *("fid-tf1", "fid-clean", "fid-torch", "fid-hrnet", "fd-dinov2"),
        *("kid-tf1", "kid-hrnet", "cmmd"),
    }
    empty = {"semantic_recall", "miou", "fsd_predicted", "clip-x100", *distances}
    assert asked(BLURRED) == {"miou", *distances}
    assert asked(NOISE) == asked(CONSTANT) == {*empty, "precision-tf1", "precision-hrnet"}
    assert asked(SHUFFLED) == {"semantic_recall", "attribute_recall"}
    assert {metric for group in TOGETHER.values() for metric in group} <= set(DEFINITIONS)


@pytest.mark.slow
def test_few_real_images_do_not_make_sound_networks_suspicious(pool):
    """Every draw of a small split; the long form with its rates is `benchmarks/alarms.py`."""
    size = len(pool.seen[REAL])
    for num in {64, size} if size == 200 else {64}:
        for draw in range(3):
            order = np.random.default_rng(draw).permutation(size)[:num]
            assert dict(alarms_of(pool, order, num)) == {}


@pytest.mark.slow
def test_real_images_are_read_once_more_at_most(tmp_path):
    dataset = First(open_dataset("synth-city-25", "test", size=SIZE, data_root=None), 20)
    extractors = load_extractors(ExtractorRequest(dataset=dataset_identity("synth-city-25")))
    cache = UserCache(tmp_path)
    reference = reference_statistics(dataset, extractors, cache, Silent())
    dataset.read.clear()
    score_controls(reference, extractors, cache, Silent(), num_samples=20)
    assert len(dataset.read) == 20 and set(dataset.read.values()) == {1}


@pytest.mark.parametrize("shape", [(3, 16, 32), (3, 5, 9)])
def test_controls_keep_the_shape_and_say_nothing_of_the_image(shape):
    one, other = (torch.randint(256, shape, dtype=torch.uint8) for _ in range(2))
    for control, alter in ALTERATIONS.items():
        assert alter(one, 0).shape == shape and alter(one, 0).dtype == torch.uint8
        assert torch.equal(alter(one, 3), alter(one, 3))
        if control != BLURRED:
            assert torch.equal(alter(one, 1), alter(other, 1))
    assert not torch.equal(ALTERATIONS[NOISE](one, 0), ALTERATIONS[NOISE](one, 1))
    assert ALTERATIONS[CONSTANT](one, 0).unique().numel() == 1
    assert ALTERATIONS[BLURRED](one, 0).float().std() < one.float().std()


@pytest.mark.parametrize("rank", [1, 3, 8])
def test_effective_rank_of_equal_directions_is_their_number(rank):
    x = np.zeros((2 * rank, 10))
    x[np.arange(2 * rank), np.arange(2 * rank) % rank] = np.repeat([1.0, -1.0], rank)
    assert effective_rank(x) == pytest.approx(rank)
    assert np.isnan(effective_rank(np.ones((4, 3)))) and MIN_SAMPLES == 50

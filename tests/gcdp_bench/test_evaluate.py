"""Scoring in one pass: every number against a computation of its own."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gcdp_bench.datasets.folder import Folder
from gcdp_bench.evaluate import derangement, reference_statistics, score, score_real
from gcdp_bench.extractors.bundle import load_extractors
from gcdp_bench.progress import Silent


@pytest.fixture(scope="module")
def judges(toy):
    return load_extractors("shipped", str(toy.data), segmenter=toy.segmenter, clip=toy.clip)


@pytest.fixture(scope="module")
def data(toy):
    return Folder(toy.data, "test")


@pytest.fixture
def reference(data, judges, tmp_path):
    return reference_statistics(data, judges, tmp_path, Silent())


def totals(scores):
    return {v.metric: v.value for v in scores.values if v.class_name == "all"}


def test_values_equal_their_definitions(data, judges, reference):
    found = totals(score(data, reference, judges, has_layouts=True, progress=Silent()))
    triplets = [data[i] for i in range(len(data))]
    images = torch.stack([t.image for t in triplets])
    layouts = torch.stack([t.layout for t in triplets])
    seen = judges.segmenter.predict(images)
    recalls, hits, union = [], np.zeros(3), np.zeros(3)
    for triplet, predicted in zip(triplets, seen.layouts, strict=True):
        asked = data.caption_classes(triplet.caption)
        there = set(predicted.unique().tolist())
        recalls.append(len(asked & there) / len(asked))
    for k in range(3):
        hits[k] = ((layouts == k) & (seen.layouts == k)).sum()
        union[k] = ((layouts == k) | (seen.layouts == k)).sum()
    assert found["semantic_recall"] == pytest.approx(np.mean(recalls))
    assert found["miou"] == pytest.approx(np.mean(hits / union))
    assert found["fid-hrnet"] == pytest.approx(0, abs=1e-6)  # the same images on both sides
    assert found["fsd_generated"] == pytest.approx(0, abs=1e-4)
    cosines = judges.clip.cosines(images, [t.caption for t in triplets]).cosines
    assert found["clip_score"] == pytest.approx(100 * cosines.mean(), rel=1e-5)


def test_the_reference_is_cached_by_content(data, judges, reference, tmp_path):
    assert len(list(tmp_path.glob("reference-*.npz"))) == 1

    class Jobs(Silent):
        names = []

        def start(self, task, total, **options):
            self.names.append(task)

    again = reference_statistics(data, judges, tmp_path, Jobs())
    assert Jobs.names == ["read stripes"]
    assert np.array_equal(again.features, reference.features)


def test_real_images_are_compared_with_the_others(data, judges, reference):
    ceiling = score_real(data, reference, judges, num_samples=5, shuffled=False, progress=Silent())
    assert totals(ceiling)["fid-hrnet"] > 0
    assert all(value.num_samples <= 5 for value in ceiling.values)
    floor = score_real(data, reference, judges, num_samples=5, shuffled=True, progress=Silent())
    own, other = ceiling.per_sample, floor.per_sample
    assert own["found"].tolist() == other["found"].tolist()
    assert own["caption"].tolist() != other["caption"].tolist()
    with pytest.raises(ValueError, match="expected at most 10 .*, got 11; lower --num-samples"):
        score_real(data, reference, judges, num_samples=11, shuffled=False, progress=Silent())


def test_other_classes_are_refused(data, judges, reference):
    class Renamed(Folder):
        class_names = ("x", "y", "z")

    renamed = object.__new__(Renamed)
    renamed.__dict__ = {**data.__dict__, "class_names": ("x", "y", "z")}
    with pytest.raises(ValueError, match="expected the classes of the reference"):
        score(renamed, reference, judges, has_layouts=True, progress=Silent())


@given(st.integers(2, 200))
def test_a_derangement_moves_everything(num):
    order = derangement(num)
    assert sorted(order) == list(range(num))
    assert all(place != index for place, index in enumerate(order))
    assert order == derangement(num)

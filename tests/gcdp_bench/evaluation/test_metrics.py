"""Scoring: every number against a computation of its own."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gcdp_bench.core.progress import Silent
from gcdp_bench.core.types import MetricValue
from gcdp_bench.datasets.folder import Folder
from gcdp_bench.evaluation import (
    EvalOptions,
    evaluate,
    extract_features,
    reference_statistics,
    rescore_captions,
    score_generated,
    score_real,
)
from gcdp_bench.evaluation.metrics import derangement
from gcdp_bench.extractors.bundle import ExtractorRequest, load_extractors
from gcdp_bench.io.cache import UserCache
from gcdp_bench.metrics.lookup import installed_metrics
from tests.packages import install_spread


@pytest.fixture(scope="module")
def extractors(toy):
    return load_extractors(
        ExtractorRequest(dataset=toy.identity, segmenter=str(toy.segmenter), clip=toy.clip)
    )


@pytest.fixture(scope="module")
def data(toy):
    return Folder(toy.data, "test")


@pytest.fixture
def reference(data, extractors, tmp_path):
    return reference_statistics(data, extractors, UserCache(tmp_path), Silent())


@pytest.fixture
def seen(data, extractors):
    return extract_features(data, extractors, EvalOptions(), progress=Silent(), task="look")


def totals(scores):
    return {j.value.metric: j.value.value for j in scores.values if j.value.class_name == "all"}


def test_values_equal_their_definitions(data, extractors, reference, seen):
    found = totals(score_generated(seen, reference, extractors))
    triplets = [data[i] for i in range(len(data))]
    images = torch.stack([t.image for t in triplets])
    layouts = torch.stack([t.layout for t in triplets])
    predicted = extractors.segmenter.predict(images).layouts
    recalls, hits, union = [], np.zeros(3), np.zeros(3)
    for triplet, layout in zip(triplets, predicted, strict=True):
        prompted = data.caption_classes(triplet.caption)
        there = set(layout.unique().tolist())
        recalls.append(len(prompted & there) / len(prompted))
    for k in range(3):
        hits[k] = ((layouts == k) & (predicted == k)).sum()
        union[k] = ((layouts == k) | (predicted == k)).sum()
    assert found["semantic_recall"] == pytest.approx(np.mean(recalls))
    assert found["miou"] == pytest.approx(np.mean(hits / union))
    assert found["fid-hrnet"] == pytest.approx(0, abs=1e-6)  # the same images on both sides
    assert found["fsd_generated"] == pytest.approx(0, abs=1e-4)
    cosines = extractors.clip.cosines(images, [t.caption for t in triplets]).cosines
    assert found["clip-x100"] == pytest.approx(100 * cosines.mean(), rel=1e-5)
    for metric in ("kid-hrnet", "density-hrnet", "coverage-hrnet", "semantic_recall@1%"):
        assert np.isfinite(found[metric])


def test_of_a_generator_without_captions_nothing_of_captions_is_defined(
    reference, seen, extractors
):
    prompted = score_generated(seen, reference, extractors)
    silent = score_generated(seen, reference, extractors, captions=False)
    missing = totals(prompted).keys() - totals(silent).keys()
    assert {"semantic_recall", "semantic_precision", "clip-x100"} <= missing
    assert {"miou", "fid-hrnet", "fsd_generated", "fsd_predicted"} <= totals(silent).keys()
    assert silent.per_sample["clip"].isna().all() and not silent.per_sample["prompted"].any()


def test_every_value_names_its_extractor(extractors, reference, seen):
    for scored in score_generated(seen, reference, extractors).values:
        metric = scored.value.metric
        if metric.startswith("fsd_generated"):
            assert (scored.extractor, scored.num_reference) == ("none", 12)
        elif metric.startswith("clip"):
            assert scored.extractor == extractors.clip.name
        else:
            assert scored.extractor == extractors.segmenter.name and scored.primary


def test_an_image_only_generator_has_no_layout_values(data, extractors, reference):
    eval_options = EvalOptions(has_layouts=False)
    blind = extract_features(data, extractors, eval_options, progress=Silent(), task="look")
    found = totals(score_generated(blind, reference, extractors))
    assert "miou" not in found and "fsd_generated" not in found and "fsd_predicted" in found


class Attributed(Folder):
    """Images that are said to be bright or not."""

    attribute_names = ("bright",)

    def attributes(self, index):
        return torch.tensor([index % 2 == 0])

    def caption_attributes(self, caption):
        return {0: "car" in caption}


@pytest.mark.parametrize("attributed", [False, True])
@pytest.mark.parametrize("classified", [False, True])
def test_attribute_recall_needs_attributes_and_a_classifier(
    toy, extractors, reference, seen, attributed, classified
):
    classifier = SimpleNamespace(name="lamp", resizer="native", thresholds=torch.tensor([0.5]))
    dataset = Attributed(toy.data, "test") if attributed else reference.dataset
    with_classifier = seen.with_arrays({"attributes": np.full((len(seen), 1), 0.9, np.float32)})
    scores = score_generated(
        with_classifier if classified else seen,
        replace(reference, dataset=dataset),
        replace(extractors, attributes=classifier if classified else None),
    )
    found = {scored.value.metric for scored in scores.values if scored.extractor == "lamp"}
    assert ("attribute_recall" in found) == (attributed and classified)


def without_layouts(seen):
    return replace(seen, arrays={n: array for n, array in seen.arrays.items() if n != "layouts"})


@pytest.mark.parametrize("ours", [False, True])
@pytest.mark.parametrize("theirs", [False, True])
def test_the_distance_of_own_layouts_needs_both_sides(reference, extractors, seen, ours, theirs):
    """`fsd_generated` compares the layouts that come with the images."""
    own, others = seen.part(0, 5), seen.part(5, None)
    own = own if ours else without_layouts(own)
    others = others if theirs else without_layouts(others)
    scores = score_real(own, others, reference, extractors, "real-vs-real")
    found = {scored.value.metric for scored in scores.values}
    assert ("fsd_generated" in found) == (ours and theirs)
    assert "fsd_predicted" in found


def test_real_rows_hold_what_they_stand_for(data, extractors, reference, seen):
    own, others = seen.part(0, 5), seen.part(5, None)
    ceiling = score_real(own, others, reference, extractors, "real-own")
    captions = [own.captions[index] for index in derangement(5)]
    prompted = rescore_captions(data, own, captions, extractors)
    floor = score_real(prompted, others, reference, extractors, "real-shuffled")
    split = score_real(own, others, reference, extractors, "real-vs-real")
    assert totals(split)["fid-hrnet"] > 0 and "semantic_recall" not in totals(split)
    assert {"semantic_recall", "miou"} <= set(totals(ceiling))
    assert "fid-hrnet" not in totals(ceiling) and "miou" not in totals(floor)
    assert ceiling.per_sample["detected"].tolist() == floor.per_sample["detected"].tolist()
    assert ceiling.per_sample["caption"].tolist() != floor.per_sample["caption"].tolist()
    again = extractors.clip.cosines(torch.stack([data[i].image for i in range(5)]), captions)
    assert np.allclose(prompted.cosines, again.cosines, atol=1e-6)


def test_features_are_extracted_and_scored_in_one_call(data, extractors, reference, seen):
    options = EvalOptions(match_captions=False)
    found = evaluate(data, reference, extractors, options, progress=Silent(), task="look")
    apart = score_generated(found.seen, reference, extractors, captions=False)
    assert np.array_equal(found.seen.features["hrnet"], seen.features["hrnet"])
    assert found.frame().equals(apart.frame()) and "semantic_recall" not in totals(found)
    assert found.per_sample.equals(apart.per_sample)


def test_a_metric_of_an_installed_package_is_scored_of_samples_and_real_images(
    extractors, reference, seen, tmp_path, monkeypatch
):
    without = score_generated(seen, reference, extractors)
    install_spread(tmp_path / "a", monkeypatch)
    scores = score_generated(seen, reference, extractors)
    *others, last = scores.values
    spread = seen.features["hrnet"].std(0).mean()
    assert others == without.values and last.extractor == extractors.features[0].name
    assert (last.value.metric, last.value.value) == ("spread", pytest.approx(float(spread)))
    line = scores.frame().iloc[-1]
    assert (line["metric"], line["definition"]) == ("spread", "2")
    own, rest = seen.part(0, 5), seen.part(5, None)
    for source, is_scored in (
        ("real-own", True),
        ("real-shuffled", False),
        ("real-vs-real", False),
    ):
        scored = totals(score_real(own, rest, reference, extractors, source))
        assert ("spread" in scored) == is_scored


def test_a_metric_of_an_installed_package_may_change_its_arguments(
    extractors, reference, seen, tmp_path, monkeypatch
):
    install_spread(tmp_path / "a", monkeypatch)

    def emptied(features):
        features[:] = 0.0
        return [MetricValue("spread", "all", float(features.sum()), len(features))]

    monkeypatch.setattr("spread_of_tests.SPREAD", replace(installed_metrics()[0], fn=emptied))
    before = {name: array.copy() for name, array in seen.arrays.items()}
    assert totals(score_generated(seen, reference, extractors))["spread"] == 0.0
    for name, array in seen.arrays.items():
        np.testing.assert_array_equal(array, before[name])


def test_a_value_that_its_metric_does_not_define_is_refused(
    extractors, reference, seen, tmp_path, monkeypatch
):
    install_spread(tmp_path / "a", monkeypatch)
    wrong = replace(installed_metrics()[0], fn=lambda x: [MetricValue("width", "all", 1.0, 5)])
    monkeypatch.setattr("spread_of_tests.SPREAD", wrong)
    with pytest.raises(ValueError, match="metric spread .*: expected values of spread, got width"):
        score_generated(seen, reference, extractors)


@given(st.integers(2, 200))
def test_a_derangement_moves_everything(num):
    order = derangement(num)
    assert sorted(order) == list(range(num))
    assert all(place != index for place, index in enumerate(order))
    assert order == derangement(num)

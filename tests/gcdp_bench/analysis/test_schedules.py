"""Two schedules side by side: what is scored and what is held against the end of each run."""

import shutil
from dataclasses import replace

import pandas as pd
import pytest
import torch

from gcdp_bench.analysis.schedules import (
    CONVERGED_COLUMNS,
    LEVEL_COLUMNS,
    ORDER_COLUMNS,
    SCORE_COLUMNS,
    ScheduleRequest,
    analyze_schedules,
    summary_lines,
)
from gcdp_bench.analysis.variants import load_variants
from gcdp_bench.core.progress import Silent
from gcdp_bench.core.rng import derive_seed
from gcdp_bench.core.sampling_config import SamplingConfig
from gcdp_bench.datasets.folder import Folder
from gcdp_bench.datasets.registry import open_dataset
from gcdp_bench.datasets.shuffled import shuffled
from gcdp_bench.evaluation import EvalOptions, extract_features
from gcdp_bench.extractors.bundle import ExtractorRequest, load_extractors
from gcdp_bench.metrics.layout_iou import iou_values
from reference_model.schedules import respaced_steps
from tests.gcdp_bench.analysis.test_variants import ablated

FAST = SamplingConfig(steps=5, sr_steps=2)
REQUEST = ScheduleRequest(num_samples=4, guidance=2.0, batch_size=3)


@pytest.fixture(scope="module")
def parts(toy, tmp_path_factory):
    root = tmp_path_factory.mktemp("schedules")
    linear = ablated(toy.reference, root / "linear", steps=7, name="linear")
    cosine = ablated(toy.reference, root / "cosine", steps=9)
    variants = load_variants([cosine, linear], toy.identity, FAST)
    dataset = shuffled(open_dataset(str(toy.data), "test", size=(16, 16), data_root=None))
    extractors = load_extractors(
        ExtractorRequest(dataset=toy.identity, segmenter=str(toy.segmenter), clip=toy.clip)
    )
    return variants, dataset, extractors


def analyse(parts, folder, request=REQUEST):
    variants, dataset, extractors = parts
    return analyze_schedules(variants, dataset, extractors, request, folder, progress=Silent())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("out")


@pytest.fixture(scope="module")
def found(parts, folder):
    return analyse(parts, folder)


def test_scores_are_those_of_the_samples(parts, found, folder):
    variants, dataset, extractors = parts
    assert tuple(found.scores.columns) == SCORE_COLUMNS
    totals = found.scores[found.scores["class"] == "all"]
    totals = totals.set_index(["schedule", "source", "metric"])["value"]
    for variant in variants:
        samples = Folder(folder / "samples" / variant.schedule)
        drawn = variant.cascade.sample(
            [dataset[place].caption for place in range(3)],
            guidance=2.0,
            seeds=[derive_seed(0, place) for place in range(3)],
        )
        assert torch.equal(samples[2].image, drawn.images[2])
        seen = extract_features(samples, extractors, EvalOptions(), progress=Silent(), task="")
        confusions = seen.segmenters[extractors.segmenters[0].name].confusions
        miou, *_ = iou_values(confusions, extractors.segmenters[0].class_names)
        assert totals[variant.schedule, "generated", "miou"] == miou.value
        for metric in ("fid-hrnet", "fsd_generated", "fsd_predicted", "semantic_recall"):
            assert (variant.schedule, "generated", metric) in totals.index
    assert {
        ("none", "real-own", "miou"),
        ("none", "real-own", "semantic_recall"),
        ("none", "real-vs-real", "fid-hrnet"),
    } <= set(totals.index)
    real = found.scores[found.scores["schedule"] == "none"]
    assert real[["guidance", "steps", "seed", "training_steps"]].isna().all(axis=None)
    assert found.scores["training_steps"].dropna().unique().tolist() == [9, 7]


def test_curves_end_at_the_end(found):
    assert tuple(found.order.columns) == ORDER_COLUMNS
    assert tuple(found.converged.columns) == CONVERGED_COLUMNS
    for (_, quantity), own in found.order.groupby(["schedule", "quantity"]):
        assert own["t"].tolist() == list(respaced_steps(50, 5))
        if quantity in ("kept_prediction", "image_r2"):
            assert own["value"].iloc[-1] == pytest.approx(1.0)
    leads = found.converged.set_index(["schedule", "quantity"])["value"]
    for schedule in ("cosine", "linear"):
        lead = leads[schedule, "kept_prediction"] - leads[schedule, "image_r2"]
        assert leads[schedule, "lead_of_prediction"] == pytest.approx(lead)


def test_levels_are_those_of_the_schedules(found):
    assert tuple(found.levels.columns) == LEVEL_COLUMNS
    levels = found.levels.set_index(["chain", "schedule", "t"])["alpha_bar"]
    assert len(levels) == 3 * 51
    assert levels["layout", "linear", 25] == pytest.approx(0.0821, abs=1e-4)  # exp(-10 / 4)
    assert levels["layout", "cosine", 0] == levels["image", "cosine", 0] == 1.0
    assert levels["image", "cosine", 25] == pytest.approx(0.494, abs=1e-3)


def test_a_rerun_draws_nothing_and_another_request_is_refused(parts, found, folder):
    kept = [*folder.rglob("images/*.png"), *folder.rglob("curves/*.npz")]
    before = {path: path.stat().st_mtime_ns for path in kept}
    again = analyse(parts, folder)
    pd.testing.assert_frame_equal(again.scores, found.scores)
    pd.testing.assert_frame_equal(again.order, found.order)
    assert len(kept) == 10 and before == {path: path.stat().st_mtime_ns for path in kept}
    with pytest.raises(ValueError, match="holds samples of another configuration"):
        analyse(parts, folder, replace(REQUEST, seed=1))


def test_summary(found):
    header, *lines, warning = summary_lines(found)
    assert header.split() == ["cosine", "linear"]
    assert [line[:20].strip() for line in lines][-3:] == ["t, image", "lead", "lead of prediction"]
    miou = found.scores[(found.scores["metric"] == "miou") & (found.scores["class"] == "all")]
    (line,) = [line for line in lines if line.startswith("miou")]
    for value in miou[miou["source"] == "generated"]["value"]:
        assert f" {value:.3f} [" in line
    assert "cosine 9, linear 7" in warning
    same = replace(found, converged=found.converged.assign(training_steps=9, value=float("nan")))
    assert summary_lines(same)[-1].split()[-2:] == ["undefined", "undefined"]


def test_mistakes(parts, tmp_path):
    with pytest.raises(ValueError, match=r"num_samples: expected 2 to 12 .* got 13"):
        analyse(parts, tmp_path, replace(REQUEST, num_samples=13))
    with pytest.raises(ValueError, match="batch_size: expected at least 1, got 0"):
        ScheduleRequest(num_samples=4, batch_size=0)


def test_numbers_that_are_not_finite_stop_it(parts, folder, found, tmp_path):
    """The samples are there, the recorded run breaks: step, caption and precision are named."""
    variants, dataset, _ = parts
    shutil.copytree(folder / "samples", tmp_path / "samples")
    network = variants[0].cascade.stages[0].network

    def spoil(_module, _inputs, output):
        output.logits[1, 0, 0, 0] = torch.nan

    handle = network.register_forward_hook(spoil)
    try:
        with pytest.raises(FloatingPointError) as stopped:
            analyse(parts, tmp_path)
    finally:
        handle.remove()
    message = str(stopped.value)
    assert message.startswith("reference: expected finite numbers, got NaN or infinite ones in the")
    assert (
        "label logits at step 50 of 50 of the base stage, in 1 of 3 images (float32 on cpu)"
        in message
    )
    assert f"caption {dataset[1].caption!r}" in message
    assert not list(tmp_path.glob("*.npz"))

"""The sweep: rows of every point, none measured twice, none lost."""

import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from gcdp_bench.core.config import digest, read_json, write_json
from gcdp_bench.core.progress import Silent
from gcdp_bench.core.types import TRUNCATION
from gcdp_bench.evaluation import FeatureCache
from gcdp_bench.evaluation.metrics import derangement
from gcdp_bench.generators.registry import TASKS
from gcdp_bench.generators.sample import SampleRequest
from gcdp_bench.report import build_report
from gcdp_bench.report.table_1 import table_1
from gcdp_bench.results.costs import SAMPLING, read_costs
from gcdp_bench.results.layout import read_point
from gcdp_bench.results.schema import COLUMNS, OLD_IDS, REAL_OWN, REAL_SHUFFLED, REAL_VS_REAL
from gcdp_bench.results.table import read_rows
from gcdp_bench.sweep import run_sweep, saturated
from reference_model.generator import Cascade


class Recorder(Silent):
    """Names of the jobs, and an interrupt after a given number of units."""

    def __init__(self, stop_after=None):
        self.jobs, self.left = [], stop_after

    def start(self, task, total, *, done=0, unit="it"):
        self.jobs.append((task.split(",")[0], total - done))

    def advance(self, amount=1, *, values=None):
        if self.left is not None and self.jobs[-1][0].startswith("sample"):
            self.left -= amount
            if self.left <= 0:
                raise KeyboardInterrupt


def total(rows, model, metric, guidance=None):
    chosen = rows[(rows["model"] == model) & (rows["metric"] == metric) & (rows["class"] == "all")]
    if guidance is not None:
        chosen = chosen[chosen["param_value"] == guidance]
    return chosen["value"].tolist()


def test_every_point_and_both_references_have_rows(places, finished):
    rows = finished
    assert list(rows.columns) == list(COLUMNS)
    assert set(rows["model"]) == {"reference", "imagen", REAL_OWN, REAL_SHUFFLED, REAL_VS_REAL}
    assert set(rows[rows["model"] == "imagen"]["param_value"]) == {1.0, 2.0}
    for model in ("reference", "imagen", REAL_OWN, REAL_SHUFFLED):
        for metric in ("semantic_recall", "false_detection_rate", "clip-x100"):
            assert len(total(rows, model, metric)) == (1 if model.startswith("real") else 2)
    for metric in ("fid-hrnet", "kid-hrnet", "coverage-hrnet", "fsd_predicted"):
        assert len(total(rows, REAL_VS_REAL, metric)) == 1 and total(rows, REAL_OWN, metric) == []
        assert len(total(rows, "reference", metric)) == 2
    assert total(rows, "imagen", "miou") == []
    assert len(total(rows, "reference", "miou")) == 2
    assert (rows[rows["metric"] == "fid-hrnet"]["value"] >= 0).all()
    csv = pd.read_csv(places.results / "results.csv")
    assert len(csv) == len(rows)
    assert np.allclose(csv["value"], rows["value"], equal_nan=True)
    assert set(rows["source"]) == {"generated", "real", "real-vs-real"}
    assert (rows["num_reference"][rows["metric"].str.startswith("fid")] > 0).all()
    point = read_point(places.results, rows[rows["model"] == "reference"]["config_hash"].iloc[0])
    assert (
        len(FeatureCache.load(point.observed)) == 4
        and len(FeatureCache.load(point.reference)) == 12
    )
    assert len(point.per_sample()) == 4
    assert len(list(point.predicted.glob("*.png"))) == 4


@pytest.mark.slow
def test_pairs_of_image_and_layout_without_captions(
    config, places, extractors, toy, undrawn, tmp_path
):
    """Table 1: a cascade without captions beside the captioned one and one without layouts."""
    silent = tmp_path / "silent"
    shutil.copytree(toy.reference, silent)
    for stage in ("base", "sr"):
        record = read_json(silent / stage / "config.json")
        record["task"]["stage"]["text_drop"] = 1.0
        write_json(silent / stage / "config.json", record)
    models = ("reference-unconditional", "reference", "imagen")
    pairs = replace(config, task="image-layout", models=models, guidance=(1.0,))
    weights = (*places.weights, ("reference-unconditional", silent))
    rows = run_sweep(pairs, replace(places, weights=weights), extractors, progress=Silent())
    own = rows[rows["model"] == "reference-unconditional"]
    assert (
        set(own["param_name"]) == {"none"} and not own["metric"].str.contains("clip|semantic").any()
    )
    for metric in ("fid-hrnet", "miou", "fsd_generated", "fsd_predicted"):
        assert len(total(rows, "reference-unconditional", metric)) == 1
    assert len(total(rows, "reference", "semantic_recall")) == 1
    table = table_1(rows).set_index("method")
    assert list(table.index) == [*sorted(models, reverse=True), REAL_OWN]
    assert table.loc["imagen", "layouts"] == "segmenter's" and pd.isna(table.loc["imagen", "miou"])
    point = read_point(places.results, own["config_hash"].iloc[0])
    answers = point.per_sample()
    assert answers[["recall", "precision", "clip"]].isna().to_numpy().all()
    report = build_report(places.results)
    assert {"fid-semantic-recall", "samples"} <= {figure.stem for figure in report.figures}
    alone = build_report(places.results, only=["model=reference-unconditional"])
    assert "samples" in {figure.stem for figure in alone.figures}
    assert not {"fid-semantic-recall", "class-recall"} & {figure.stem for figure in alone.figures}


@pytest.mark.slow
def test_a_folder_with_older_names_of_real_images_is_continued(config, places, extractors):
    one = replace(config, models=("imagen",), guidance=(1.0,))
    rows = run_sweep(one, places, extractors, progress=Silent())
    file = places.results / "results.parquet"
    older = {new: old for old, new in OLD_IDS.items()}
    rows.assign(**{name: rows[name].replace(older) for name in ("model", "source")}).to_parquet(
        file
    )
    again = run_sweep(one, places, extractors, progress=Silent())
    pd.testing.assert_frame_equal(again, rows)
    request = SampleRequest(
        model="real-ceiling",
        weights="none",
        dataset="stripes",
        split="test",
        num_samples=4,
        captions=rows["captions"].iloc[0],
        guidance=1.0,
        seed=0,
    )
    parts = {"samples": request, "judges": extractors.identity, "protocol": "heldout"}
    assert set(rows[rows["model"] == REAL_OWN]["config_hash"]) == {digest(parts)}


def test_generators_without_captions_belong_to_the_other_task(config, places, extractors):
    with pytest.raises(ValueError, match="gansformer: expected generators that read captions"):
        run_sweep(
            replace(config, models=("imagen", "gansformer")), places, extractors, progress=Silent()
        )
    with pytest.raises(ValueError, match="unknown task 'layouts'"):
        replace(config, task="layouts")
    assert config.model_names == ("reference", "imagen")
    assert replace(config, task="image-layout").model_names == TASKS["image-layout"]


@pytest.mark.slow
def test_a_number_of_labelled_images_is_a_row(config, places, extractors, toy, monkeypatch):
    monkeypatch.setattr(Cascade, "num_labelled_images", 7, raising=False)
    rows = run_sweep(
        replace(config, models=("reference",), guidance=(1.0,)),
        places,
        extractors,
        progress=Silent(),
    )
    assert total(rows, "reference", "labelled_images") == [7.0]
    assert table_1(rows)["labelled_images"].tolist()[0] == 7


def test_a_second_run_measures_nothing(config, places, extractors, finished):
    recorder = Recorder()
    second = run_sweep(config, places, extractors, progress=recorder)
    assert [job for job, _ in recorder.jobs] == ["read stripes"]
    pd.testing.assert_frame_equal(finished, second)
    more = run_sweep(replace(config, guidance=(2.0, 4.0)), places, extractors, progress=Recorder())
    assert set(more["param_value"].dropna()) == {2.0, 4.0}
    assert set(read_rows(places.results)["param_value"].dropna()) == {1.0, 2.0, 4.0}


def test_recall_is_also_a_share_of_what_real_images_reach(finished):
    rows = finished
    (real,) = total(rows, REAL_OWN, "semantic_recall")
    for guidance in (1.0, 2.0):
        (recall,) = total(rows, "imagen", "semantic_recall", guidance)
        (share,) = total(rows, "imagen", "semantic_recall_of_ceiling", guidance)
        assert share == pytest.approx(recall / real)


@pytest.mark.slow
def test_an_extractor_that_detects_nothing_in_real_images(
    config, places, extractors, toy, tmp_path
):
    class OnlyRoad(type(extractors.segmenter)):
        def predict(self, images):
            seen = super().predict(images)
            return replace(seen, layouts=torch.ones_like(seen.layouts))

    captions = shutil.copytree(toy.data, tmp_path / "sky") / "test" / "captions.jsonl"
    captions.write_text("".join(f'{{"id": "{i:03d}", "caption": "sky"}}\n' for i in range(12)))
    rows = run_sweep(
        replace(config, dataset=str(tmp_path / "sky"), models=("imagen",)),
        places,
        replace(extractors, segmenter=OnlyRoad.load(toy.segmenter)),
        progress=Silent(),
    )
    assert total(rows, REAL_OWN, "semantic_recall") == [0.0]
    assert np.isnan(total(rows, "imagen", "semantic_recall_of_ceiling")).all()


def test_an_interrupt_loses_nothing(config, places, extractors, finished, tmp_path):
    stopped = replace(places, results=tmp_path / "stopped")
    with pytest.raises(KeyboardInterrupt):
        run_sweep(config, stopped, extractors, progress=Recorder(stop_after=6))
    recorder = Recorder()
    rows = run_sweep(config, stopped, extractors, progress=recorder)
    sampled = sum(num for job, num in recorder.jobs if job.startswith("sample"))
    assert sampled < 16
    pd.testing.assert_frame_equal(rows.drop(columns="seconds"), finished.drop(columns="seconds"))


@pytest.mark.slow
def test_samples_do_not_depend_on_the_batch(config, places, extractors, finished, tmp_path):
    other = run_sweep(
        replace(config, batch_size=2),
        replace(places, results=tmp_path / "other"),
        extractors,
        progress=Silent(),
    )
    difference = (finished["value"] - other["value"]).abs().dropna()
    assert (difference <= 0.02 * finished["value"].abs().clip(lower=1)[difference.index]).all()


def test_real_images_with_their_own_captions_are_evaluated_with_them(places, finished):
    rows = finished
    per_sample = {
        model: read_point(
            places.results, rows[rows["model"] == model]["config_hash"].iloc[0]
        ).per_sample()
        for model in (REAL_OWN, REAL_SHUFFLED)
    }
    assert (
        per_sample[REAL_OWN]["detected"].tolist() == per_sample[REAL_SHUFFLED]["detected"].tolist()
    )
    own, others = (per_sample[model]["caption"].tolist() for model in (REAL_OWN, REAL_SHUFFLED))
    assert others == [own[place] for place in derangement(4)] and own != others


@pytest.mark.slow
def test_until_saturation_stops(config, places, extractors):
    rows = run_sweep(
        replace(config, guidance=None, models=("imagen",)), places, extractors, progress=Silent()
    )
    tried = sorted(rows["param_value"].dropna().unique())
    recalls = [total(rows, "imagen", "semantic_recall", g)[0] for g in tried]
    assert tried[:3] == [1.0, 1.5, 2.0]
    assert saturated(recalls) or len(tried) == 11
    assert not saturated(recalls[:-1])


@pytest.mark.parametrize(
    ("recalls", "expected"),
    [
        ([0.5], False),
        ([0.5, 0.5], False),
        ([0.5, 0.5, 0.5], True),
        ([0.5, 0.6, 0.7], False),
        ([0.5, 0.7, 0.6, 0.71], False),
        ([0.5, 0.7, 0.6, 0.7], True),
        ([0.5, 0.5009, 0.5009], True),
        ([0.5, 0.5009, 0.5011], False),
    ],
)
def test_saturation(recalls, expected):
    assert saturated(recalls) == expected


def test_what_models_and_samples_cost_is_recorded_once(config, places, extractors, finished):
    costs = read_costs(places.results)
    samples = costs[costs["part"] == SAMPLING]
    assert sorted(zip(samples["model"], samples["param_value"], strict=True)) == [
        ("imagen", 1.0),
        ("imagen", 2.0),
        ("reference", 1.0),
        ("reference", 2.0),
    ]
    assert set(costs[costs["part"] != SAMPLING]["part"]) == {"base", "sr"}
    assert set(samples["weights"]) == set(finished["weights"]) - {"none"}
    flops = samples.set_index(["model", "param_value"])["flops"]
    assert flops["imagen", 1.0] < flops["imagen", 2.0] < 2 * flops["imagen", 1.0]
    run_sweep(config, places, extractors, progress=Silent())
    pd.testing.assert_frame_equal(read_costs(places.results), costs)


@pytest.mark.slow
def test_truncation_runs_over_its_own_values(config, places, extractors, loading):
    loading(parameter=TRUNCATION)
    rows = run_sweep(
        replace(config, models=("imagen",), truncation=(1.0, 0.5)),
        places,
        extractors,
        progress=Silent(),
    )
    own = rows[rows["model"] == "imagen"]
    assert set(own["param_value"]) == {1.0, 0.5} and set(own["param_name"]) == {"truncation psi"}
    with pytest.raises(ValueError, match="truncation psi: expected a value from 0 to 1, got 2"):
        replace(config, truncation=(2.0,))


@pytest.mark.slow
def test_a_point_that_is_not_finite_stops_the_sweep_and_finished_points_stay(
    config, places, extractors
):
    """The second guidance scale of the first model overflows."""
    normal = Cascade.sample

    def overflow(_module, _inputs, output):
        output.logits.mul_(torch.inf)

    def overflowing(self, captions, *, guidance, seeds):
        network = self.stages[0].network
        handle = network.register_forward_hook(overflow)
        try:
            return normal(self, captions, guidance=guidance, seeds=seeds)
        finally:
            handle.remove()

    run_sweep(replace(config, guidance=(1.0,)), places, extractors, progress=Silent())
    finished = read_rows(places.results)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Cascade, "sample", overflowing)
        with pytest.raises(FloatingPointError, match=r"^reference: .*logits at step 50 of 50"):
            run_sweep(config, places, extractors, progress=Silent())
    pd.testing.assert_frame_equal(read_rows(places.results), finished)
    rows = run_sweep(config, places, extractors, progress=Silent())
    assert len(total(rows, "reference", "semantic_recall")) == 2

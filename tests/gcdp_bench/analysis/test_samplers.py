"""Samplers side by side: values, paired differences and the rule, against the metrics."""

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch

from gcdp_bench.analysis.sampler_points import Point, SamplerRequest
from gcdp_bench.analysis.samplers import COLUMNS, analyze_samplers, summary_lines
from gcdp_bench.comparison.non_inferiority import FID_MARGIN, RECALL_MARGIN
from gcdp_bench.core.progress import Silent
from gcdp_bench.core.rng import derive_seed
from gcdp_bench.datasets.folder import Folder
from gcdp_bench.datasets.registry import open_dataset
from gcdp_bench.datasets.shuffled import shuffled
from gcdp_bench.evaluation import EvalOptions, evaluate, reference_statistics
from gcdp_bench.extractors.bundle import ExtractorRequest, load_extractors
from gcdp_bench.generators.sample import find_generator, load_generator
from gcdp_bench.generators.sample_folder import read_record
from gcdp_bench.io.cache import UserCache
from gcdp_bench.metrics import frechet_influence

REQUEST = SamplerRequest(
    num_samples=6,
    samplers=("ddim",),
    intervals=(None, (0.3, 5.0)),
    steps=(2, 4),
    baseline_steps=4,
    sr_steps=2,
    batch_size=3,
)
NAMES = [
    "ancestral-4",
    "ddim-2",
    "ddim-4",
    "ddim-0.3-5-2",
    "ddim-0.3-5-4",
]
KEY = ["sampler", "guidance_interval", "steps"]


@pytest.fixture(scope="module")
def parts(toy):
    dataset = shuffled(open_dataset(str(toy.data), "test", size=(16, 16), data_root=None))
    extractors = load_extractors(
        ExtractorRequest(dataset=toy.identity, segmenter=str(toy.segmenter), clip=toy.clip)
    )
    return dataset, extractors


@pytest.fixture(scope="module")
def analyse(toy, parts):
    def run(folder, request=REQUEST, model="reference"):
        found = find_generator(model, str(toy.data), getattr(toy, model))
        load = partial(load_generator, found)
        return analyze_samplers(load, model, *parts, request, folder, progress=Silent())

    return run


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("samplers")


@pytest.fixture(scope="module")
def table(analyse, folder):
    return analyse(folder)


def test_points_are_the_baseline_and_every_other_combination_once():
    assert [point.name for point in REQUEST.points] == NAMES
    other = replace(REQUEST, samplers=("ancestral", "ddim"), baseline_steps=5).points
    assert other[0] == Point("ancestral", None, 5) and len(other) == 9
    assert len(replace(REQUEST, samplers=("ancestral", "ddim")).points) == 8
    both = replace(REQUEST, samplers=("ddim",), intervals=(None,), precisions=("float32", "bf16"))
    assert [point.name for point in both.points[1:]] == [
        f"ddim-{steps}{end}" for steps in REQUEST.steps for end in ("", "-bf16")
    ]
    assert both.config(both.points[2]).precision == "bf16"


def test_values_are_those_of_the_metrics(parts, table, folder):
    dataset, extractors = parts
    reference = reference_statistics(dataset, extractors, UserCache(), Silent())
    assert tuple(table.columns) == COLUMNS
    for name, line in zip(NAMES, table.to_dict("records"), strict=True):
        place = folder / "samples" / f"reference-{name}-s0"
        assert line["seconds"] == pytest.approx(read_record(place).seconds / 6)
        images = Folder(place, dataset.split, image_size=(16, 16))
        found = evaluate(
            images, reference, extractors, EvalOptions(), progress=Silent(), task=""
        ).values
        totals = {one.value.metric: one.value for one in found if one.value.class_name == "all"}
        for column, metric in (
            ("fid", line["fid_name"]),
            ("miou", "miou"),
            ("recall", "semantic_recall"),
        ):
            expected = totals[metric]
            assert line[column] == pytest.approx(expected.value, rel=1e-6)
            ends = [line[f"{column}_{end}"] for end in ("low", "high")]
            assert ends == pytest.approx([expected.ci_low, expected.ci_high], rel=1e-6)
        assert line["fid_corrected"] == pytest.approx(totals[line["fid_name"]].corrected)


def test_differences_and_the_rule(table):
    baseline, *others = table.to_dict("records")
    assert baseline["non_inferior"] == "baseline" and np.isnan(baseline["fid_difference"])
    for line in others:
        for name in ("fid", "miou", "recall"):
            difference = line[name] - baseline[name]
            assert line[f"{name}_difference"] == pytest.approx(difference, abs=1e-9)
            assert line[f"{name}_difference_low"] <= line[f"{name}_difference_high"]
        is_close = (
            line["fid_difference_high"] <= FID_MARGIN * baseline["fid_corrected"]
            and line["recall_difference_low"] >= -RECALL_MARGIN
        )
        assert line["non_inferior"] == ("yes" if is_close else "no")


def test_samples_are_the_samplers(toy, parts, table, folder):
    """The second seed of a batch, and the settings of a point, as the generator itself draws."""
    dataset, _ = parts
    found = find_generator("reference", str(toy.data), toy.reference)
    point = Point("ddim", (0.3, 5.0), 4)
    cascade, _ = load_generator(found, REQUEST.config(point))
    drawn = cascade.sample(
        [dataset[place].caption for place in range(6)],
        guidance=2.0,
        seeds=[derive_seed(0, place) for place in range(6)],
    )
    kept = Folder(folder / "samples" / "reference-ddim-0.3-5-4-s0")
    assert torch.equal(kept[1].image, drawn.images[1])
    assert cascade.config.sampler == "ddim" and cascade.config.sr_steps == 2


def test_passes_count_guided_steps_twice(toy, table):
    passes = table.set_index(KEY)["passes"]
    assert passes["ddim", "none", 4] == passes["ancestral", "none", 4] == 2 * 4 + 2
    found = find_generator("reference", str(toy.data), toy.reference)
    cascade, _ = load_generator(found, REQUEST.config(Point("ddim", (0.3, 5.0), 4)))
    levels = cascade.stages[0].process.image.alpha_bar
    sigmas = [float(((1 - levels[t]) / levels[t]).sqrt()) for t in (50, 38, 25, 13)]
    guided = sum(0.3 < sigma <= 5.0 for sigma in sigmas)
    assert 0 < guided < 4 and passes["ddim", "0.3:5", 4] == 4 + guided + 2


def test_a_rerun_draws_nothing(analyse, table, folder):
    kept = [*folder.rglob("images/*.png")]
    before = {path: path.stat().st_mtime_ns for path in kept}
    pd.testing.assert_frame_equal(analyse(folder), table)
    assert len(kept) == 5 * 6 and before == {path: path.stat().st_mtime_ns for path in kept}
    with pytest.raises(ValueError, match="holds samples of another configuration"):
        analyse(folder, replace(REQUEST, guidance=3.0))


def test_costly_halves_are_replaced_by_influences(monkeypatch, analyse, table, folder):
    monkeypatch.setattr(frechet_influence, "COSTLY", 0.0)
    cheap = analyse(folder, replace(REQUEST, samplers=("ddim",), intervals=(None,), steps=(2,)))
    table = table.merge(cheap[KEY], how="right")
    assert set(cheap["fid_method"]) == {"influence-3-undersampled"}
    for name in ("fid", "fid_difference"):
        assert np.allclose(cheap[name], table[name], equal_nan=True)
    ends = cheap[["fid_low", "fid_high", "fid_corrected"]]
    assert ends.notna().all(axis=None) and (ends >= 0.0).all(axis=None)


def test_seeds_are_averaged(analyse, tmp_path):
    few = replace(REQUEST, samplers=("ddim",), intervals=(None,), steps=(2,), baseline_steps=3)
    both, first, second = (
        analyse(tmp_path, replace(few, seeds=seeds)).iloc[1] for seeds in ((0, 1), (0,), (1,))
    )
    assert both["seeds"] == "0 1"
    for name in ("fid", "miou", "recall", "seconds", "fid_difference", "recall_difference"):
        assert both[name] == pytest.approx((first[name] + second[name]) / 2), name


def test_images_alone_have_no_miou(analyse, tmp_path):
    few = replace(REQUEST, samplers=("dpm-solver++",), intervals=(None,), steps=(3,))
    table = analyse(tmp_path, few, "imagen")
    assert table["miou"].isna().all() and table["miou_difference"].isna().all()
    assert table["fid"].notna().all() and table["recall"].notna().all()
    assert "miou" not in "".join(summary_lines(table))


def test_summary(table):
    *lines, last, few = summary_lines(table)
    assert lines[0].startswith("ancestral, 4 steps  ") and lines[0].endswith("inferior: baseline")
    assert lines[-1].startswith("ddim, 4 steps, guidance at 0.3:5 ")
    assert "None is shown" in last or "Fastest" in last
    assert "Too few samples" in few
    chosen = table.assign(non_inferior=["baseline", "no", "no", "yes", "no"])
    chosen["seconds"] = [8.0, 1.0, 1.0, 2.0, 1.0]
    line = summary_lines(chosen)[-2]
    assert "ddim, 2 steps, guidance at 0.3:5, 4.0 times faster than ancestral, 4 steps." in line


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"samplers": ("euler",)}, "sampler: expected ancestral, ddim, dpm-solver.., got 'euler'"),
        ({"steps": (0,)}, "steps: expected at least 1, got 0"),
        ({"steps": ()}, "steps: expected at least one, got none"),
        ({"guidance": 1.0}, "guidance 1 acts nowhere"),
        ({"batch_size": 0}, "batch_size: expected at least 1, got 0"),
    ],
)
def test_settings_that_cannot_be_meant(given, message):
    with pytest.raises(ValueError, match=message):
        replace(REQUEST, **given)


def test_mistakes(analyse, tmp_path):
    with pytest.raises(ValueError, match="num_samples: expected 2 to 12 .* got 13"):
        analyse(tmp_path, replace(REQUEST, num_samples=13))
    with pytest.raises(ValueError, match="steps: expected at most 50, as .* got 51; lower --steps"):
        analyse(tmp_path, replace(REQUEST, steps=(51,)))

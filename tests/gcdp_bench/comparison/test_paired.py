"""Differences of two points: copies give 0, shifts are found, unlike is refused."""

import math

import numpy as np
import pandas as pd
import pytest

from gcdp_bench.comparison import measured, paired
from gcdp_bench.comparison.measured import distance, set_values
from gcdp_bench.comparison.points import point_sets
from gcdp_bench.comparison.sides import compare_points
from gcdp_bench.comparison.text import readable_comparison
from gcdp_bench.metrics import frechet_influence
from gcdp_bench.metrics.frechet import frechet_distance
from gcdp_bench.metrics.layout_iou import miou
from gcdp_bench.results.compatibility import UnlikeRowsError
from gcdp_bench.results.schema import to_frame
from tests.gcdp_bench.comparison.conftest import NUM, NUM_REAL, observed


@pytest.fixture
def compare(write, floor, tmp_path):
    """Compare two points written with the given properties."""

    def run(first, second, few=20, **changes):
        rows = [
            write("reference", 2.0, 0, few=few, **first),
            write("imagen", 2.0, 0, few=few, **second, **changes),
        ]
        a, b = point_sets(to_frame([*rows, floor]), tmp_path)
        return compare_points([a], [b]).set_index(["metric", "class"])

    return run


def test_two_copies_of_one_run_give_zero(compare):
    table = compare({"fid": 3.0}, {"fid": 3.0})
    assert (table["difference"].abs() < 1e-12).all()
    shares = table[table["ci_method"] != "none"]
    assert (shares["ci_low"] < 0).all() and (shares["ci_high"] > 0).all()
    assert set(table[table["ci_method"] == "none"].index.get_level_values(0)) == {
        "clip-x100",
        "fid",
        "fsd_generated",
        "fsd_predicted",
    }
    assert set(table["verdict"]) <= {"tie", "below noise"}
    for metric in (
        "semantic_recall",
        "semantic_precision",
        "clip-x100",
        "fid",
        "miou",
        "fsd_generated",
        "fsd_predicted",
    ):
        assert (metric, "all") in table.index


def test_classes_count_where_they_were_prompted(compare):
    table = compare({"fid": 3.0, "gain": 0.1}, {"fid": 3.0})
    car = table.loc[("semantic_recall", "car")]
    assert car[["value_a", "value_b", "difference"]].tolist() == [1.0, 0.0, 1.0]
    assert (car["num_captions"], car["verdict"]) == (20, "win")
    assert table.loc[("semantic_recall", "sky"), "verdict"] == "tie"
    assert ("semantic_recall", "road") not in table.index  # nobody asked


def test_distances_are_those_of_the_features(compare):
    table = compare({"fid": 9.0, "shift": 1.0}, {"fid": 3.0})
    real = observed(NUM_REAL, 0.0, seed=99).features["hrnet"]
    far, near = (observed(NUM, shift, seed=7).features["hrnet"] for shift in (1.0, 0.0))
    expected = frechet_distance(far, real).total - frechet_distance(near, real).total
    line = table.loc[("fid", "all")]
    assert line["difference"] == pytest.approx(expected)
    assert line["ci_low"] < line["corrected"] < line["ci_high"]
    assert line["verdict"] == "lose"
    for value, shift in (("value_a", 1.0), ("value_b", 0.0)):  # of all samples, not of a draw
        own = observed(NUM, shift, seed=7).features["hrnet"]
        assert line[value] == pytest.approx(frechet_distance(own, real).total, rel=1e-9)


def test_miou_stands_beside_the_values_of_all_captions(compare, monkeypatch):
    line = compare({"fid": 3.0}, {"fid": 3.0}).loc[("miou", "all")]
    confusions = observed(NUM, 0.0, seed=7).segmenters["extractor"].confusions
    assert line["value_a"] == line["value_b"] == miou(confusions) == 1.0
    assert line["ci_low"] < 0 < line["ci_high"] and line["verdict"] == "tie"


def sides_of(*confusions):
    """A and B, of which a segmenter saw these, each (N, K, K)."""
    for matrix in confusions:
        side = observed(len(matrix), 0.0, seed=7)
        yield set_values(
            [side.with_arrays({"confusions extractor": matrix})],
            [observed(NUM_REAL, 0.0, seed=99)],
            "hrnet",
        )


def test_the_higher_miou_wins():
    right = observed(NUM, 0.0, seed=7).segmenters["extractor"].confusions
    wrong = right[:, ::-1].copy()
    for sides, verdict in (((right, wrong), "win"), ((wrong, right), "lose")):
        (line,) = paired._of_iou(*sides_of(*sides))
        assert line["verdict"] == verdict
        assert (line["value_a"], line["value_b"]) == tuple(map(miou, sides))


@pytest.mark.parametrize(
    ("num", "widths", "method"),
    [
        (40, (2, 2), "paired halves-200-undersampled"),
        (120, (2, 2), "paired halves-200"),
        (120, (2, 40), "paired halves-200-undersampled"),
        (3, (2, 2), "none"),
    ],
)
def test_distances_of_too_few_samples_are_flagged(num, widths, method):
    """`widths` directions in which A and B vary, of 40."""
    rng = np.random.default_rng(0)
    sides = [rng.normal(size=(num, 40)) * (np.arange(40) < width) for width in widths]
    real = rng.normal(size=(200, 40)) * (np.arange(40) < 2)
    line = paired._distance_line("fid", *(distance([side], [real]) for side in sides), num)
    assert line["ci_method"] == method and line["num_captions"] == num


@pytest.mark.parametrize(("num", "suffix"), [(120, ""), (40, "-undersampled")])
def test_costly_halves_are_replaced_by_influences(monkeypatch, num, suffix):
    rng = np.random.default_rng(0)
    sides, real = rng.normal(size=(2, num, 3)), rng.normal(size=(200, 3))
    shifted = [sides[0], sides[1] + 0.5]
    halved = paired._distance_line("fid", *(distance([x], [real]) for x in shifted), num)
    monkeypatch.setattr(frechet_influence, "COSTLY", 0.0)
    cheap = [distance([x], [real]) for x in shifted]
    line = paired._distance_line("fid", *cheap, num)
    assert line["ci_method"] == f"paired influence-3{suffix}"
    assert line["difference"] == pytest.approx(halved["difference"])
    widths = [one["ci_high"] - one["ci_low"] for one in (line, halved)]
    assert widths[0] == pytest.approx(widths[1], rel=0.25)
    assert line["verdict"] == halved["verdict"]
    same = paired._distance_line("fid", cheap[0], cheap[0], num)
    assert (same["ci_method"], same["verdict"]) == ("none", "tie")


def test_two_captions_in_common_are_needed(write, floor, tmp_path):
    rows = [write(model, 2.0, 0, fid=1.0) for model in ("reference", "imagen")]
    points = point_sets(to_frame([*rows, floor]), tmp_path)
    file = tmp_path / "scores" / "imagen-2-0" / "per_sample.parquet"
    frame = pd.read_parquet(file)
    frame.iloc[:2].to_parquet(file)
    assert set(paired.compare_pair(*points)[0].items()) >= {("num_captions", 2), ("verdict", "tie")}
    frame.iloc[:1].to_parquet(file)
    with pytest.raises(ValueError, match="at least 2 captions that both sampled, got 1"):
        paired.compare_pair(*points)


def test_a_class_that_one_caption_names_has_no_line(compare):
    table = compare({"fid": 3.0, "gain": 0.1}, {"fid": 3.0}, few=1)
    assert ("semantic_recall", "car") not in table.index
    assert ("semantic_recall", "sky") in table.index


def test_a_class_that_few_captions_name_has_no_verdict(compare, monkeypatch):
    table = compare({"fid": 3.0, "gain": 0.1}, {"fid": 3.0}, few=4)
    assert table.loc[("semantic_recall", "car"), ["num_captions", "verdict"]].tolist() == [
        4,
        "too few",
    ]
    assert math.isnan(table.loc[("semantic_recall", "car"), "p_holm"])
    table = compare({"fid": 3.0, "gain": 0.1}, {"fid": 3.0}, few=5)
    car = table.loc[("semantic_recall", "car")]
    assert (car["num_captions"], car["verdict"]) == (5, "win") and car["p_holm"] < 0.05


@pytest.mark.parametrize(("num", "most"), [(20, 4), pytest.param(60, 8, marks=pytest.mark.slow)])
def test_verdicts_of_classes_are_adjusted_for_their_number(num, most):
    """20 classes without a difference: Holm gives verdicts in at most 5 % of comparisons."""
    rng = np.random.default_rng(0)
    false, plain = 0, 0
    for _ in range(num):
        lines = []
        for name in range(20):
            values = rng.integers(0, 2, (30, 2)).astype(float)
            lines += paired._mean_line("semantic_recall", str(name), values)
        plain += sum(line["verdict"] != "tie" for line in lines)
        false += any(line["verdict"] != "tie" for line in paired._adjusted(lines))
    assert plain > num / 3  # `num` expected, one in 20, without the adjustment
    assert false <= most  # num / 20 expected; more than that in 0.5 % of simulations


def test_seeds_are_matched_by_id_and_not_by_position():
    frame = pd.DataFrame(
        {
            "id": ["a", "b", "c"],
            "caption": ["1", "2", "3"],
            "prompted": ["car", "sky", "car"],
            "detected": ["car", "", "car"],
            "recall": [0.0, 0.5, 1.0],
            "precision": 1.0,
            "clip": [0.1, 0.2, 0.3],
        }
    )
    shuffled = frame.iloc[[2, 0, 1]].reset_index(drop=True)
    averaged = measured.averaged([frame, shuffled])
    pd.testing.assert_frame_equal(averaged, measured.averaged([frame, frame]))
    partial = measured.averaged([frame, shuffled.iloc[:2]])
    assert partial.index.tolist() == [("a", "1"), ("c", "3")]


def test_a_difference_below_real_images_is_noise(compare):
    line = compare({"fid": 3.0, "shift": 0.1}, {"fid": 3.0}).loc[("fid", "all")]
    assert 0 < abs(line["difference"]) < 0.5 and line["verdict"] == "below noise"


def test_an_image_only_model_has_no_layouts_to_compare(compare):
    table = compare({"fid": 3.0}, {"fid": 3.0, "layouts": False})
    assert "miou" not in table.index.get_level_values(0)
    assert "fsd_generated" not in table.index.get_level_values(0)


@pytest.mark.parametrize(
    ("field", "other"),
    [("reference", "another"), ("extractors", "another"), ("resize", "pad"), ("definition", "2")],
)
def test_unlike_points_are_refused(compare, field, other):
    with pytest.raises(UnlikeRowsError, match=f"differ in (the )?{field}"):
        compare({"fid": 3.0}, {"fid": 3.0}, **{field: other})


def test_points_of_several_models_are_paired_by_name(write, floor, tmp_path):
    rows = [write("reference", scale, 0, fid=1.0) for scale in (1.0, 2.0)]
    points = point_sets(to_frame([*rows, floor]), tmp_path)
    table = compare_points(points, points, per_class=False)
    assert sorted(set(table["a"])) == ["reference @ 1", "reference @ 2"]
    assert (table["a"] == table["b"]).all()
    with pytest.raises(
        ValueError, match="expected points with a model and a parameter value in common"
    ):
        compare_points(points[:1], [*points[1:], *points[1:]])


def test_both_step_counts_of_one_model_meet_their_own(write, floor, tmp_path):
    rows = [
        write("reference", 2.0, 0, fid=1.0, steps=steps, config_hash=f"r{steps}")
        for steps in (25, 100)
    ]
    points = point_sets(to_frame([*rows, floor]), tmp_path)
    table = compare_points(points, points, per_class=False)
    assert set(zip(table["steps_a"], table["steps_b"], strict=True)) == {(25, 25), (100, 100)}
    faster, slower = points
    table = compare_points([faster], [slower, slower], per_class=False)
    assert set(zip(table["steps_a"], table["steps_b"], strict=True)) == {(25, 100)}
    other = point_sets(
        to_frame([write("reference", 2.0, 0, fid=1.0, param_name="truncation psi"), floor]),
        tmp_path,
    )
    with pytest.raises(
        ValueError, match="expected points with a model and a parameter value in common"
    ):
        compare_points(points, other)


def test_the_text_says_where_steps_and_training_data_differ(write, floor, tmp_path):
    rows = [
        write("reference", 2.0, 0, fid=1.0),
        floor,
        write("imagen", 2.0, 0, fid=1.0, trained_on="d-100", steps=1),
    ]
    ours, theirs = point_sets(to_frame(rows), tmp_path)
    same = readable_comparison(compare_points([ours], [ours], per_class=False))
    assert set(same["steps"]) == {"10"} and "trained on" not in same
    other = readable_comparison(compare_points([ours], [theirs], per_class=False))
    assert set(other["steps"]) == {"10 / 1"} and set(other["trained on"]) == {"d / d-100"}


def test_the_text_has_percent_and_intervals(compare, write, floor, tmp_path):
    points = point_sets(to_frame([write("reference", 2.0, 0, fid=1.0), floor]), tmp_path)
    text = readable_comparison(compare_points(points, points))
    recall = text[text["metric"] == "semantic_recall %"].iloc[0]
    expected = 100 * np.random.default_rng(0).uniform(0.2, 0.8, NUM).mean()
    assert float(recall["A's"]) == pytest.approx(expected, abs=0.01)
    assert recall["A − B"] == "+0.00"
    low, high = (float(end) for end in recall["95 % interval"][1:-1].split(","))
    assert -10.0 < low < 0.0 < high < 10.0  # 40 captions that agree exclude a difference of 10 %
    assert set(text[text["metric"] == "clip-x100"]["95 % interval"]) == {"–"}
    assert set(recall[["captions x seeds"]]) == {"40 x 1"}


def test_the_text_shows_differences_in_the_units_of_the_values(write, floor, tmp_path):
    rows = [write("reference", 2.0, 0, fid=1.0, gain=0.1), write("imagen", 2.0, 0, fid=1.0)]
    ours, theirs = point_sets(to_frame([*rows, floor]), tmp_path)
    text = readable_comparison(compare_points([ours], [theirs], per_class=False))
    recall = text[text["metric"] == "semantic_recall %"].iloc[0]
    assert recall["A − B"] == "+10.00" and recall["verdict for A"] == "win"
    assert float(recall["A's"]) - float(recall["B's"]) == pytest.approx(10.0, abs=0.02)


def test_files_are_read_once_for_all_comparisons(write, floor, tmp_path, monkeypatch):
    rows = [write(model, 2.0, 0, fid=1.0) for model in ("reference", "imagen", "ldm")]
    first, *others = point_sets(to_frame([*rows, floor]), tmp_path)
    alone = [paired.compare_pair(first, other) for other in others]
    read, load = [], measured.FeatureCache.load
    monkeypatch.setattr(measured.FeatureCache, "load", lambda path: read.append(path) or load(path))
    shared = measured.Measured()
    together = [paired.compare_pair(first, other, measured=shared) for other in others]
    pd.testing.assert_frame_equal(*(pd.DataFrame(sum(lines, [])) for lines in (alone, together)))
    assert len(read) == len(set(read)) == 4  # three points and the real images

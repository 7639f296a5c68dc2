"""Trade-off numbers of sweeps whose areas and crossings are known by hand."""

import math

import numpy as np
import pytest

from gcdp_bench.metrics.definitions.features import PROTOCOLS
from gcdp_bench.metrics.registry import DEFINITIONS
from gcdp_bench.results import tradeoff
from gcdp_bench.results.schema import REAL_OWN, to_frame
from gcdp_bench.results.tradeoff import (
    COLUMNS,
    REFERENCE_FID,
    tradeoff_table,
)
from tests.gcdp_bench.results.test_schema import record

HALF = {"fid-hrnet": 1.0, "semantic_recall": 0.02, "clip-x100": 0.5}
OURS = [(1.0, 6.0, 0.6), (2.0, 4.0, 0.8), (4.0, 10.0, 0.9)]  # guidance, FID, recall
THEIRS = [(1.0, 8.0, 0.5), (2.0, 7.0, 0.7)]


def sweep(model, points, *, half=None, **changes):
    """Records of a curve; `half` are half the widths of the intervals."""
    half = HALF if half is None else half
    records = []
    for guidance, fid, recall in points:
        for metric, value in (("fid-hrnet", fid), ("semantic_recall", recall)):
            low, high = value - half[metric], value + half[metric]
            key = f"{model}{guidance}{changes}"
            fields = {
                "model": model,
                "param_value": guidance,
                "metric": metric,
                "value": value,
                "ci_low": low,
                "ci_high": high,
                "config_hash": key,
            }
            records.append(record(**(fields | changes)))
    return records


def line(records, model="reference", metric="semantic_recall"):
    table = tradeoff_table(to_frame(records))
    (found,) = table[(table["model"] == model) & (table["metric"] == metric)].to_dict("records")
    return found


def test_both_numbers_by_hand():
    records = sweep("reference", OURS) + sweep("imagen", THEIRS)
    ours, theirs = line(records), line(records, "imagen")
    assert ours["hypervolume"] == pytest.approx(46 * 0.3 + 40 * 0.1)  # 4 at 0.8, then 10 at 0.9
    assert theirs["hypervolume"] == pytest.approx(43 * 0.2)
    assert (ours["reference_fid"], ours["reference_correspondence"]) == (50.0, 0.5)
    assert ours["matched_level"] == theirs["matched_level"] == 0.7
    assert ours["fid_at_level"] == pytest.approx(5.0)
    assert theirs["fid_at_level"] == 7.0
    assert (ours["num_points"], theirs["num_points"]) == (3, 2)
    for found in (ours, theirs):
        for name in ("hypervolume", "fid_at_level"):
            assert found[f"{name}_low"] < found[name] < found[f"{name}_high"]
            assert found[f"{name}_method"] == "parametric-2000"


def test_fid_is_the_corrected_one_to_which_the_intervals_belong():
    """Plain values 3 above: areas and crossings are those of the corrected ones."""
    plain, expected = sweep("reference", OURS), line(sweep("reference", OURS))
    assert expected["fid_values"] == "plain"
    for row in plain:
        if row["metric"] == "fid-hrnet":
            row["corrected"], row["value"] = row["value"], row["value"] + 3.0
    found = line(plain)
    assert found["fid_values"] == "bias-corrected"
    same = [name for name in COLUMNS if name != "fid_values"]
    assert [found[name] for name in same] == [expected[name] for name in same]


@pytest.mark.parametrize("trials", [10, pytest.param(60, marks=pytest.mark.slow)])
def test_numbers_of_biased_points_cover_the_truth(trials):
    """FIDs of 2 and 1 with a bias of 2, errors of 0.4 apart: 200 draws hold both numbers."""
    rng = np.random.default_rng(0)
    truth, held = [(1.0, 2.0, 0.6), (2.0, 1.0, 0.8)], np.zeros(2)
    exact = line(sweep("reference", truth))
    for _ in range(trials):
        points = [
            (g, max(0.0, fid + rng.normal(0, 0.4)), recall + rng.normal(0, 0.01))
            for g, fid, recall in truth
        ]
        rows = sweep("reference", points, half=HALF | {"fid-hrnet": 0.784})
        for row in rows:
            if row["metric"] == "fid-hrnet":
                row["corrected"], row["value"] = row["value"], row["value"] + 2.0
                row["ci_low"] = max(0.0, row["ci_low"])
        found = line(rows)
        held += [
            found[f"{name}_low"] <= exact[name] <= found[f"{name}_high"]
            for name in ("hypervolume", "fid_at_level")
        ]
        assert found["fid_at_level_low"] >= 0.0
    assert held[0] >= 0.85 * trials
    assert held[1] >= 0.75 * trials  # read at the best of two noisy recalls


def test_the_worst_values_that_count_are_these():
    assert REFERENCE_FID == {
        "fid-hrnet": 50.0,
        "fid-tf1": 200.0,
        "fid-clean": 200.0,
        "fid-torch": 200.0,
        "fd-dinov2": 2000.0,
    }
    worst = {name: one.curve.worst for name, one in DEFINITIONS.items() if one.curve}
    assert worst == {"semantic_recall": 0.5, "clip-x100": 0.0}


@pytest.mark.parametrize(("undefined", "method"), [(99, "parametric-2000"), (101, "none")])
def test_an_interval_needs_95_percent_of_the_draws(undefined, method):
    """Of 2000: a share, not a count, of undefined draws decides."""
    draws = np.random.default_rng(0).normal(5.0, 1.0, 2001)
    draws[1 : 1 + undefined] = math.nan
    assert tradeoff._interval(draws).method == method


@pytest.mark.parametrize(("undefined", "kept"), [(99, True), (101, False)])
def test_a_share_of_ranks_needs_95_percent_of_the_draws(undefined, kept):
    areas = np.tile([[3.0], [2.0]], 2001)
    areas[0, 1 : 1 + undefined] = math.nan
    ranks, shares, every = tradeoff._ranking(areas)
    assert ranks.tolist() == [1, 2]
    assert math.isnan(every) != kept and np.isnan(shares).all() != kept


def test_every_correspondence_metric_has_its_line_and_reference():
    clip = [
        record(
            model="reference",
            param_value=g,
            metric="clip-x100",
            value=20.0 + g,
            config_hash=f"reference{g}{{}}",
        )
        for g, _, _ in OURS
    ]
    found = line(sweep("reference", OURS) + clip, metric="clip-x100")
    assert found["hypervolume"] == pytest.approx(46 * 22 + 40 * 2)
    assert found["matched_level"] == 24.0 and found["fid_at_level"] == 10.0
    assert set(REFERENCE_FID) == {protocol.frechet for protocol in PROTOCOLS.values()}


def test_intervals_of_one_point_are_the_normal_ones():
    """Its area is (50 - FID)(recall - 0.5), its matched FID is its own."""
    exact = line(sweep("reference", [(1.0, 10.0, 0.9)], half=HALF | {"semantic_recall": 0.0}))
    for name, value, half in (("hypervolume", 16.0, 0.4), ("fid_at_level", 10.0, 1.0)):
        assert exact[f"{name}_low"] == pytest.approx(value - half, abs=0.1 * half)
        assert exact[f"{name}_high"] == pytest.approx(value + half, abs=0.1 * half)
    both = line(sweep("reference", [(1.0, 10.0, 0.9)]))
    half = math.hypot(0.4 * 1.0, 40.0 * 0.02)  # error of a product
    width = both["hypervolume_high"] - both["hypervolume_low"]
    assert width == pytest.approx(2 * half, rel=0.1)


def test_the_interval_holds_the_error_of_interpolation():
    """Halfway between two points the error of FID is sqrt(1/2) of theirs; recall is exact."""
    exact = HALF | {"semantic_recall": 0.0}
    records = sweep("reference", [(1.0, 6.0, 0.6), (2.0, 4.0, 0.8)], half=exact)
    found = line(records + sweep("imagen", [(1.0, 8.0, 0.7)], half=exact))
    width = found["fid_at_level_high"] - found["fid_at_level_low"]
    assert found["fid_at_level"] == pytest.approx(5.0)
    assert width == pytest.approx(2 * math.sqrt(0.5), rel=0.1)


def test_points_without_error_give_intervals_without_width():
    found = line(sweep("reference", OURS, half=dict.fromkeys(HALF, 0.0)))
    ends = [found["hypervolume_low"], found["hypervolume_high"]]
    assert ends == pytest.approx([found["hypervolume"]] * 2)
    assert found["fid_at_level_low"] == pytest.approx(found["fid_at_level"])


def test_another_model_moves_the_level_and_nothing_else():
    alone = line(sweep("reference", OURS))
    beside = line(sweep("reference", OURS) + sweep("imagen", THEIRS))
    assert alone["matched_level"] == 0.9 and alone["fid_at_level"] == 10.0
    changed = {name for name in COLUMNS if alone[name] != beside[name]}
    assert changed == {"matched_level", "fid_at_level", "fid_at_level_low", "fid_at_level_high"}


def test_a_curve_wholly_above_the_level_is_not_extrapolated():
    records = sweep("reference", OURS) + sweep("imagen", [(1.0, 3.0, 0.3), (2.0, 5.0, 0.4)])
    ours, theirs = line(records), line(records, "imagen")
    assert theirs["fid_at_level"] == 5.0 and theirs["hypervolume"] == 0.0
    assert math.isnan(ours["fid_at_level"]) and math.isnan(ours["fid_at_level_low"])
    assert ours["fid_at_level_method"] == "none"
    assert ours["hypervolume_method"] == "parametric-2000"


def test_a_level_that_many_draws_miss_has_no_interval():
    """Two single points at one level: in a draw the higher one never reaches the lower's."""
    found = line(sweep("reference", [(1.0, 6.0, 0.7)]) + sweep("imagen", [(1.0, 8.0, 0.7)]))
    assert found["fid_at_level"] == 6.0 and found["fid_at_level_method"] == "none"


def test_a_point_without_an_interval_leaves_none():
    records = sweep("reference", OURS) + sweep("imagen", THEIRS)
    records[0]["ci_low"] = records[0]["ci_high"] = math.nan
    ours, theirs = line(records), line(records, "imagen")
    assert ours["hypervolume_method"] == ours["fid_at_level_method"] == "none"
    assert math.isnan(ours["hypervolume_high"]) and ours["hypervolume"] == pytest.approx(17.8)
    assert theirs["hypervolume_method"] == "parametric-2000"


def test_seeds_are_averaged_and_sampling_steps_are_curves_of_their_own():
    down = [(g, fid - 1, recall - 0.1) for g, fid, recall in OURS]
    up = [(g, fid + 1, recall + 0.1) for g, fid, recall in OURS]
    seeds = sweep("reference", down, seed=0) + sweep("reference", up, seed=1)
    mean, single = line(seeds), line(sweep("reference", OURS))
    for name in ("hypervolume", "hypervolume_low", "fid_at_level", "num_points"):
        assert mean[name] == pytest.approx(single[name])
    table = tradeoff_table(to_frame([*seeds, *sweep("reference", THEIRS, steps=50)]))
    assert table["steps"].tolist() == [10, 50]
    assert table["hypervolume"].tolist() == pytest.approx([17.8, 8.6])


def test_models_of_other_parameters_and_steps_share_their_level():
    """A GAN over psi in 1 step: every curve of the dataset counts, whatever it runs over."""
    gan = sweep(
        "lafite", [(1.0, 9.0, 0.5), (0.6, 12.0, 0.65)], steps=1, param_name="truncation psi"
    )
    records = sweep("reference", OURS) + gan
    ours, theirs = line(records), line(records, "lafite")
    assert ours["matched_level"] == theirs["matched_level"] == 0.65
    assert ours["fid_at_level"] == pytest.approx(5.5)  # a quarter of the way from 6 to 4
    assert theirs["fid_at_level"] == 12.0
    assert theirs["hypervolume"] == pytest.approx(38 * 0.15)
    assert (ours["param_name"], theirs["param_name"]) == ("guidance scale", "truncation psi")
    assert (ours["steps"], theirs["steps"]) == (10, 1)


def test_other_rows_are_not_points():
    more = [
        *sweep("reference", [(3.0, 1.0, 1.0)], primary=False),
        *sweep("reference", [(3.0, 1.0, 1.0)], seed=None),
        *sweep(REAL_OWN, [(math.nan, 1.0, 1.0)], source="real", steps=None),
        *sweep("reference", [(3.0, 1.0, 1.0)])[:1],  # FID alone
    ]
    records = sweep("reference", OURS)
    table = tradeoff_table(to_frame([*records, *more]))
    assert len(table) == 1 and table["num_points"][0] == 3
    assert table["hypervolume"][0] == line(records)["hypervolume"]
    empty = tradeoff_table(to_frame(more[4:6]))
    assert list(empty.columns) == list(COLUMNS) and not len(empty)


def test_a_distance_without_a_reference_value_is_named():
    records = [r for r in sweep("reference", OURS) if r["metric"] == "fid-hrnet"]
    with pytest.raises(ValueError, match="fid-own: expected one of fid-tf1.*its definition"):
        tradeoff_table(to_frame([r | {"metric": "fid-own"} for r in records]))


def test_the_same_rows_give_the_same_table():
    records = sweep("reference", OURS) + sweep("imagen", THEIRS)
    tables = [tradeoff_table(to_frame(part)) for part in (records, records[::-1])]
    numbers = [table.select_dtypes("number").to_numpy(float) for table in tables]
    assert np.array_equal(numbers[0], numbers[1])
    assert tables[0]["model"].tolist() == ["reference", "imagen"]


def test_ranks_follow_the_area_and_apart_curves_keep_theirs():
    records = sweep("reference", OURS) + sweep("imagen", THEIRS)
    ours, theirs = line(records), line(records, "imagen")
    assert (ours["rank"], theirs["rank"]) == (1, 2)
    assert ours["rank_kept"] == theirs["rank_kept"] == ours["order_kept"] > 0.99


def test_equal_curves_change_places_in_half_of_the_draws():
    """Of three, two are alike and one is far behind: its rank stays, the order does not."""
    far = [(1.0, 40.0, 0.51)]
    records = sweep("reference", OURS) + sweep("imagen", OURS) + sweep("ldm", far)
    table = tradeoff_table(to_frame(records)).set_index("model")
    assert table["rank"].to_dict() == {"reference": 1, "imagen": 1, "ldm": 3}
    assert table.loc["ldm", "rank_kept"] > 0.99
    better = sweep("reference", OURS) + sweep("imagen", [(g, f, r + 1e-9) for g, f, r in OURS])
    table = tradeoff_table(to_frame(better)).set_index("model")
    assert table["rank"].to_dict() == {"reference": 2, "imagen": 1}
    assert table["rank_kept"].to_numpy() == pytest.approx(0.5, abs=0.05)
    assert table["order_kept"].to_numpy() == pytest.approx(0.5, abs=0.05)


def test_a_ranking_with_a_curve_without_intervals_has_no_share():
    bare = sweep("imagen", THEIRS, ci_low=math.nan, ci_high=math.nan)
    ours = line(sweep("reference", OURS) + bare)
    assert ours["rank"] == 1 and math.isnan(ours["rank_kept"]) and math.isnan(ours["order_kept"])

"""The table of costs: sums, missing numbers, and where a sample is taken from."""

import math

import pandas as pd
import pytest

from gcdp_bench.report.costs import MISSING, cost_table, readable_costs, unrecorded
from gcdp_bench.results.costs import to_frame as cost_frame
from gcdp_bench.results.schema import to_frame
from tests.gcdp_bench.results.test_schema import record


def point(model, guidance, fid, *, seed=0, seconds=8.0, **changes):
    """Two rows of one point: a caption that names nothing has no recall."""
    base = record(
        model=model,
        param_value=guidance,
        seed=seed,
        seconds=seconds,
        metric="fid-hrnet",
        value=fid,
        weights=f"{model} weights",
        steps=25,
        num_samples=4,
        config_hash=f"{model}{guidance}{seed}",
    )
    base |= changes
    return [base, base | {"metric": "semantic_recall", "num_samples": 3}]


def part(model, name, **numbers):
    return {
        "dataset": "d",
        "model": model,
        "trained_on": "d",
        "weights": f"{model} weights",
        "part": name,
    } | numbers


def trained(model, name, **changes):
    return (
        part(
            model,
            name,
            part_trained_on="d",
            steps=100,
            examples_seen=800,
            wall_sec=60.0,
            cpu_sec=90.0,
            gpu_sec=0.0,
            num_parameters=1000,
            flops=2e6,
            hardware="a machine",
            threads=1,
        )
        | changes
    )


ROWS = to_frame(
    [
        *point("imagen", 1.0, 9.0),
        *point("imagen", 2.0, 5.0, seconds=12.0),
        *point("imagen", 2.0, 5.0, seed=1, seconds=8.0),
        *point("imagen", 4.0, 7.0),
        *point("lafite", 0.8, 6.0, param_name="truncation psi", steps=1, trained_on="e"),
        record(
            source="real",
            model="real-own",
            trained_on="none",
            param_name="none",
            weights="none",
            param_value=math.nan,
            steps=None,
            seconds=math.nan,
        ),
    ]
)
COSTS = cost_frame(
    [
        trained("imagen", "base"),
        trained("imagen", "sr", examples_seen=200, num_parameters=500, flops=8e6, cpu_sec=30.0),
        *(
            part("imagen", "sampling", param_value=w, flops=1e9 * w, num_parameters=1600)
            for w in (1.0, 2.0)
        ),
        trained("lafite", "lafite", gpu_sec=None, flops=None),
        part("lafite", "lafite-clip"),
        part("other", "sampling", param_value=2.0, flops=5.0, num_parameters=5),
    ]
)


def line(table, model, name):
    (found,) = [row for _, row in table.iterrows() if (row["model"], row["part"]) == (model, name)]
    return found


def test_a_model_has_the_sums_of_its_networks():
    table = cost_table(ROWS, COSTS)
    assert table["part"].tolist() == ["all", "lafite", "lafite-clip", "all", "base", "sr"]
    together = line(table, "imagen", "all")
    assert together["examples_seen"] == 1000 and together["num_parameters"] == 1500
    assert together["wall_sec"] == 120.0 and together["cpu_sec"] == 120.0
    assert together["training_flops"] == 800 * 2e6 + 200 * 8e6
    assert together["gpu_sec"] == 0.0 and pd.isna(together["flops_per_example"])
    assert line(table, "imagen", "sr")["flops_per_example"] == 8e6


def test_a_sample_is_that_of_the_lowest_fid_over_seeds():
    together = line(cost_table(ROWS, COSTS), "imagen", "all")
    assert together["param_value"] == 2.0 and together["flops_per_sample"] == 2e9
    assert together["sampling_parameters"] == 1600 and together["sampling_steps"] == 25
    assert together["sec_per_sample"] == (12.0 + 8.0) / (4 + 4)


def test_a_missing_part_leaves_the_sums_missing():
    table = cost_table(ROWS, COSTS)
    together = line(table, "lafite", "all")
    assert together[["examples_seen", "wall_sec", "training_flops"]].isna().all()
    assert together["trained_on"] == "e" and pd.isna(together["flops_per_sample"])
    assert together["sec_per_sample"] == 2.0
    assert line(table, "lafite", "lafite")["examples_seen"] == 800


def test_a_seed_without_seconds_leaves_the_mean_missing():
    rows = to_frame(
        [
            *point("imagen", 2.0, 5.0, seconds=12.0),
            *point("imagen", 2.0, 5.0, seed=1, seconds=math.nan),
        ]
    )
    assert math.isnan(line(cost_table(rows, COSTS), "imagen", "all")["sec_per_sample"])


def test_datasets_stand_in_the_order_of_the_rows():
    rows = to_frame([row for name in ("z", "a") for row in point("imagen", 2.0, 5.0, dataset=name)])
    assert list(dict.fromkeys(cost_table(rows, COSTS)["dataset"])) == ["z", "a"]


def test_text_says_what_is_missing_and_what_has_no_meaning():
    text = readable_costs(cost_table(ROWS, COSTS))
    lafite, network, clip, imagen, base, _ = (row for _, row in text.iterrows())
    assert imagen["model"] == "Imagen" and imagen["network"] == "together" and base["model"] == ""
    assert imagen["examples seen"] == "1,000" and imagen["CPU minutes"] == "2.0"
    assert imagen["GPU minutes"] == "0.0" and imagen["FLOPs of training"] == "3.2 G"
    assert imagen["sampled at"] == "w 2, 25 steps" and imagen["FLOPs per sample"] == "2 G"
    assert imagen["FLOPs per example"] == "–" and base["FLOPs per example"] == "2 M"
    assert base["sampled at"] == base["s per sample"] == "–"
    assert lafite["sampled at"] == "ψ 0.8, 1 step" and lafite["trained on"] == "e"
    assert lafite["FLOPs per sample"] == lafite["minutes"] == MISSING
    assert network["GPU minutes"] == MISSING and network["minutes"] == "1.0"
    assert clip["trained on"] == clip["parameters trained"] == MISSING


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (999, "999"),
        (999.9, "1 k"),
        (1234, "1.23 k"),
        (12.34e9, "12.3 G"),
        (5e19, "50 E"),
        (5e23, "5e+05 E"),
    ],
)
def test_amounts_have_three_digits(value, shown):
    costs = cost_frame([part("imagen", "sampling", param_value=2.0, flops=value, num_parameters=1)])
    text = readable_costs(cost_table(ROWS[ROWS["model"] == "imagen"], costs))
    assert text["FLOPs per sample"].tolist() == [shown]


def test_datasets_without_any_record_are_known():
    assert unrecorded(cost_table(ROWS, COSTS)) == set()
    table = cost_table(ROWS, cost_frame([]))
    assert unrecorded(table) == {"d"} and table["part"].tolist() == ["all", "all"]
    assert readable_costs(table)["parameters trained"].tolist() == [MISSING, MISSING]
    assert readable_costs(table)["s per sample"].tolist() == ["2.00", "2.50"]


def test_real_images_cost_nothing():
    assert len(cost_table(ROWS[ROWS["source"] == "real"], COSTS)) == 0

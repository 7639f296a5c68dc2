"""Cost of each model: the training of its networks, and a sample at its best point."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gcdp_bench.report.best import Setting, best_setting
from gcdp_bench.report.style import title
from gcdp_bench.results.costs import SAMPLING
from gcdp_bench.results.summary import UNDEFINED, param_text

TOGETHER = "all"
"""Value of `part` in a model's first line: sums over its networks, and the costs of a sample."""

MISSING = "not recorded"
PREFIXES = ("", "k", "M", "G", "T", "P", "E")  # of powers of 1000

COLUMNS = {
    "dataset": "string",
    "model": "string",
    "trained_on": "string",
    "part": "string",  # a network, or TOGETHER
    "part_trained_on": "string",
    "steps": "Int64",
    "examples_seen": "Int64",
    "wall_sec": "float64",
    "cpu_sec": "float64",
    "gpu_sec": "float64",
    "num_parameters": "Int64",  # trained
    "flops_per_example": "float64",
    "training_flops": "float64",
    "param_name": "string",
    "param_value": "float64",  # value of the parameter
    "sampling_steps": "Int64",
    "sampling_parameters": "Int64",  # in use
    "flops_per_sample": "float64",
    "sec_per_sample": "float64",
    "hardware": "string",  # of training
    "threads": "Int64",
}
SAMPLE_TITLES = ("sampled at", "parameters in use", "FLOPs per sample", "s per sample")
SUMS = ("examples_seen", "wall_sec", "cpu_sec", "gpu_sec", "num_parameters", "training_flops")


def cost_table(rows: pd.DataFrame, costs: pd.DataFrame) -> pd.DataFrame:
    """One line per model and one per network of it.

    The model's line has sums over its networks, which are missing where one of them is, and what a
    sample costs at the parameter value and the steps of the lowest FID.

    Args:
        rows: tidy rows; the seconds of a sample are theirs, in batches, on their machine.
        costs: lines of `gcdp_bench.results.costs`.

    Returns:
        Columns `COLUMNS`; missing: not recorded, or of no meaning in that line.
    """
    lines: list[dict[str, Any]] = []
    generated = rows[(rows["source"] == "generated") & rows["seed"].notna()]
    for dataset, of_dataset in generated.groupby("dataset", sort=False):
        for model in sorted(of_dataset["model"].unique(), reverse=True):
            best = best_setting(of_dataset, model)
            for weights, point in best.rows(of_dataset).groupby("weights"):
                own = costs[(costs["dataset"] == dataset) & (costs["weights"] == weights)]
                lines += _lines(best, point, own)
    return pd.DataFrame(lines, columns=list(COLUMNS)).astype(COLUMNS)


def unrecorded(table: pd.DataFrame) -> set[str]:
    """Datasets of whose models nothing was recorded but the seconds of a sample.

    Args:
        table: of `cost_table`.
    """
    recorded = (table["part"] != TOGETHER) | table["flops_per_sample"].notna()
    return set(table["dataset"]) - set(table[recorded]["dataset"])


def _lines(best: Setting, point: pd.DataFrame, costs: pd.DataFrame) -> list[dict[str, Any]]:
    """Lines of one model.

    Args:
        best: where it is sampled.
        point: tidy rows of that setting.
        costs: lines of its weights.
    """
    trainings = costs[costs["part"] != SAMPLING]
    trainings = trainings.rename(columns={"flops": "flops_per_example"}).assign(
        training_flops=trainings["flops"] * _numbers(trainings["examples_seen"])
    )
    first = point.iloc[0]
    context = {"dataset": first["dataset"], "model": best.model, "trained_on": first["trained_on"]}
    together = {
        name: _numbers(trainings[name]).sum() if len(trainings) else math.nan for name in SUMS
    }
    sampling = costs[(costs["part"] == SAMPLING) & (costs["param_value"] == best.param_value)]
    sample = {
        "param_name": best.param_name,
        "param_value": best.param_value,
        "sampling_steps": best.steps,
        "sampling_parameters": sampling["num_parameters"].iloc[0] if len(sampling) else math.nan,
        "flops_per_sample": sampling["flops"].iloc[0] if len(sampling) else math.nan,
        "sec_per_sample": _sec_per_sample(point),
    }
    parts = [
        {name: part[name] for name in COLUMNS if name in trainings and name not in sample} | context
        for _, part in trainings.iterrows()
    ]
    return [context | {"part": TOGETHER} | together | sample, *parts]


def _numbers(column: pd.Series) -> NDArray[np.float64]:
    return column.to_numpy(np.float64, na_value=math.nan)


def _sec_per_sample(point: pd.DataFrame) -> float:
    """Over all seeds."""
    by_seed = point.groupby("config_hash").agg({"seconds": "first", "num_samples": "max"})
    return float(by_seed["seconds"].sum(skipna=False) / by_seed["num_samples"].sum())


def readable_costs(table: pd.DataFrame) -> pd.DataFrame:
    """The table as text: what was not recorded says so, what has no meaning in a line is a dash."""
    return pd.DataFrame([_text(line) for _, line in table.iterrows()])


def _text(line: pd.Series) -> dict[str, str]:
    of_model = line["part"] == TOGETHER

    return {
        "model": title(line["model"]) if of_model else "",
        "network": "together" if of_model else line["part"],
        "trained on": _known(line["trained_on" if of_model else "part_trained_on"], "{}"),
        "examples seen": _known(line["examples_seen"], "{:,}"),
        "minutes": _known(line["wall_sec"] / 60.0, "{:.1f}"),
        "CPU minutes": _known(line["cpu_sec"] / 60.0, "{:.1f}"),
        "GPU minutes": _known(line["gpu_sec"] / 60.0, "{:.1f}"),
        "parameters trained": _amount(line["num_parameters"]),
        "FLOPs per example": UNDEFINED if of_model else _amount(line["flops_per_example"]),
        "FLOPs of training": _amount(line["training_flops"]),
    } | (_text_of_sample(line) if of_model else dict.fromkeys(SAMPLE_TITLES, UNDEFINED))


def _text_of_sample(line: pd.Series) -> dict[str, str]:
    param = (
        ""
        if line["param_name"] == "none"
        else f"{param_text(line['param_name'], line['param_value'])}, "
    )
    texts = (
        f"{param}{line['sampling_steps']} step{'' if line['sampling_steps'] == 1 else 's'}",
        _amount(line["sampling_parameters"]),
        _amount(line["flops_per_sample"]),
        _known(line["sec_per_sample"], "{:.2f}"),
    )
    return dict(zip(SAMPLE_TITLES, texts, strict=True))


def _known(value: Any, pattern: str) -> str:
    return MISSING if pd.isna(value) else pattern.format(value)


def _amount(value: Any) -> str:
    """Three digits and a prefix: 12.3 G."""
    if pd.isna(value):
        return MISSING
    power = min(
        max(0, math.floor(math.log10(max(1.0, float(f"{value:.2e}")))) // 3), len(PREFIXES) - 1
    )
    return f"{value / 1000.0**power:.3g} {PREFIXES[power]}".rstrip()

"""Comparisons as tables for people."""

from __future__ import annotations

import pandas as pd

from gcdp_bench.metrics.centres import centres
from gcdp_bench.metrics.lookup import is_percent
from gcdp_bench.results.summary import UNDEFINED

MATCHED = {"param_value": "parameter", "fid": "FID (nearest)", "both": "parameter value, FID"}


def readable_comparison(table: pd.DataFrame) -> pd.DataFrame:
    """`compare_points` or `compare_models` as text; shares in percent.

    "A − B" is what the interval belongs to: of distances the difference without its small-sample
    bias, which is not that of the two values beside it.

    Returns:
        One text column per shown quantity; what the models were trained on where that differs.
    """
    percent = table["metric"].map(is_percent).astype(bool)
    factor = percent.map({True: 100.0, False: 1.0}).astype(float)
    centre = centres(table, "difference")
    shown: dict[str, pd.Series | list[str]] = {
        "data": table["dataset"],
        "A": table["a"],
        "B": table["b"],
    }
    if (table["trained_on_a"] != table["trained_on_b"]).any():
        shown["trained on"] = _both(table["trained_on_a"], table["trained_on_b"])
    shown["steps"] = _both(table["steps_a"], table["steps_b"])
    if "matched_by" in table:
        shown["at equal"] = table["matched_by"].map(MATCHED)
    shown |= {
        "metric": table["metric"] + percent.map({True: " %", False: ""}),
        "class": table["class"],
        "A's": _numbers(table["value_a"] * factor, "{:.2f}"),
        "B's": _numbers(table["value_b"] * factor, "{:.2f}"),
        "A − B": _numbers(centre * factor, "{:+.2f}"),
        "95 % interval": [
            UNDEFINED if pd.isna(low) else f"[{low:+.2f}, {high:+.2f}]"
            for low, high in zip(table["ci_low"] * factor, table["ci_high"] * factor, strict=True)
        ],
        "verdict for A": table["verdict"],
        "captions x seeds": [
            f"{captions} x {seeds}"
            for captions, seeds in zip(table["num_captions"], table["num_seeds"], strict=True)
        ],
    }
    return pd.DataFrame(shown)


def chance_note(table: pd.DataFrame) -> str:
    """Number of significant differences by chance, and the adjustment for classes."""
    totals = table[table["class"] == "all"]
    num_tested = int((totals["ci_method"] != "none").sum())
    text = (
        f"{num_tested} totals tested at 5 %: chance alone would give about "
        f"{num_tested / 20:.1f} verdicts."
    )
    num_classes = int(table["p_holm"].notna().sum())
    if num_classes:
        text += (
            f" {num_classes} classes tested: at 5 % each, chance would give about "
            f"{num_classes / 20:.1f}; theirs are adjusted (Holm), so that a comparison has any by "
            "chance in at most 5 %."
        )
    return text


def _both(first: pd.Series, second: pd.Series) -> list[str]:
    """One value where A and B agree, else "A's / B's"."""
    return [
        str(own) if own == other else f"{own} / {other}"
        for own, other in zip(first, second, strict=True)
    ]


def _numbers(values: pd.Series, pattern: str) -> list[str]:
    return [pattern.format(value) for value in values]

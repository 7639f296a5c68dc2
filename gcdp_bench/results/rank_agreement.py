"""Do two segmenters rank the models alike? If not, the ranking is the extractor's."""

from __future__ import annotations

import pandas as pd

from gcdp_bench.metrics.agreement import THRESHOLD, rank_agreement

METRICS = ("semantic_recall", "semantic_precision", "miou", "fsd_predicted")

COLUMNS = ("dataset", "metric", "extractor", "other", "tau", "num_points", "swapped")
NUM_NAMED = 3  # swapped pairs that a warning names


def extractor_agreement(rows: pd.DataFrame) -> pd.DataFrame:
    """Kendall's tau between the values of every two segmenters over the generated points.

    A point is a model at one value of its parameter, averaged over its seeds.

    Args:
        rows: tidy rows.

    Returns:
        Columns `COLUMNS`; `swapped` names the pairs that the extractors order in opposite ways. No
        row where one segmenter evaluated, tau NaN with fewer than two points.
    """
    totals = rows[
        (rows["source"] == "generated")
        & (rows["class"] == "all")
        & rows["seed"].notna()
        & rows["metric"].isin(METRICS)
    ]
    points = totals[["model", "param_value", "steps"]].itertuples(index=False, name=None)
    totals = totals.assign(
        point=[f"{model} @ {value:g}, {steps} steps" for model, value, steps in points]
    )
    lines = []
    for (dataset, metric), group in totals.groupby(["dataset", "metric"], sort=False):
        values = group.pivot_table(
            index="point", columns="extractor", values="value", aggfunc="mean"
        ).dropna()
        primary = group.groupby("extractor")["primary"].any()
        extractors = sorted(values.columns, key=lambda name: (not primary[name], name))
        for place, extractor in enumerate(extractors):
            for other in extractors[place + 1 :]:
                found = rank_agreement(_scores(values[extractor]), _scores(values[other]))
                swapped = "; ".join(f"{one} / {two}" for one, two in found.swapped)
                extractors_of = (dataset, metric, extractor, other)
                lines.append((*extractors_of, found.tau, found.num_models, swapped))
    return pd.DataFrame(lines, columns=list(COLUMNS))


def _scores(column: pd.Series) -> dict[str, float]:
    return {str(point): float(value) for point, value in column.items()}


def _first(swapped: str) -> str:
    pairs = swapped.split("; ")
    return "; ".join(pairs[:NUM_NAMED]) + ("; ..." if len(pairs) > NUM_NAMED else "")


def warnings_of(agreement: pd.DataFrame) -> tuple[str, ...]:
    """One sentence for each pair of extractors that ranks the points differently."""
    low = agreement[agreement["tau"] < THRESHOLD]
    return tuple(
        f"{line.dataset}, {line.metric}: {line.extractor} and {line.other} rank the "
        f"{line.num_points} points with Kendall's tau {line.tau:.2f}, below {THRESHOLD}: the "
        f"order depends on the extractor (swapped: {_first(str(line.swapped))})"
        for line in low.itertuples()
    )

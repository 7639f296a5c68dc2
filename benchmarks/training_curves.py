"""Training curves of runs: every term in training and in validation, one column per run.

    python -m benchmarks.training_curves RUN... --out FILE.png

RUN is a run folder of `gcdp-bench train`. Pale: each step (or the mean of a few, so that at most
500 are drawn); dark: the mean over the nearest 2 % of the steps; points: validation of the averaged
weights. A scale is logarithmic where the values span more than a factor of 10. A total of one term
alone is that term and is left out.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from gcdp_bench.io.atomic import replacing
from gcdp_bench.report.style import PNG_DPI, theme

SPLITS = ("train", "validation")
TOTAL = "total"
RUNS = "runs"
SMOOTHED_SHARE = 0.02
MAX_DRAWN = 500
LOG_RANGE = 10.0
PANEL_INCH = (2.9, 1.35)
TRAIN_COLOUR, VALIDATION_COLOUR = "#0f3d7a", "#de9216"


def main() -> None:
    """Draw the curves."""
    parser = argparse.ArgumentParser(description="Draw training curves.")
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.png")
    options = parser.parse_args()
    with theme():
        figure = draw_curves({_name(run): read_terms(run) for run in options.runs})
        with replacing(options.out) as temporary:
            figure.savefig(temporary, format="png", dpi=PNG_DPI, metadata={"Software": None})
    print(f"{options.out}: {options.out.stat().st_size / 1e3:.0f} kB")


def read_terms(run: Path) -> pd.DataFrame:
    """Logged terms of a run, in the order of the first log.

    Returns:
        Columns `split` (of `SPLITS`), `term`, `step`, `value`; a step that was repeated after a
        resume has its last value.

    Raises:
        FileNotFoundError: the run logged nothing.
    """
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder = run / "tensorboard"
    events = EventAccumulator(str(folder), size_guidance={"scalars": 0})  # 0: all
    if folder.is_dir():
        events.Reload()
    records = []
    for tag in events.Tags()["scalars"]:
        split, _, term = tag.partition("/")
        if split in SPLITS:
            values = sorted(events.Scalars(tag), key=lambda event: event.wall_time)
            records += [(split, term, event.step, event.value) for event in values]
    if not records:
        raise FileNotFoundError(
            f"{folder}: expected the log of a training, found none; give the folder of a run"
        )
    terms = pd.DataFrame(records, columns=["split", "term", "step", "value"])
    terms = terms.drop_duplicates(["split", "term", "step"], keep="last")
    return terms.sort_values("step", kind="stable", ignore_index=True)


def draw_curves(runs: dict[str, pd.DataFrame]) -> Figure:
    """Small multiples: runs from left to right, the terms of each from top to bottom.

    Args:
        runs: title -> `read_terms`.
    """
    shown = {name: _terms(terms) for name, terms in runs.items()}
    num_lines = max(map(len, shown.values()))
    width, height = PANEL_INCH
    figure = Figure(figsize=(width * len(runs), height * num_lines + 0.6))
    panels = figure.subplots(num_lines, len(runs), squeeze=False, sharex="col")
    handles = {}
    for column, (name, terms) in enumerate(runs.items()):
        for line in range(num_lines):
            panel = panels[line, column]
            if line < len(shown[name]):
                term = shown[name][line]
                _draw_term(panel, terms[terms["term"] == term])
                drawn, labels = panel.get_legend_handles_labels()
                handles |= dict(zip(labels, drawn, strict=True))
                panel.set_title(term, fontsize=8, loc="left", pad=2)
            else:
                panel.set_axis_off()
        last = panels[len(shown[name]) - 1, column]
        last.set_xlabel("step", fontsize=7.5)
        last.xaxis.label.set_visible(True)
        last.tick_params(labelbottom=True)
        panels[0, column].annotate(
            name,
            (0.0, 1.0),
            xytext=(0, 16),
            textcoords="offset points",
            xycoords="axes fraction",
            fontweight="bold",
            fontsize=8.5,
            va="bottom",
        )
    figure.legend(
        list(handles.values()),
        list(handles),
        loc="outside lower center",
        ncols=len(handles),
        frameon=False,
        fontsize=7.5,
    )
    return figure


def _terms(terms: pd.DataFrame) -> list[str]:
    """Terms to draw, the totals first."""
    trained = terms[terms["split"] == SPLITS[0]]
    values = {str(term): part["value"].to_numpy() for term, part in trained.groupby("term")}
    repeated = {
        name
        for name, own in values.items()
        for other, theirs in values.items()
        if name.endswith(TOTAL) and name != other and len(own) == len(theirs)
        if (own == theirs).all()
    }
    names = [str(name) for name in terms["term"].unique() if name not in repeated]
    return sorted(names, key=lambda name: not name.endswith(TOTAL))


def _draw_term(panel: Axes, values: pd.DataFrame) -> None:
    trained, validated = (values[values["split"] == split] for split in SPLITS)
    if len(trained):
        raw = _thinned(trained)
        smooth = _thinned(trained.assign(value=_smoothed(trained["value"])))
        panel.plot(raw["step"], raw["value"], color=TRAIN_COLOUR, alpha=0.25, linewidth=0.5)
        _draw_line(panel, smooth, "training, smoothed", TRAIN_COLOUR)
    if len(validated):
        _draw_line(panel, validated, "validation, averaged weights", VALIDATION_COLOUR, marker="o")
    lowest, highest = values["value"].min(), values["value"].max()
    if lowest > 0.0 and highest > LOG_RANGE * lowest:
        panel.set_yscale("log")
        panel.yaxis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
        panel.yaxis.set_major_formatter("{x:g}")
        panel.yaxis.set_minor_formatter(NullFormatter())
    panel.set(xlabel="", ylabel="")
    panel.tick_params(labelsize=7)


def _draw_line(
    panel: Axes, values: pd.DataFrame, label: str, colour: str, marker: str | None = None
) -> None:
    sns.lineplot(
        values,
        x="step",
        y="value",
        ax=panel,
        label=label,
        color=colour,
        marker=marker,
        markersize=4,
        linewidth=1.2,
        errorbar=None,
        legend=False,
    )


def _smoothed(values: pd.Series) -> pd.Series:
    window = max(1, round(SMOOTHED_SHARE * len(values)))
    return values.rolling(window, center=True, min_periods=1).mean()


def _thinned(values: pd.DataFrame) -> pd.DataFrame:
    """Means of neighbouring steps, at most `MAX_DRAWN`."""
    num = min(MAX_DRAWN, len(values))
    groups = np.arange(len(values)) * num // len(values)  # (N,) from 0 to num - 1
    return values[["step", "value"]].groupby(groups).mean()


def _name(run: Path) -> str:
    """Folders of a run below runs/: model, dataset, stage."""
    parts = run.resolve().parts
    start = len(parts) - parts[::-1].index(RUNS) if RUNS in parts else -1
    return "/".join(parts[start:])


if __name__ == "__main__":
    main()

"""Write every table and every marked number of README.md and results/README.md from committed CSV.

python -m benchmarks.tables [--check]

    <!-- table: NAME --> ... <!-- /table -->     the table `TABLES[NAME]`
    5.48<!--= SOURCE KEY ... COLUMN -->          a number, with as many decimals as it has
    [4.01, 5.26]<!--= SOURCE KEY ... COLUMN -->  its interval

SOURCE is a name of `SOURCES`; the KEYs are values of its key columns, in order, "~" for a space. A
plus sign before a number stays; shares become percent. Of a comparison the KEYs are the two points,
in either order.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterable, Mapping

import pandas as pd

from benchmarks.metric_table import metric_table
from benchmarks.quoted import ROOT, SHARES, SOURCES, lookup, read
from gcdp_bench.io.atomic import replacing
from gcdp_bench.report.style import title
from gcdp_bench.results.summary import UNDEFINED, param_text

DOCUMENTS = ("README.md", "results/README.md")
TABLED = ("docs/reference/metrics.md",)
"""Documents of which the tables between marks alone are written."""

DIGITS = re.compile(r"[+-]?\d[\d,]*(?:\.\d+)?|\[[^\][]*\]")
NUMBER = re.compile(rf"(?P<text>{DIGITS.pattern})<!--= (?P<what>[^>]*?) -->")
TABLE = re.compile(
    r"(?P<head><!-- table: (?P<name>[\w-]+) -->\n).*?(?P<tail><!-- /table -->)", re.S
)


MODELS = ("reference", "imagen", "ldm", "lafite")
REAL = {
    "real-vs-real": "real vs. real",
    "real-shuffled": "real (shuffled captions)",
    "real-own": "real (own captions)",
}
PAIR_TITLES = {
    "reference-unconditional": "GCDP, unconditional",
    "gansformer": "GANformer, layouts by the segmenter",
    "dataset-ddpm": "DatasetDDPM, 50 labelled images",
    "reference": "GCDP with captions, pretrained, w 2",
    "real-own": "real images",
}


def formatted(text: str, what: str) -> str:
    """A number, or an interval, as `text` is written."""
    value, *ends = lookup(what)
    if not text.startswith("["):
        return _like(text, value)
    name, *_, column = what.split()
    if column.startswith(("fid", "fd-", "fsd")) and not (
        SOURCES[name].paired or column.endswith("_corrected")
    ):
        raise ValueError(f"{what}: the interval of a distance belongs to {column}_corrected")
    parts = text.strip("[]").split(", ")
    if len(parts) != 2:
        raise ValueError(f"{what}: expected an interval such as [1.0, 2.0], got {text}")
    return f"[{', '.join(_like(part, end) for part, end in zip(parts, ends, strict=True))}]"


def rewritten(text: str) -> str:
    """A document with its tables and marked numbers as the files say."""
    text = TABLE.sub(lambda hit: f"{hit['head']}{TABLES[hit['name']]()}{hit['tail']}", text)
    return NUMBER.sub(
        lambda hit: f"{formatted(hit['text'], hit['what'])}<!--= {hit['what']} -->", text
    )


def main() -> None:
    """Rewrite the documents; with `--check` only say which are not up to date."""
    parser = argparse.ArgumentParser(description="Tables and numbers of the documents.")
    parser.add_argument("--check", action="store_true", help="Write nothing; exit 1 if one is old.")
    options = parser.parse_args()
    old = []
    for name in (*DOCUMENTS, *TABLED):
        path = ROOT / name
        text = path.read_text(encoding="utf-8")
        new = rewritten(text)
        if new != text:
            old.append(name)
            if not options.check:
                with replacing(path) as temporary:
                    temporary.write_text(new, encoding="utf-8")
    print(f"{'old' if options.check else 'rewritten'}: {', '.join(old) or 'none'}")
    sys.exit(bool(old) and options.check)


METRICS = {
    "semantic_recall": "recall % ↑",
    "semantic_precision": "precision % ↑",
    "false_detection_rate": "false detection % ↓",
    "miou": "mIoU % ↑",
    "fsd_predicted": "FSD segmented ↓",
    "clip-x100": "CLIP ↑",
}


def sweep_table(
    name: str, metrics: Iterable[str] = METRICS, *, best_only: bool = False
) -> Callable[[], str]:
    """Every point of a sweep; real images last. Bold: the lowest plain FID of each model.

    Args:
        name: of the sweep in `SOURCES`.
        metrics: columns after the FID.
        best_only: show the point of the lowest plain FID alone; bold is the lowest of all.
    """
    columns = {metric: METRICS[metric] for metric in metrics}

    def build() -> str:
        summary = read(SOURCES[name].file)
        lines = [["model", "sampled at", "FID ↓", "FID corrected, 95 % ↓", *columns.values()]]
        lowest = summary[summary["model"].isin(MODELS)].groupby("model")["fid"].min()
        for model in (*MODELS, *REAL):
            points = summary[summary["model"] == model]
            if best_only:
                points = points.sort_values("fid", kind="stable").head(1)
            for place, (_, point) in enumerate(points.iterrows()):
                fid = _number(point["fid"], 2)
                bar = lowest.min() if best_only else lowest.get(model)
                best = model in MODELS and point["fid"] == bar
                lines.append(
                    [
                        REAL.get(model, title(model)) if place == 0 else "",
                        param_text(point["param_name"], point["param_value"]).replace("–", ""),
                        f"**{fid}**" if best else fid,
                        _corrected(point),
                        *(_metric(point, metric) for metric in columns),
                    ]
                )
        return _markdown(lines)

    return build


def best_table(name: str, at: Mapping[str, str]) -> Callable[[], str]:
    """A line per model: its lowest plain FID, other metrics at one parameter value. Bold: best."""
    columns = {
        "semantic_recall": "recall % ↑",
        "clip-x100": "CLIP ↑",
        "attribute_recall": "attribute recall % ↑",
    }

    def build() -> str:
        summary = read(SOURCES[name].file)
        points = {}
        for model in MODELS:
            own = summary[summary["model"] == model]
            shown = own[own["param_value"].map("{:g}".format) == at[model]].iloc[0].copy()
            best = own.sort_values("fid", kind="stable").iloc[0]
            shown["fid"], shown["best"] = best["fid"], _setting(best)
            points[model] = shown
        bold = {metric: max(point[metric] for point in points.values()) for metric in columns}
        lowest = min(point["fid"] for point in points.values())
        lines = [["model", "lowest FID ↓", "others at", *columns.values()]]
        for model, point in points.items():
            lines.append(
                [
                    title(model),
                    f"{_bold(_number(point['fid'], 2), point['fid'] == lowest)} ({point['best']})",
                    _setting(point),
                    *(
                        _bold(_metric(point, metric), point[metric] == bold[metric])
                        for metric in columns
                    ),
                ]
            )
        for model, text in REAL.items():
            ((_, point),) = summary[summary["model"] == model].iterrows()
            lines.append(
                [
                    text,
                    _number(point["fid"], 2),
                    "",
                    *(_metric(point, metric) for metric in columns),
                ]
            )
        return _markdown(lines)

    return build


def cost_table(name: str) -> Callable[[], str]:
    """Cost of the trainings of a sweep's models, and of a sample of each."""

    def build() -> str:
        costs = read(SOURCES[f"{name}-cost"].file)
        lines = [
            [
                "model",
                "parameters trained",
                "examples (steps x batch)",
                "training TFLOPs",
                "GFLOPs per sample",
            ]
        ]
        for model in MODELS:
            own = costs[costs["model"] == model]
            ((_, whole),) = own[own["part"] == "all"].iterrows()
            lines.append(
                [
                    title(model),
                    f"{whole['num_parameters'] / 1e6:.1f} M",
                    " + ".join(
                        f"{part['examples_seen']:,.0f} ({_steps(part)} {part['part']})"
                        for _, part in own[own["part"] != "all"].iterrows()
                    ),
                    f"{whole['training_flops'] / 1e12:.0f}",
                    f"{whole['flops_per_sample'] / 1e9:.1f} ({_setting(whole)})",
                ]
            )
        return _markdown(lines)

    return build


def pair_table(name: str) -> Callable[[], str]:
    """Table 1, by plain FID. Bold: best of the generators without captions.

    The committed files hold the intervals of the distances without the corrected values that they
    belong to, so mIoU alone has one here.
    """

    def build() -> str:
        table = read(SOURCES[name].file).sort_values("fid", kind="stable")
        table = table[~table["method"].isin(["reference", "real-own"])]
        rest = read(SOURCES[name].file).set_index("method", drop=False)
        rest = rest.loc[[model for model in ("reference", "real-own") if model in rest.index]]
        costs = read(SOURCES[f"{name}-cost"].file)
        lines = [["method", "steps x batch", "CPU minutes", "FID ↓", "mIoU % ↑", "FSD ↓"]]
        best = {"fid": table["fid"].min(), "miou": table["miou"].max(), "fsd": table["fsd"].min()}
        for _, point in pd.concat([table, rest]).iterrows():
            method = point["method"]
            miou = "undefined" if pd.isna(point["miou"]) else _number(point["miou"], 1)
            ends = f" [{_number(point['miou_low'], 1)}, {_number(point['miou_high'], 1)}]"
            lines.append(
                [
                    PAIR_TITLES.get(method, title(method)),
                    *_spent(costs[costs["model"] == method]),
                    _bold(_number(point["fid"], 1), point["fid"] == best["fid"]),
                    _bold(miou, point["miou"] == best["miou"])
                    + ("" if pd.isna(point["miou_low"]) else ends),
                    _bold(_number(point["fsd"], 1), point["fsd"] == best["fsd"]),
                ]
            )
        return _markdown(lines)

    return build


def coverage_table() -> str:
    """Simulated coverage of the intervals of Fréchet distances, by `benchmarks.coverage`."""
    table = read("coverage/distances.csv")
    title = ["population", "N against M", "method", "at 0 (width)", "at 1", "at 5", "flagged %"]
    lines = [title]
    methods = {"frechet": "halves", "frechet-influence": "influence"}
    table = table[table["metric"].isin(methods)]
    for (population, num, other, metric), case in table.groupby(
        ["population", "num", "other", "metric"]
    ):
        at = case.set_index("times_bias")
        covered = [f"{at['covered_percent'][t]:.1f}" if t in at.index else "–" for t in (0, 1, 5)]
        ends = f"{at['width'][0]:.2f}: {at['low'][0]:.2f} to {at['high'][0]:.2f}"
        flagged = f"{case['flagged_percent'].mean():.0f}"
        lines.append(
            [
                str(population),
                f"{num} against {other}",
                methods[str(metric)],
                f"{covered[0]} ({ends})",
                *covered[1:],
                flagged,
            ]
        )
    return _markdown(lines)


def means_table() -> str:
    """Lowest and highest coverage over the kinds of shares, by `benchmarks.coverage_means`."""
    table = (
        read("coverage/means.csv").groupby(["mean", "num"])["covered_percent"].agg(["min", "max"])
    )
    nums = sorted(set(table.index.get_level_values("num")))
    lines = [["mean", *(f"N = {num}" for num in nums)]]
    for mean in sorted(set(table.index.get_level_values("mean"))):
        ranges = (table.loc[(mean, num)] for num in nums)
        lines.append([f"{mean:g}", *(f"{one['min']:.1f} to {one['max']:.1f}" for one in ranges)])
    return _markdown(lines)


def alarm_table() -> str:
    """Rates of any alarm, from `benchmarks.alarms`."""
    table = read("alarms.csv")
    lines = [["dataset", "networks", "samples of real images", "draws", "any alarm %, 95 %"]]
    for _, line in table[table["alarm"] == "any"].iterrows():
        interval = f"{line['percent']} [{line['ci_low']}, {line['ci_high']}]"
        lines.append(
            [
                line["dataset"],
                line["networks"],
                f"{line['num_samples']} of {line['num_real']}",
                str(line["draws"]),
                interval,
            ]
        )
    return _markdown(lines)


TABLES: Mapping[str, Callable[[], str]] = {
    "metrics": metric_table,
    "coverage": coverage_table,
    "coverage-means": means_table,
    "alarms": alarm_table,
    "city": sweep_table("city"),
    "city-best": sweep_table(
        "city",
        ("semantic_recall", "semantic_precision", "miou", "clip-x100"),
        best_only=True,
    ),
    "face": best_table("face", {"reference": "4", "imagen": "4", "ldm": "4", "lafite": "0.6"}),
    "city-costs": cost_table("city"),
    "face-costs": cost_table("face"),
    "pairs-costs": pair_table("pairs"),
    "camvid": pair_table("camvid"),
}


def _like(text: str, value: float) -> str:
    """A value with the decimals, the commas and the plus sign of `text`."""
    if pd.isna(value):
        raise ValueError(f"{text}: expected a number in the file, found none")
    decimals = len(text.partition(".")[2])
    sign = "+" if text.startswith("+") else ""
    shown = f"{value:{sign}{',' if ',' in text else ''}.{decimals}f}"
    return shown.replace("-", "") if float(shown.replace(",", "")) == 0 else shown


def _markdown(lines: list[list[str]]) -> str:
    head, *body = lines
    rows = [head, ["---"] * len(head), *body]
    return "".join(f"| {' | '.join(row)} |\n".replace("  ", " ") for row in rows)


def _number(value: float, decimals: int) -> str:
    return UNDEFINED if pd.isna(value) else f"{value:.{decimals}f}"


def _metric(point: pd.Series, metric: str) -> str:
    return _number(point[metric] * (100.0 if metric in SHARES else 1.0), 1)


def _corrected(point: pd.Series) -> str:
    """The value without its small-sample bias, with its interval, no end below 0."""
    if pd.isna(point["fid_corrected"]):
        return UNDEFINED
    ends = ", ".join(_number(max(0.0, point[f"fid_{end}"]), 2) for end in ("low", "high"))
    return f"{_number(max(0.0, point['fid_corrected']), 2)} [{ends}]"


def _setting(point: pd.Series) -> str:
    return param_text(point["param_name"], point["param_value"])


def _bold(text: str, best: bool) -> str:
    return f"**{text}**" if best else text


def _steps(part: pd.Series) -> str:
    return f"{part['steps']:,.0f} x {part['examples_seen'] / part['steps']:.0f}"


def _spent(costs: pd.DataFrame) -> list[str]:
    """Steps of every trained network, and minutes of all; on a GPU those of the GPU."""
    if not len(costs):
        return ["", ""]
    ((_, whole),) = costs[costs["part"] == "all"].iterrows()
    parts = costs[costs["part"] != "all"]
    steps = ", ".join(f"{_steps(part)} {part['part']}" for _, part in parts.iterrows())
    minutes = f"{whole['cpu_sec'] / 60:.0f}"
    gpu = f" (and {whole['gpu_sec'] / 60:.0f} GPU minutes)" if whole["gpu_sec"] > 0 else ""
    return [steps, minutes + gpu]


if __name__ == "__main__":
    main()

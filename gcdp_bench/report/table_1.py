"""The paper's Table 1: pairs of image and layout by FID, mIoU and FSD, ours beside the printed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from gcdp_bench.datasets.identity import family
from gcdp_bench.datasets.registry import DATASETS
from gcdp_bench.io.atomic import replacing
from gcdp_bench.report.style import title
from gcdp_bench.results.published import METHODS, TABLE_1
from gcdp_bench.results.schema import REAL_OWN, REAL_VS_REAL, REFERENCE_MODELS
from gcdp_bench.results.summary import (
    UNDEFINED,
    number,
    param_text,
    primary_totals,
    summary_table,
    with_interval,
)

MEASURES = ("fid", "miou", "fsd")
OWN, SEGMENTED = "generated", "segmenter's"
"""Source of the layouts of a line's FSD."""

COLUMNS = (
    *("method", "data", "layouts", "labelled_images", "param_name", "param_value", "steps"),
    *("protocol", *(f"paper_{measure}" for measure in MEASURES)),
    *("fid_corrected", "fsd_corrected"),
    *(f"{measure}{end}" for end in ("", "_low", "_high") for measure in MEASURES),
)
"""Columns of the table, in their order."""

PERCENT = 100.0
UNDEFINED_MIOU = "undefined"
PUBLISHED_MARK = "†"
NOTES = (
    "FID and FSD: lower is better; mIoU: higher is better. In brackets: 95 % intervals, beside "
    "what they belong to: of distances the values without their small-sample bias. The plain FID, "
    "as the literature has it, ranks: each method stands at the parameter value of its lowest "
    "plain FID, averaged over the sampling seeds.",
    "mIoU compares a generated layout with what the segmenter sees in the generated image. Where "
    "the layouts are the segmenter's own it is undefined, and FSD is of the segmenter's layouts.",
)
PRINTED_NOTE = (
    f"{PUBLISHED_MARK} Printed in Table 1 of Park et al. 2023, for Cityscapes at 512x256 by a "
    "protocol that is not known; not comparable with the columns beside it."
)
BESIDE_THE_PAPER = frozenset(map(family, DATASETS))
"""Families of datasets beside which the printed numbers stand; a dataset of one's own is none."""


def table_1(rows: pd.DataFrame) -> pd.DataFrame:
    """Every generator at the parameter value of its lowest FID; real images last in each dataset.
    A generator without an FID has no line.

    FSD is that of the generated layouts; of the segmenter's layouts where a generator makes none,
    as the paper does for GANformer. mIoU needs generated layouts. Real images: mIoU of their own
    layouts; distances of the sample to the other real images.

    Args:
        rows: tidy rows of `gcdp_bench.results.schema`.

    Returns:
        Columns `COLUMNS`: `layouts` is `OWN`, `SEGMENTED`, or "true" of real images,
        `labelled_images` is missing where it is all that the generator was trained on; mIoU is in
        percent, as `paper_miou`. The ends of the intervals, `MEASURE_low` and `MEASURE_high`,
        belong to the corrected distances. NaN: undefined, or not printed.
    """
    summary = summary_table(rows)
    labelled = _labelled_images(rows)
    lines = []
    for _, of_dataset in summary.groupby("dataset", sort=False):
        generated = of_dataset[~of_dataset["model"].isin(REFERENCE_MODELS)].dropna(subset="fid")
        for _, points in generated.groupby("model", sort=False):
            lines.append(_line(points.iloc[int(points["fid"].argmin())], labelled))
        lines += _real_line(of_dataset)
    table = pd.DataFrame(lines, columns=list(COLUMNS))
    return table.astype({"labelled_images": "Int64", "steps": "Int64"})


def readable_table_1(table: pd.DataFrame) -> pd.DataFrame:
    """The table as text: titles for people, intervals in brackets, undefined values said so."""
    shown = pd.DataFrame(
        {
            "method": [title(method) for method in table["method"]],
            "data": table["data"],
            "layouts": table["layouts"],
            "labelled images": [_labels_seen(line) for _, line in table.iterrows()],
            "at": [
                param_text(name, value)
                for name, value in zip(table["param_name"], table["param_value"], strict=True)
            ],
            "steps": [number(steps, "{:.0f}") for steps in table["steps"]],
        }
    )
    names = {"fid": "FID ↓", "miou": "mIoU % ↑", "fsd": "FSD ↓"}
    for measure, name in names.items():
        lines = [line for _, line in table.iterrows()]
        if table.get(f"{measure}_corrected", pd.Series(dtype=float)).isna().all():
            shown[name] = [_with_interval(line, measure, measure) for line in lines]
            continue
        shown[name] = [number(line[measure]) for line in lines]
        shown[f"{name[:-2]}, bias-corrected ↓"] = [
            _with_interval(line, f"{measure}_corrected", measure) for line in lines
        ]
    for measure, name in names.items() if _has_printed(table) else ():
        shown[f"{name.split()[0]}, paper{PUBLISHED_MARK}"] = [
            number(value) for value in table[f"paper_{measure}"]
        ]
    shown["protocol"] = table["protocol"]
    return shown


def write_table_1(table: pd.DataFrame, folder: Path) -> tuple[Path, ...]:
    """Write `table-1.csv`, `.md` and `.tex` into a folder; returns the files."""
    texts = {
        "csv": table.to_csv(index=False),
        "md": markdown(table),
        "tex": latex(table),
    }
    files = []
    for suffix, text in texts.items():
        files.append(folder / f"table-1.{suffix}")
        with replacing(files[-1]) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return tuple(files)


def markdown(table: pd.DataFrame) -> str:
    """The table in Markdown, with notes."""
    shown = readable_table_1(table)
    lines = [list(shown.columns), ["---"] * len(shown.columns), *shown.to_numpy().tolist()]
    body = "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)
    return "\n\n".join([body, *notes(table)]) + "\n"


def latex(table: pd.DataFrame) -> str:
    """The table in LaTeX (booktabs), with notes below it."""
    shown = readable_table_1(table).map(_tex)
    shown.columns = [_tex(name) for name in shown.columns]
    body = shown.to_latex(index=False, escape=False, column_format="l" * len(shown.columns))
    below = "\n".join(rf"\par\footnotesize {_tex(note)}" for note in notes(table))
    return f"{body}{below}\n"


def notes(table: pd.DataFrame) -> tuple[str, ...]:
    """Notes below the table, with those about printed numbers if there are any."""
    return (*NOTES, PRINTED_NOTE) if _has_printed(table) else NOTES


def _line(best: pd.Series, labelled: Mapping[tuple[str, str], int]) -> dict:
    """One point of the summary, and what the paper prints of its method."""
    own = not math.isnan(best["fsd_generated"])
    fsd = "fsd_generated" if own else "fsd_predicted"
    line = {
        "method": best["model"],
        "data": best["dataset"],
        "layouts": OWN if own else SEGMENTED,
        "labelled_images": labelled.get((best["dataset"], best["model"])),
        "param_name": best["param_name"],
        "param_value": best["param_value"],
        "steps": best["steps"],
        "protocol": f"{best['fid_metric']}, {best['num_captions']} samples, "
        f"{best['num_seeds']} sampling {'seed' if best['num_seeds'] == 1 else 'seeds'}",
        **_printed(best["model"], best["dataset"]),
    }
    line |= {"fid_corrected": best["fid_corrected"], "fsd_corrected": best[f"{fsd}_corrected"]}
    for end in ("", "_low", "_high"):
        line |= {
            f"fid{end}": best[f"fid{end}"],
            f"miou{end}": PERCENT * best[f"miou{end}"],
            f"fsd{end}": best[f"{fsd}{end}"],
        }
    return line


def _real_line(summary: pd.DataFrame) -> list[dict]:
    """mIoU of real pairs, and distances between real images."""
    own, others = (summary[summary["model"] == model] for model in (REAL_OWN, REAL_VS_REAL))
    if not len(own) or not len(others):
        return []
    line = _line(others.iloc[0], {}) | {"method": REAL_OWN, "layouts": "true", "param_name": "none"}
    for end in ("", "_low", "_high"):
        line[f"miou{end}"] = PERCENT * own.iloc[0][f"miou{end}"]
    return [line]


def _printed(model: str, dataset: str) -> dict[str, float]:
    """The paper's numbers of the generator's method, beside its datasets and their stand-ins."""
    base = model.partition(" (")[0]  # without the subset that `compatibility.name_subsets` adds
    method = METHODS.get(base, "") if family(dataset) in BESIDE_THE_PAPER else ""
    values = TABLE_1.get(method, (None,) * len(MEASURES))
    return {
        f"paper_{measure}": math.nan if value is None else value
        for measure, value in zip(MEASURES, values, strict=True)
    }


def _has_printed(table: pd.DataFrame) -> bool:
    """Whether the paper prints anything that stands beside a line."""
    return bool(table[[f"paper_{measure}" for measure in MEASURES]].notna().any(axis=None))


def _labelled_images(rows: pd.DataFrame) -> dict[tuple[str, str], int]:
    """(dataset, model) -> labelled images, of generators for which that is a setting."""
    totals = primary_totals(rows)
    own = totals[totals["metric"] == "labelled_images"]
    return {(line["dataset"], line["model"]): int(line["value"]) for _, line in own.iterrows()}


def _labels_seen(line: pd.Series) -> str:
    """Number of layouts that a generator learned from."""
    if line["layouts"] != OWN:
        return "none" if line["layouts"] == SEGMENTED else UNDEFINED
    return "all" if pd.isna(line["labelled_images"]) else f"{line['labelled_images']}"


def _with_interval(line: pd.Series, centre: str, measure: str) -> str:
    """The column `centre` with the measure's interval."""
    if measure == "miou" and pd.isna(line[centre]):
        return UNDEFINED_MIOU
    return with_interval(*(line[name] for name in (centre, f"{measure}_low", f"{measure}_high")))


def _tex(text: str) -> str:
    """Text with LaTeX's signs for what it would misread or lacks."""
    signs = {
        "&": r"\&",
        "%": r"\%",
        "#": r"\#",
        "_": r"\_",
        "↓": r"$\downarrow$",
        "↑": r"$\uparrow$",
        "†": r"$^\dagger$",
        "ψ": r"$\psi$",
        "–": "--",
    }
    for sign, written in signs.items():
        text = text.replace(sign, written)
    return text

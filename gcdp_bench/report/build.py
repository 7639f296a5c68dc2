"""A results folder to files: tables, figures, page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from gcdp_bench.comparison.models import compare_models
from gcdp_bench.io.atomic import output_folder, replacing
from gcdp_bench.io.validation import file_stem
from gcdp_bench.metrics.lookup import problem_of
from gcdp_bench.report.costs import cost_table
from gcdp_bench.report.grids import draw_guidance, draw_models
from gcdp_bench.report.page import Section, Tables, render_page
from gcdp_bench.report.recall import draw_recall
from gcdp_bench.report.style import save, theme, title
from gcdp_bench.report.table_1 import markdown, table_1, write_table_1
from gcdp_bench.report.tradeoff import draw_tradeoff
from gcdp_bench.results.alarms import alarms_of, datasets_without_controls
from gcdp_bench.results.compatibility import check_comparable, name_subsets, old_definitions, select
from gcdp_bench.results.costs import read_costs
from gcdp_bench.results.layout import read_proportions
from gcdp_bench.results.published import published_rows
from gcdp_bench.results.rank_agreement import extractor_agreement, warnings_of
from gcdp_bench.results.schema import generators
from gcdp_bench.results.summary import summary_table
from gcdp_bench.results.table import read_rows
from gcdp_bench.results.tradeoff import correspondences, tradeoff_table

TRADEOFF_NOTE = (
    "Each curve runs over the model's sampling parameter (guidance scale w, truncation psi ψ), "
    "whose value is written at each point; hollow: 1, where it is off. Lower and further right is "
    "better. "
    "Dashed: real images with their own captions; dotted: with another image's captions."
)
RECALL_NOTE = (
    "Every model at the parameter value of its lowest FID. A class counts as found from one pixel "
    "on, so noise raises recall: read it with the false detections in the table."
)
GRID_NOTE = "The first captions of the seeded draw, not chosen; the same seed for every model."


@dataclass(frozen=True)
class Report:
    """Paths of the written files."""

    page: Path
    tables: tuple[Path, ...]
    figures: tuple[Path, ...]  # PNG
    summary: pd.DataFrame
    warnings: tuple[str, ...]
    alarms: pd.DataFrame  # see `gcdp_bench.results.alarms.alarms_of`


def build_report(
    results: Path, *, only: Sequence[str] = (), allow_subsets: bool = False, pdf: bool = False
) -> Report:
    """Write `tables/`, `figures/` and `report.html` into a results folder.

    Args:
        results: folder of a sweep.
        only: conditions FIELD=VALUE on the rows that are used.
        allow_subsets: show models of different training data together, each with its data's name.
        pdf: write every figure as PDF too.

    Raises:
        FileNotFoundError: there are no results, or samples behind them were removed.
        UnlikeRowsError: rows differ in how they were measured; names the field.
        ValueError: the results are of another version, or a condition leaves no row.
        OSError: the folder cannot be written.
    """
    rows = _comparable_rows(results, only, allow_subsets=allow_subsets)
    for folder in (results, results / "tables"):
        output_folder(folder)
    summary = summary_table(rows)
    paired = table_1(rows)
    comparison = compare_models(rows, results)
    tradeoff = tradeoff_table(rows)
    agreement = extractor_agreement(rows)
    costs = cost_table(rows, read_costs(results))
    alarms = alarms_of(results, rows)
    warnings = (
        *warnings_of(agreement),
        *_of_definitions(rows),
        *_of_packages(rows),
        *_of_controls(results, rows),
    )
    tables = {
        "summary": summary,
        "comparison": comparison,
        "tradeoff": tradeoff,
        "costs": costs,
        "published": published_rows(),
    }
    if len(alarms):
        tables["alarms"] = alarms
    if len(agreement):
        tables["extractor-agreement"] = agreement
    written = [_write(table, results / "tables" / f"{name}.csv") for name, table in tables.items()]
    written += write_table_1(paired, results / "tables")
    sections = []
    with theme():
        for dataset in rows["dataset"].unique():
            sections.append(_section(dataset, rows[rows["dataset"] == dataset], results, pdf=pdf))
    page = render_page(
        rows,
        sections,
        Tables(summary, paired, comparison, tradeoff, agreement, costs),
        warnings,
        alarms,
    )
    path = results / "report.html"
    with replacing(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
    figures = tuple(figure.path for section in sections for figure in section.figures)
    return Report(path, tuple(written), figures, summary, warnings, alarms)


def build_table_1(
    results: Path, *, only: Sequence[str] = (), allow_subsets: bool = False
) -> tuple[str, tuple[Path, ...]]:
    """Write the paper's Table 1 alone, as CSV, Markdown and LaTeX, into `tables/`.

    Arguments and errors as in `build_report`.

    Returns:
        The table in Markdown, and the files.

    Raises:
        ValueError: no generator among the rows has an FID, either.
    """
    table = table_1(_comparable_rows(results, only, allow_subsets=allow_subsets))
    if not len(table):
        raise ValueError(
            f"{results}: Table 1 ranks generators by FID, which none of the rows has; give fewer "
            "conditions with --only"
        )
    return markdown(table), write_table_1(table, results / "tables")


def _comparable_rows(results: Path, only: Sequence[str], *, allow_subsets: bool) -> pd.DataFrame:
    rows = select(read_rows(results), only)
    check_comparable(rows, allow_subsets=allow_subsets)
    return name_subsets(rows)


def _section(dataset: str, rows: pd.DataFrame, results: Path, *, pdf: bool) -> Section:
    section = Section(dataset)
    folder = output_folder(results / "figures" / file_stem(dataset))

    def add(name: str, figure: Figure | None, heading: str, note: str) -> None:
        if figure is not None:
            section.add(save(figure, folder / file_stem(name), pdf=pdf), heading, note)

    models = generators(rows)
    for metric, curve in correspondences(rows).items():
        heading = f"FID–{curve.label.removesuffix(' (%)')}"
        name = curve.file or f"fid-{metric}"
        add(name, draw_tradeoff(rows, metric), heading, TRADEOFF_NOTE)
    if _is_measured(rows, "semantic_recall"):
        classes = read_proportions(results)
        recall = draw_recall(rows, classes[classes["dataset"] == dataset])
        add("class-recall", recall, "Classes, frequent to rare", RECALL_NOTE)
    add("samples", draw_models(rows, results), "Samples", GRID_NOTE)
    for model in models:
        param = rows[rows["model"] == model]["param_name"].iloc[0]
        heading = title(model) if param == "none" else f"{title(model)} over its {param}"
        add(f"guidance-{model}", draw_guidance(rows, model, results), heading, GRID_NOTE)
    return section


def _of_definitions(rows: pd.DataFrame) -> list[str]:
    """A sentence about rows of older definitions."""
    old = old_definitions(rows)
    return (
        [
            f"measured by older definitions: {', '.join(old)}; do not put them beside numbers of "
            "newer folders. `gcdp-bench sweep` into this folder computes them again"
        ]
        if old
        else []
    )


def _of_packages(rows: pd.DataFrame) -> list[str]:
    """A sentence for each metric whose package cannot say what it is."""
    problems = dict.fromkeys(map(problem_of, rows["metric"].unique()))
    return [
        f"{problem}. The report leaves its values out; they stay in results.csv"
        for problem in problems
        if problem
    ]


def _of_controls(results: Path, rows: pd.DataFrame) -> list[str]:
    """A sentence about datasets whose networks no control has tried."""
    untried = datasets_without_controls(results, rows["dataset"].unique())
    return (
        [
            f"no controls for {', '.join(untried)}: whether its networks tell noise from real "
            "images is not known. `gcdp-bench sweep` into this folder scores them"
        ]
        if untried
        else []
    )


def _is_measured(rows: pd.DataFrame, metric: str) -> bool:
    """Whether some generator has the metric: one that reads no captions has none of captions."""
    return bool(((rows["source"] == "generated") & (rows["metric"] == metric)).any())


def _write(table: pd.DataFrame, path: Path) -> Path:
    with replacing(path) as temporary:
        table.to_csv(temporary, index=False)
    return path

"""One self-contained page: everything is inside the file, nothing is fetched."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from PIL import Image

from gcdp_bench.comparison.paired import NOISE, TIE
from gcdp_bench.comparison.text import readable_comparison
from gcdp_bench.metrics.lookup import is_percent
from gcdp_bench.report.costs import readable_costs, unrecorded
from gcdp_bench.report.style import title
from gcdp_bench.report.table_1 import notes, readable_table_1
from gcdp_bench.results.summary import (
    UNDEFINED,
    below_noise,
    number,
    param_symbol,
    readable,
)


@dataclass(frozen=True)
class EmbeddedFigure:
    """A PNG on disk, with what is said about it."""

    path: Path
    heading: str
    note: str

    @property
    def data(self) -> str:
        """The same pixels as lossless WebP in base64: two thirds of the PNG's size."""
        content = io.BytesIO()
        with Image.open(self.path) as picture:
            picture.convert("RGB").save(content, "WEBP", lossless=True)
        return base64.b64encode(content.getvalue()).decode("ascii")


@dataclass
class Section:
    """Figures of one dataset."""

    dataset: str
    figures: list[EmbeddedFigure] = field(default_factory=list)

    def add(self, path: Path, heading: str, note: str) -> None:
        """Append a figure."""
        self.figures.append(EmbeddedFigure(path, heading, note))


@dataclass(frozen=True)
class Tables:
    """Tables of the page, as the other modules make them."""

    summary: pd.DataFrame  # `summary.summary_table`
    table_1: pd.DataFrame  # `report.table_1.table_1`
    comparison: pd.DataFrame  # `comparison.models.compare_models`
    tradeoff: pd.DataFrame  # `results.tradeoff.tradeoff_table`
    agreement: pd.DataFrame  # `rank_agreement.extractor_agreement`
    costs: pd.DataFrame  # `report.costs.cost_table`


def render_page(
    rows: pd.DataFrame,
    sections: list[Section],
    tables: Tables,
    warnings: Sequence[str],
    alarms: pd.DataFrame,
) -> str:
    """HTML of the report.

    Args:
        rows: tidy rows, for what is said of their making.
        sections: figures of each dataset.
        tables: what is shown as numbers.
        warnings: sentences on top.
        alarms: as `gcdp_bench.results.alarms.alarms_of`; their banner comes first.
    """
    environment = Environment(
        loader=PackageLoader("gcdp_bench.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    comparison = readable_comparison(tables.comparison)
    open_verdicts = tables.comparison["verdict"].isin((TIE, NOISE))
    return environment.get_template("report.html.j2").render(
        demo=bool(rows["demo"].any()),
        facts=_facts(rows),
        summary=_cells(readable(tables.summary), grey=below_noise(tables.summary)),
        table_1_notes=notes(tables.table_1),
        table_1=_cells(readable_table_1(tables.table_1)),
        comparison=_cells(comparison, grey=_whole_rows(comparison, open_verdicts)),
        tradeoff=_cells(_readable_tradeoff(tables.tradeoff)),
        agreement=_cells(_readable_agreement(tables.agreement)),
        warnings=warnings,
        alarms=alarms.to_dict("records"),
        costs={
            dataset: _cells(readable_costs(lines))
            for dataset, lines in tables.costs.groupby("dataset", sort=False)
        },
        without_costs=unrecorded(tables.costs),
        sections=sections,
    )


def _cells(table: pd.DataFrame, grey: pd.DataFrame | None = None) -> dict[str, list]:
    """Head and body; every cell with whether it is grey."""
    text = table.astype(str).to_numpy().tolist()
    if grey is None:
        marks = [[False] * len(row) for row in text]
    else:
        marks = grey.reindex(columns=table.columns, fill_value=False).to_numpy().tolist()
    body = [list(zip(row, line, strict=True)) for row, line in zip(text, marks, strict=True)]
    return {"head": list(table.columns), "body": body}


def _whole_rows(table: pd.DataFrame, marked: pd.Series) -> pd.DataFrame:
    return pd.DataFrame({name: marked.to_numpy() for name in table.columns})


def _readable_tradeoff(table: pd.DataFrame) -> pd.DataFrame:
    percent = table["metric"].map(is_percent).astype(bool)
    level = table["matched_level"] * percent.map({True: 100.0, False: 1.0}).astype(float)
    return pd.DataFrame(
        {
            "data": table["dataset"],
            "model": [title(model) for model in table["model"]],
            "over": [
                UNDEFINED if param == "none" else param_symbol(param)
                for param in table["param_name"]
            ],
            "steps": table["steps"],
            "FID against": table["metric"] + percent.map({True: " %", False: ""}),
            "hypervolume ↑": [number(value) for value in table["hypervolume"]],
            "95 % interval": _ranges(table, "hypervolume"),
            "rank": [number(rank, "{:.0f}") for rank in table["rank"]],
            "rank kept %": [number(100 * share, "{:.0f}") for share in table["rank_kept"]],
            "matched at": [number(value, "{:.1f}") for value in level],
            "FID there ↓": [number(value) for value in table["fid_at_level"]],
            "its 95 % interval": _ranges(table, "fid_at_level"),
            "points": table["num_points"],
            "up to": [
                f"{fid_metric} {fid:g}, {worst:g}"
                for fid_metric, fid, worst in zip(
                    table["fid_metric"],
                    table["reference_fid"],
                    table["reference_correspondence"],
                    strict=True,
                )
            ],
        }
    )


def _ranges(table: pd.DataFrame, name: str) -> list[str]:
    """Ends of an interval, or the dash of a number that has none."""
    return [
        UNDEFINED if pd.isna(low) else f"[{low:.2f}, {high:.2f}]"
        for low, high in zip(table[f"{name}_low"], table[f"{name}_high"], strict=True)
    ]


def _readable_agreement(table: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "data": table["dataset"],
            "metric": table["metric"],
            "extractor": table["extractor"],
            "other extractor": table["other"],
            "Kendall's tau": [number(value) for value in table["tau"]],
            "points": table["num_points"],
        }
    )


def _facts(rows: pd.DataFrame) -> dict[str, str]:
    """Facts for reproducing the numbers."""

    def listed(values: pd.Series) -> str:
        return ", ".join(
            f"{value:g}" if isinstance(value, float) else str(value)
            for value in sorted(values.dropna().unique())
        )

    generated = rows[rows["source"] == "generated"]
    seconds = generated.drop_duplicates("config_hash")["seconds"].sum()
    captions = rows.groupby("config_hash")["num_samples"].max().max()
    return {
        "datasets": listed(rows["dataset"]),
        "models": listed(generated["model"]),
        "captions per point": str(captions),
        "sampling steps": listed(generated["steps"]),
        "sampling parameters": "; ".join(
            f"{param}: {listed(part['param_value'])}"
            for param, part in generated[generated["param_name"] != "none"].groupby("param_name")
        ),
        "trained on": listed(generated["trained_on"]),
        "training seeds": listed(generated["train_seed"]) or "not recorded",
        "sampling seeds": listed(generated["seed"]),
        "protocol": listed(rows["protocol"]),
        "extractors": listed(rows[rows["extractor"] != "none"]["extractor"]),
        "reference images": listed(generated[generated["num_reference"] > 0]["num_reference"]),
        "resize of images of another size": listed(rows["resize"]),
        "resize for the extractors": listed(rows[rows["resizer"] != "none"]["resizer"]),
        "arithmetic of the extractors": listed(rows["precision"]),
        "time spent sampling": f"{seconds / 60:.1f} min",
        "definitions": _definitions(rows),
        "program": listed(rows["git_commit"]),
        "libraries": listed(rows["versions"]),
        "machine": listed(rows["hardware"]),
        "configurations": listed(rows["config_hash"]),
    }


def _definitions(rows: pd.DataFrame) -> str:
    """Versions of the metrics' definitions, metrics of version 1 without their names."""
    versions = rows[["metric", "definition"]].drop_duplicates()
    named = [
        f"{metric}: {version}"
        for metric, version in versions[versions["definition"] != "1"]
        .sort_values("metric")
        .to_numpy()
    ]
    return f"version 1, but {', '.join(named)}" if named else "version 1"

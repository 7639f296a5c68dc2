"""One self-contained page: everything is inside the file, nothing is fetched."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from PIL import Image

from gcdp_bench.report.style import title
from gcdp_bench.rows import REFERENCE_MODELS
from gcdp_bench.tables import number

MEASURE_TITLES = {
    "recall": "Semantic Recall, points",
    "precision": "Semantic Precision, points",
    "clip": "CLIP score",
}


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


def render_page(
    rows: pd.DataFrame,
    sections: list[Section],
    summary: pd.DataFrame,
    table_1: pd.DataFrame,
    comparison: pd.DataFrame,
) -> str:
    """HTML of the report.

    Args:
        rows: tidy rows, for what is said of their making.
        sections: figures of each dataset.
        summary: `tables.readable`.
        table_1: `tables.table_1`.
        comparison: `compare.compare_models`.
    """
    environment = Environment(
        loader=PackageLoader("gcdp_bench.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2").render(
        demo=bool(rows["demo"].any()),
        facts=_facts(rows),
        summary=_cells(summary),
        table_1=_cells(_readable_table_1(table_1)),
        comparison=_cells(_readable_comparison(comparison)),
        sections=sections,
    )


def _cells(table: pd.DataFrame) -> dict[str, list]:
    return {"head": list(table.columns), "body": table.astype(str).to_numpy().tolist()}


def _readable_table_1(table: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "method": [title(method) for method in table["method"]],
            "data": table["data"],
            "guidance": [number(value, "{:g}") for value in table["guidance"]],
            "FID ↓": [number(value) for value in table["fid"]],
            "mIoU % ↑": [number(value) for value in table["miou"]],
            "FSD ↓": [number(value) for value in table["fsd"]],
            "protocol": table["protocol"],
        }
    )


def _readable_comparison(table: pd.DataFrame) -> pd.DataFrame:
    sides = [
        f"{title(str(line.model))} @ {line.guidance:g} − "
        f"{title(str(line.other))} @ {line.other_guidance:g}"
        for line in table.itertuples()
    ]
    return pd.DataFrame(
        {
            "data": table["dataset"],
            "difference of": sides,
            "at equal": table["matched_by"].map({"guidance": "guidance", "fid": "FID (nearest)"}),
            "FID": [f"{line.fid:.2f} / {line.other_fid:.2f}" for line in table.itertuples()],
            "measure": table["measure"].map(MEASURE_TITLES),
            "mean": [f"{value:+.2f}" for value in table["difference"]],
            "95 % interval": [f"[{x.low:+.2f}, {x.high:+.2f}]" for x in table.itertuples()],
            "captions x seeds": [f"{x.num_captions} x {x.num_seeds}" for x in table.itertuples()],
        }
    )


def _facts(rows: pd.DataFrame) -> dict[str, str]:
    """What a reader needs to make the numbers again."""

    def listed(values: pd.Series) -> str:
        return ", ".join(f"{value:g}" if isinstance(value, float) else str(value)
                         for value in sorted(values.dropna().unique()))  # fmt: skip

    generated = rows[~rows["model"].isin(REFERENCE_MODELS)]
    seconds = generated.drop_duplicates("config_hash")["seconds"].sum()
    captions = rows.groupby("config_hash")["num_samples"].max().max()
    return {
        "datasets": listed(rows["dataset"]),
        "models": listed(generated["model"]),
        "captions per point": str(captions),
        "sampling steps": listed(generated["steps"]),
        "guidance": listed(generated["guidance"]),
        "sampling seeds": listed(generated["seed"]),
        "judges": listed(rows[rows["extractor"] != "none"]["extractor"]),
        "time spent sampling": f"{seconds / 60:.1f} min",
        "program": listed(rows["git_commit"]),
        "configurations": listed(rows["config_hash"]),
    }

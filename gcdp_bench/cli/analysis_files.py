"""The files of an analysis."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gcdp_bench.io.validation import file_stem

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

LOCAL = Path("results") / "local"


def write_analysis(
    folder: Path, tables: Mapping[str, pd.DataFrame], figures: Mapping[str, Callable[[], Figure]]
) -> None:
    """Tables as CSV, figures as PNG and PDF, sent if the folder is in a store; says where."""
    from gcdp_bench.io.atomic import output_folder, replacing
    from gcdp_bench.report.style import save, theme
    from gcdp_bench.results.object_store import send

    output_folder(folder)
    for name, table in tables.items():
        with replacing(folder / f"{name}.csv") as temporary:
            table.to_csv(temporary, index=False)
    with theme():
        for name, draw in figures.items():
            save(draw(), folder / name)
    send(folder)
    names = [*(f"{name}.csv" for name in tables), *(f"{name}.png" for name in figures)]
    click.echo(f"{folder}: {', '.join(names)} (PDF beside each figure)")


def folder_of(out: Path | None, analysis: str, dataset: str, results: Path = LOCAL) -> Path:
    """The folder that was given, else that of the analysis of a dataset."""
    return results / "analysis" / file_stem(f"{analysis}-{dataset}") if out is None else out

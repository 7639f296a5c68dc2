"""`gcdp-bench score`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from gcdp_bench.cli.explain import explain_option
from gcdp_bench.cli.options import (
    data_root_option,
    dataset_option,
    extractor_options,
    judge_request,
)


@click.command(name="score")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@dataset_option
@click.option("--split", default="test", show_default=True, help="Split that is the reference.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Also write the values as CSV, and per_sample.parquet beside it.",
)
@extractor_options
@data_root_option
@explain_option
def command(
    folder: Path,
    dataset: str,
    split: str,
    out: Path | None,
    extractors: Literal["shipped", "standard"],
    segmenters: tuple[str, ...],
    clip: Path | None,
    features: str | None,
    inception: Path | None,
    dinov2: Path | None,
    device: str,
    data_root: Path | None,
) -> None:
    """Score the samples in FOLDER (images/, layouts/, captions.jsonl) against a dataset."""
    from gcdp_bench.catalog import open_dataset
    from gcdp_bench.cli.display import Display
    from gcdp_bench.datasets.folder import Folder, native_size
    from gcdp_bench.evaluate import reference_statistics, score
    from gcdp_bench.extractors.bundle import load_extractors

    size = native_size(folder)
    real = open_dataset(dataset, split, size=size, data_root=data_root)
    request = judge_request(
        dataset, kind=extractors, segmenters=segmenters, clip=clip, features=features,
        inception=inception, dinov2=dinov2, device=device,
    )  # fmt: skip
    judges = load_extractors(request)
    judges.check(real)
    has_layouts = (folder / "layouts").is_dir()
    samples = Folder(folder, split, image_size=size, require_layouts=has_layouts)
    display = Display()
    reference = reference_statistics(real, judges, folder / "cache", display)
    scores = score(samples, reference, judges, has_layouts=has_layouts, progress=display)
    frame = scores.frame()
    totals = frame[frame["class"] == "all"]
    for metric, value, judge in zip(
        totals["metric"], totals["value"], totals["extractor"], strict=True
    ):
        click.echo(f"{metric:32s} {value:12.4f}  {judge}")
    if out is not None:
        frame.to_csv(out, index=False)
        scores.per_sample.to_parquet(out.with_name("per_sample.parquet"), index=False)
        click.echo(f"all values, per class too: {out}")

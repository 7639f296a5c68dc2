"""`gcdp-bench memorisation`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gcdp_bench.cli.evaluation_options import (
    EvaluationOptions,
    evaluation_options,
    extractor_request,
)
from gcdp_bench.cli.options import (
    data_options,
    dataset_option,
)
from gcdp_bench.cli.stores import STORED, require_samples

if TYPE_CHECKING:
    from gcdp_bench.core.types import MetricValue


@click.command(name="memorisation")
@click.argument("folder", type=STORED)
@dataset_option
@click.option(
    "--train-split",
    default="train",
    show_default=True,
    help="Split that the generator was trained on.",
)
@click.option(
    "--unseen-split",
    default="test",
    show_default=True,
    help="Split of real images that it was not trained on: the share that chance gives.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder to write to [FOLDER/memorisation]."
)
@evaluation_options
@data_options
def command(
    folder: Path,
    dataset: str,
    train_split: str,
    unseen_split: str,
    out: Path | None,
    evaluation: EvaluationOptions,
    resize: str,
    exclude: Path | None,
    data_root: Path | None,
) -> None:
    """Find samples that are nearer to a training image than these are to one another.

    FOLDER holds the samples; DATASET is the one that the generator was trained on. Features are
    those of the first network that --features names.
    """
    require_samples(folder)
    from gcdp_bench.cli.display import Display, say_size
    from gcdp_bench.datasets.folder import Folder, native_size
    from gcdp_bench.datasets.registry import has_attributes, open_dataset
    from gcdp_bench.evaluation.memorisation import find_memorised
    from gcdp_bench.evaluation.size import evaluation_size
    from gcdp_bench.extractors.bundle import load_extractors
    from gcdp_bench.io.atomic import output_folder, replacing
    from gcdp_bench.report.memorisation import draw_memorised
    from gcdp_bench.report.style import save, theme
    from gcdp_bench.results.object_store import fetched, send

    if train_split == unseen_split:
        raise click.UsageError("--train-split and --unseen-split: expected two different splits")
    attributed = has_attributes(dataset, data_root)
    request = extractor_request(evaluation, dataset, attributed=attributed, data_root=data_root)
    extractors = load_extractors(request)
    size = evaluation_size(
        native_size(fetched(folder)), extractors, resize=resize, where=str(folder), dataset=dataset
    )
    training, unseen = (
        open_dataset(dataset, split, size=size, data_root=data_root, exclude=exclude, resize=resize)
        for split in (train_split, unseen_split)
    )
    say_size(training)
    extractors.check(training)
    samples = Folder(folder, image_size=size, resize=resize, require_layouts=False)
    out = output_folder(folder / "memorisation" if out is None else out)
    extractor = extractors.features[0]
    found = find_memorised(samples, training, unseen, extractor, progress=Display())
    with theme():
        figure = draw_memorised(samples, training, found.neighbours, extractor.name)
        gallery = save(figure, out / "nearest")
    with replacing(out / "per_sample.csv") as temporary:
        found.per_sample.to_csv(temporary, index=False)
    send(out)
    click.echo(_line("samples", *found.values))
    click.echo(_line(f"real images of {unseen_split} (what chance gives)", *found.unseen_values))
    click.echo(
        f"distances in {extractor.name}; per sample: {out / 'per_sample.csv'}; nearest first: "
        f"{gallery}"
    )


def _line(what: str, value: MetricValue) -> str:
    """Share with its interval, in percent."""
    return (
        f"{value.metric} of {value.num_samples} {what}: {100 * value.value:.1f} % "
        f"[{100 * value.ci_low:.1f}, {100 * value.ci_high:.1f}]"
    )

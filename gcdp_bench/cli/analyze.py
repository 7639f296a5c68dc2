"""`gcdp-bench analyze ...`: the analyses of the paper."""

from __future__ import annotations

from pathlib import Path

import click

from gcdp_bench.cli.options import (
    data_root_option,
    dataset_option,
    parse_list,
    parse_weights,
    quarantine_option,
)

FOLDER = click.Path(path_type=Path, file_okay=False)


@click.group(name="analyze")
def command() -> None:
    """Run an analysis of the paper: a table and a figure."""


@command.command(name="features")
@dataset_option
@click.option("--model", default="reference", show_default=True, help="Cascade to look into.")
@click.option("--against", default="imagen", show_default=True, help="Cascade beside it.")
@click.option("--split", default="test", show_default=True, help="Whose images are taken.")
@click.option("--num-images", default=48, show_default=True, help="Images.")
@click.option(
    "--timesteps", default="100,300,500,800", show_default=True, help="t, comma-separated."
)
@click.option("--blocks", help="Of the decoder, comma-separated: middle, up.0, ..., final [all].")
@click.option("--clusters", default=10, show_default=True, help="Of k-means.")
@click.option("--steps", default=50, show_default=True, help="Sampling steps for layouts.")
@click.option("--seed", default=0, show_default=True, help="Of noise and k-means.")
@click.option(
    "--weights", multiple=True, metavar="MODEL=FOLDER", help="Trained models; may be repeated."
)
@click.option(
    "--out", type=FOLDER, help="Folder to write to [results/local/analysis/features-DATASET]."
)
@quarantine_option
@data_root_option
def features_command(
    dataset: str,
    model: str,
    against: str,
    split: str,
    num_images: int,
    timesteps: str,
    blocks: str | None,
    clusters: int,
    steps: int,
    seed: int,
    weights: tuple[str, ...],
    out: Path | None,
    quarantine: Path | None,
    data_root: Path | None,
) -> None:
    """Cluster two models' internal features and hold them against the true layouts (Figure 8)."""
    from gcdp_bench.analyze.features import FeatureRequest, analyze_features
    from gcdp_bench.analyze.models import load_cascades
    from gcdp_bench.catalog import open_dataset
    from gcdp_bench.cli.display import Display
    from gcdp_bench.files import output_folder, replacing
    from gcdp_bench.report.features import draw_agreement, draw_clusters
    from gcdp_bench.report.style import save, theme
    from reference_model.features import block_names

    if model == against:
        raise click.UsageError("--model and --against: expected two different models")
    wanted = parse_list(timesteps, int, "--timesteps")
    models = load_cascades((model, against), dataset, parse_weights(weights))
    source = open_dataset(dataset, split, size=models[0].image_size, data_root=data_root,
                          quarantine=quarantine)  # fmt: skip
    request = FeatureRequest(
        timesteps=wanted,
        blocks=block_names(models[0].stages[0].network)
        if blocks is None
        else parse_list(blocks, str, "--blocks"),
        num_images=num_images,
        num_clusters=clusters,
        steps=steps,
        seed=seed,
    )
    folder = output_folder(_folder(out, "features", dataset))
    found = analyze_features(models, source, request, progress=Display())
    with replacing(folder / "features.csv") as temporary:
        found.table.to_csv(temporary, index=False)
    with theme():
        save(draw_agreement(found.table), folder / "agreement")
        for block in request.blocks:
            save(draw_clusters(found, block, source.class_names), folder / f"clusters-{block}")
    click.echo(f"{folder}: features.csv, agreement.png, clusters-BLOCK.png (PDF beside each)")


def _folder(out: Path | None, analysis: str, dataset: str) -> Path:
    if out is not None:
        return out
    return Path("results") / "local" / "analysis" / f"{analysis}-{Path(dataset).name}"

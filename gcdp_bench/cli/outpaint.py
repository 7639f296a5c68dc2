"""`gcdp-bench outpaint`."""

from __future__ import annotations

from pathlib import Path

import click

from gcdp_bench.cli.names import generator_option
from gcdp_bench.cli.options import (
    announce,
    cascade_options,
    dataset_option,
    device_option,
    parse_weights,
    resize_option,
    weights_option,
)

FILE = click.Path(path_type=Path)


@click.command(name="outpaint")
@dataset_option
@click.option("--layout", type=FILE, metavar="FILE|DIR", help="Known layouts, PNG of class ids.")
@click.option("--image", type=FILE, metavar="FILE|DIR", help="Known images.")
@click.option(
    "--mask", type=FILE, metavar="FILE|DIR", help="Inpainting: white where pixels are sampled."
)
@click.option("--caption", help="Caption of every file.")
@click.option("--captions", type=FILE, help='Lines of {"id": file name, "caption": ...}.')
@resize_option
@click.option("--out", type=FILE, required=True, help="Folder to fill.")
@generator_option("--model", "reference", "Generator of images and layouts.")
@weights_option()
@click.option("--guidance", type=float, default=2.0, show_default=True, help="1 is none.")
@click.option(
    "--resampling",
    type=click.IntRange(1),
    help="Resampling steps n of RePaint [5; 1 if only layouts are sampled].",
)
@click.option("--seed", default=0, show_default=True, help="Sampling seed.")
@click.option("--batch-size", default=16, show_default=True, help="Samples per batch.")
@device_option
@cascade_options
def command(
    dataset: str,
    layout: Path | None,
    image: Path | None,
    mask: Path | None,
    resize: str,
    caption: str | None,
    captions: Path | None,
    out: Path,
    model: str,
    weights: tuple[str, ...],
    guidance: float,
    resampling: int | None,
    seed: int,
    batch_size: int,
    device: str,
    steps: int,
    sr_steps: int | None,
    sr_guidance: float | None,
) -> None:
    """Sample the unknown part of image and layout: image synthesis, segmentation, inpainting.

    DATASET defines the class ids and the trained model.

    \b
    From a layout:    outpaint --dataset D --layout a.png --caption TEXT --out FOLDER
    From images:      outpaint --dataset D --image DIR --caption TEXT --out FOLDER
    A part of both:   add --mask m.png, white where pixels are sampled
    """
    from gcdp_bench.cli.display import Display
    from gcdp_bench.core.sampling_config import SamplingConfig
    from gcdp_bench.datasets.folder_files import read_captions
    from gcdp_bench.datasets.framing import by, lost
    from gcdp_bench.datasets.identities import dataset_identity
    from gcdp_bench.generators.outpaint import (
        OutpaintRequest,
        default_resampling,
        inputs_digest,
        outpaint_folder,
        outpainter,
    )
    from gcdp_bench.generators.outpaint_inputs import Sources, find_conditioning, read_conditioning
    from gcdp_bench.generators.sample import find_generator, load_generator

    if (caption is None) == (captions is None):
        raise click.UsageError("expected either --caption or --captions")
    try:
        sources = Sources(layout=layout, image=image, mask=mask)
    except ValueError as error:
        raise click.UsageError(f"--layout, --image, --mask: {error}") from error
    files = find_conditioning(sources)
    if captions is not None:
        texts = read_captions(captions, {item.id for item in files})
    else:
        texts = {item.id: caption or "" for item in files}
    found = find_generator(model, dataset, parse_weights(weights, [model]).get(model))
    announce(found)
    generator, digest = load_generator(
        found,
        SamplingConfig(
            steps=steps, sr_steps=sr_steps or steps, sr_guidance=sr_guidance, device=device
        ),
    )
    way = "crop" if resize == "none" else resize
    request = OutpaintRequest(
        model=model,
        weights=digest,
        dataset=dataset_identity(dataset).name,
        inputs=inputs_digest(files, texts, way),
        guidance=guidance,
        resampling=resampling or default_resampling(sources),
        seed=seed,
    )
    cascade = outpainter(generator)
    size = cascade.image_size
    pairs = [read_conditioning(item, size, cascade.class_names, way) for item in files]
    shares = [lost(pair.native or size, size) for pair in pairs]
    changed = [share for share in shares if share > 0]
    if changed:
        done = {"crop": "cropped", "pad": "padded", "stretch": "stretched"}[way]
        click.echo(
            f"{len(changed)} of {len(pairs)} files are {done} to the shape of {by(size)}, by up to "
            f"{100 * max(changed):.1f} %"
        )
    outpaint_folder(cascade, pairs, texts, request, out, batch_size=batch_size, progress=Display())
    pairs = "1 pair" if len(files) == 1 else f"{len(files)} pairs"
    click.echo(
        f"{pairs} in {out}, resampling steps n = {request.resampling}; look at "
        f"{out / 'overview.png'}"
    )

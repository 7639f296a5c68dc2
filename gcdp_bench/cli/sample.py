"""`gcdp-bench sample`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gcdp_bench.cli.names import MODEL
from gcdp_bench.cli.options import (
    announce,
    data_options,
    dataset_option,
    device_option,
    parse_models,
    parse_weights,
    png_option,
    sampling_options,
    weights_option,
)
from gcdp_bench.cli.stores import STORED

if TYPE_CHECKING:
    from gcdp_bench.core.sampling_config import Precision, Sampler, Solver

SAMPLE_FILES = ("samples.json", "classes.json", "images", "layouts", "captions.jsonl")
"""In the order in which they are sent: a sample without its line of captions does not exist."""


@click.command(name="sample")
@click.argument("model", type=MODEL, metavar="MODEL")
@dataset_option
@click.option("--out", type=STORED, required=True, help="Folder, or s3://BUCKET/FOLDER, to fill.")
@click.option("--split", default="test", show_default=True, help="Split of the captions.")
@click.option("--guidance", type=float, help="Guidance scale; 1 is none [2].")
@click.option("--truncation", type=float, help="Truncation psi (GANs only); 1 is none [1].")
@click.option("--seed", default=0, show_default=True, help="Sampling seed.")
@click.option("--num-samples", type=int, help="Captions [64, or all of a split that has fewer].")
@click.option("--batch-size", default=16, show_default=True, help="Samples per batch.")
@weights_option()
@device_option
@png_option
@sampling_options
@data_options
def command(
    model: str,
    dataset: str,
    out: Path,
    split: str,
    guidance: float | None,
    truncation: float | None,
    seed: int,
    num_samples: int | None,
    batch_size: int,
    weights: tuple[str, ...],
    device: str,
    steps: int,
    sr_steps: int | None,
    sr_guidance: float | None,
    sampler: Sampler | None,
    guidance_interval: str,
    solver: Solver | None,
    precision: Precision,
    compile: bool,
    png_level: int,
    resize: str,
    exclude: Path | None,
    data_root: Path | None,
) -> None:
    """Sample images (and layouts) for a dataset's captions; the folder is a dataset.

    MODEL is a generator by name, or code of your own as NAME=module:factory or
    NAME=path/to/file.py:factory.
    """
    from gcdp_bench.cli.display import Display, say_size
    from gcdp_bench.cli.needs import taken_samples
    from gcdp_bench.core.progress import claim
    from gcdp_bench.core.sampling_config import SamplingConfig, parse_interval
    from gcdp_bench.core.types import GUIDANCE, TRUNCATION
    from gcdp_bench.datasets.registry import open_dataset
    from gcdp_bench.datasets.shuffled import shuffled
    from gcdp_bench.generators.sample import (
        SampleRequest,
        captions_digest,
        check_resize,
        find_generator,
        load_generator,
        parameter_value,
        part_of,
        sample_folder,
    )
    from gcdp_bench.generators.sample_folder import read_record
    from gcdp_bench.results.object_store import store_of

    sampling = SamplingConfig(
        steps=steps,
        sr_steps=sr_steps or steps,
        sr_guidance=sr_guidance,
        sampler=sampler,
        guidance_interval=parse_interval(guidance_interval),
        solver=solver,
        precision=precision,
        compile=compile,
        device=device,
    )
    (model,), code = parse_models(model)
    given = parse_weights(weights, [model], code=code).get(model)
    num = taken_samples("sample", dataset, split, num_samples, data_root=data_root, exclude=exclude)
    found = find_generator(model, dataset, given, data_root=data_root)
    announce(found)
    generator, digest = load_generator(found, sampling)
    value = parameter_value(
        model, generator, {GUIDANCE.name: guidance, TRUNCATION.name: truncation}
    )
    source = shuffled(
        open_dataset(
            dataset,
            split,
            size=generator.image_size,
            data_root=data_root,
            exclude=exclude,
            resize=resize,
        )
    )
    say_size(source)
    check_resize(found, source)
    captions = [source[index].caption for index in range(min(num, len(source)))]
    request = SampleRequest(
        model=model,
        weights=digest,
        dataset=source.name,
        split=split,
        num_samples=num,
        captions=captions_digest(captions),
        guidance=value,
        seed=seed,
    )
    display, store = Display(), store_of(out)
    if store is not None:
        store.check()
        store.pull(*SAMPLE_FILES, progress=display)
    with claim(part_of(out, range(num)), f"samples in {out}", display):
        sample_folder(
            generator,
            source,
            request,
            out,
            batch_size=batch_size,
            progress=display,
            png_level=png_level,
        )
    if store is not None:
        store.push(*SAMPLE_FILES, progress=display)
    place = out if store is None else store.url
    each = read_record(out).seconds / num
    click.echo(
        f"{num} samples in {place} ({each:.2f} s each); evaluate them: "
        f"gcdp-bench evaluate {place} --dataset {dataset}"
    )

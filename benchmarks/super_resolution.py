"""The super-resolution stage against plain resizing of the same base samples.

    python -m benchmarks.super_resolution [--dataset synth-city-25] [--num-samples 500]
        [--guidance 2] [--levels 0,8,30]

Each cascade draws base samples for the first test captions of the dataset. They are brought to
full size by bilinear (image) and nearest (layout) resizing, and by its super-resolution stage, at
each of the levels to which the low-resolution pair may be noised (none given: the stage's own).
Prints one JSON line per model and way: FID against the real test images, and mIoU of the layouts
with those that the segmenter sees.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from benchmarks.cascades import CASCADES
from benchmarks.scoring import score_folder
from gcdp_bench.core.images import to_uint8
from gcdp_bench.core.progress import Silent
from gcdp_bench.core.rng import derive_seed
from gcdp_bench.core.sampling_config import SamplingConfig
from gcdp_bench.core.types import Dataset
from gcdp_bench.datasets.folder_writer import FolderWriter
from gcdp_bench.datasets.identities import dataset_identity
from gcdp_bench.datasets.registry import image_size_of, open_dataset
from gcdp_bench.datasets.shuffled import shuffled
from gcdp_bench.evaluation import Reference, reference_statistics
from gcdp_bench.extractors.bundle import ExtractorRequest, Extractors, load_extractors
from gcdp_bench.generators.sample import find_generator
from gcdp_bench.io.cache import UserCache
from gcdp_bench.metrics.definitions.features import frechet_name
from reference_model.generator import Cascade
from reference_model.sampler import sample
from reference_model.stage import Stage, upsample
from reference_model.text import build_text_encoder

BATCH = 16


def main() -> None:
    """Compare both ways for every cascade."""
    parser = argparse.ArgumentParser(description="Super-resolution against resizing.")
    parser.add_argument("--dataset", default="synth-city-25")
    parser.add_argument("--num-samples", type=int, default=500)
    parser.add_argument("--width", type=int, default=128, help="of the images, in pixels")
    parser.add_argument("--guidance", type=float, default=2.0)
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--sr-steps", type=int, default=10)
    parser.add_argument("--levels", type=lambda text: [int(part) for part in text.split(",")])
    options = parser.parse_args()
    config = SamplingConfig(steps=options.steps, sr_steps=options.sr_steps)
    extractors = load_extractors(ExtractorRequest(dataset=dataset_identity(options.dataset)))
    size = image_size_of(options.dataset, options.width)
    dataset = shuffled(open_dataset(options.dataset, "test", size=size, data_root=None))
    with TemporaryDirectory() as folder:
        reference = reference_statistics(dataset, extractors, UserCache(), Silent())
        for name in CASCADES:
            cascade = Cascade.load(name, find_generator(name, options.dataset).folder, config)
            ways = [None, *_at_levels(cascade.stages[1], options.levels)]  # None: resized
            writers = [
                FolderWriter(
                    Path(folder) / name / str(place),
                    class_names=dataset.class_names,
                    dataset=options.dataset,
                    split="test",
                )
                for place in range(len(ways))
            ]
            for start in range(0, options.num_samples, BATCH):
                indices = range(start, min(start + BATCH, options.num_samples))
                _draw(cascade, ways, dataset, indices, options.guidance, writers)
            for place, stage in enumerate(ways):
                values = _score(Path(folder) / name / str(place), reference, extractors, cascade)
                case = {
                    "model": name,
                    "way": _describe(stage),
                    "samples": options.num_samples,
                    "guidance": options.guidance,
                    **values,
                }
                print(json.dumps(case), flush=True)


def _at_levels(stage: Stage, levels: Sequence[int] | None) -> list[Stage]:
    """The super-resolution stage, noising its low-resolution pair to each level."""
    low_res = stage.config.low_res
    assert low_res is not None
    configs = [
        replace(stage.config, low_res=replace(low_res, sample_level=level))
        for level in levels or [low_res.sample_level]
    ]
    return [replace(stage, config=config) for config in configs]


def _describe(stage: Stage | None) -> str:
    if stage is None or stage.config.low_res is None:
        return "resized"
    return f"super-resolution, level {stage.config.low_res.sample_level}"


def _draw(
    cascade: Cascade,
    ways: Sequence[Stage | None],
    dataset: Dataset,
    indices: Sequence[int],
    guidance: float,
    writers: Sequence[FolderWriter],
) -> None:
    """Base samples of some captions, brought to full size in every way."""
    captions = [dataset[index].caption for index in indices]
    seeds = [derive_seed(0, index) for index in indices]
    text = build_text_encoder(cascade.stages[0].config.text).encode(captions)
    base, _ = cascade.stages
    low = sample(base, text, guidance=guidance, seeds=seeds, num_steps=cascade.config.steps)
    for stage, writer in zip(ways, writers, strict=True):
        if stage is None:
            pair = upsample(low, cascade.image_size)
        else:
            pair = sample(
                stage,
                text,
                guidance=1.0,
                seeds=seeds,
                low_res=low,
                num_steps=cascade.config.sr_steps,
            )
        images = to_uint8(pair.image)  # (B, 3, H, W)
        for place, index in enumerate(indices):
            layout = None if pair.layout is None else pair.layout[place].to(torch.uint8)
            writer.write(f"{index:06d}", images[place], layout, captions[place])


def _score(
    folder: Path, reference: Reference, extractors: Extractors, cascade: Cascade
) -> dict[str, float | None]:
    totals = score_folder(folder, reference, extractors, has_layouts=cascade.makes_layouts)
    return {
        "fid": round(totals[frechet_name(extractors.features[0].protocol)], 3),
        "miou": round(totals["miou"], 4) if "miou" in totals else None,
    }


if __name__ == "__main__":
    main()

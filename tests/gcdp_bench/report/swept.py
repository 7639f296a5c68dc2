"""A results folder of the toy models."""

from pathlib import Path

from gcdp_bench.core.progress import Silent
from gcdp_bench.core.sampling_config import SamplingConfig
from gcdp_bench.extractors.bundle import ExtractorRequest, load_extractors
from gcdp_bench.sweep import Paths, SweepConfig, run_sweep


def sweep_toy(toy, folder: Path, *, steps: int, **settings) -> Path:
    """Sweep both cascades into `folder` with 4 captions a point; `settings` as of `SweepConfig`."""
    config = SweepConfig(
        dataset=str(toy.data),
        num_samples=4,
        demo=True,
        sampling=SamplingConfig(steps=steps, sr_steps=steps),
        **settings,
    )
    extractors = load_extractors(
        ExtractorRequest(dataset=toy.identity, segmenter=str(toy.segmenter), clip=toy.clip)
    )
    places = Paths(results=folder, weights=(("reference", toy.reference), ("imagen", toy.imagen)))
    run_sweep(config, places, extractors, progress=Silent())
    return folder

"""A results folder of the toy models."""

from pathlib import Path

from gcdp_bench.core.progress import Silent
from gcdp_bench.core.sampling_config import SamplingConfig
from gcdp_bench.extractors.bundle import JudgeRequest, load_extractors
from gcdp_bench.sweep import Places, SweepConfig, run_sweep


def sweep_toy(toy, folder: Path, *, steps: int, **settings) -> Path:
    """Sweep both cascades into `folder` with 4 captions a point; `settings` as of `SweepConfig`."""
    config = SweepConfig(dataset=str(toy.data), num_samples=4, demo=True,
                         sampling=SamplingConfig(steps=steps, sr_steps=steps),
                         **settings)  # fmt: skip
    judges = load_extractors(
        JudgeRequest(dataset=toy.identity, segmenter=str(toy.segmenter), clip=toy.clip)
    )
    places = Places(results=folder, weights=(("reference", toy.reference), ("imagen", toy.imagen)))
    run_sweep(config, places, judges, progress=Silent())
    return folder

"""A small sweep of the toy world, which the tests of this folder share."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from gcdp_bench.core.progress import Silent
from gcdp_bench.core.sampling_config import SamplingConfig
from gcdp_bench.extractors.bundle import ExtractorRequest, load_extractors
from gcdp_bench.results.table import read_rows
from gcdp_bench.sweep import Paths, SweepConfig, run_sweep
from tests.once import build_once


@pytest.fixture
def config(toy):
    return SweepConfig(
        dataset=str(toy.data),
        guidance=(1.0, 2.0),
        num_samples=4,
        sampling=SamplingConfig(steps=3, sr_steps=2),
        batch_size=3,
    )


@pytest.fixture
def finished(config, toy, places, extractors, tmp_path_factory):
    """The results of `config` lie in `places`: nothing is left to be measured."""

    def sweep(folder: Path) -> None:
        run_sweep(config, replace(places, results=folder), extractors, progress=Silent())

    shutil.copytree(build_once(tmp_path_factory, "finished", sweep), places.results)
    return read_rows(places.results)


@pytest.fixture
def places(toy, tmp_path):
    weights = (("reference", toy.reference), ("imagen", toy.imagen))
    return Paths(results=tmp_path / "results", weights=weights)


@pytest.fixture(scope="module")
def extractors(toy):
    return load_extractors(
        ExtractorRequest(dataset=toy.identity, segmenter=str(toy.segmenter), clip=toy.clip)
    )


@pytest.fixture
def loading(monkeypatch):
    """Lets a test change the generators that the sweep loads."""
    import gcdp_bench.sweep.shared

    real = gcdp_bench.sweep.shared.load_generator

    def change(**attributes):
        def load(*arguments):
            generator, weights = real(*arguments)
            kind = type(generator)
            generator.__class__ = type(kind.__name__, (kind,), attributes)
            return generator, weights

        monkeypatch.setattr(gcdp_bench.sweep.shared, "load_generator", load)

    return change

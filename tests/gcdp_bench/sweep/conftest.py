"""A small sweep of the toy world, which the tests of this folder share."""

import pytest

from gcdp_bench.core.sampling_config import SamplingConfig
from gcdp_bench.extractors.bundle import ExtractorRequest, load_extractors
from gcdp_bench.sweep import Paths, SweepConfig


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

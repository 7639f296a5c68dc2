"""What several test folders share. Nothing heavy is imported here: a file loads what it uses."""

import gc
import os
from itertools import count
from pathlib import Path

import pytest

from tests import properties  # noqa: F401  (the profiles of hypothesis)
from tests.once import build_once

os.environ["OMP_NUM_THREADS"] = "1"  # the networks of the tests are too small to share

gc.disable()  # until everything is collected: what is imported stays


def pytest_collection_finish():
    """What was imported is not searched for garbage in every test again."""
    gc.freeze()
    gc.enable()


def pytest_unconfigure():
    gc.unfreeze()


@pytest.fixture(scope="session", autouse=True)
def caches(tmp_path_factory):
    """New folders for caches; no test reads or writes the cache of whoever runs it.

    Files wait for the disk in commands that run in processes of their own; here no power fails.
    """
    root = tmp_path_factory.mktemp("caches")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: None)
        patch.setenv("GCDP_CACHE", str(root / "session"))
        yield (root / str(number) for number in count())


@pytest.fixture(autouse=True)
def own_cache(caches, monkeypatch):
    """What a test keeps, no other test finds."""
    monkeypatch.setenv("GCDP_CACHE", str(next(caches)))
    monkeypatch.delenv("GCDP_RUNS", raising=False)


@pytest.fixture(scope="session")
def toy(tmp_path_factory):
    """Data, generators and extractors on disk; read only."""
    from tests import toy as toys

    return toys.at(build_once(tmp_path_factory, "toy", toys.build))


@pytest.fixture
def undrawn(monkeypatch):
    """Figures are files of one pixel: for tests of a report's rows, names and text."""
    from matplotlib.figure import Figure
    from PIL import Image

    def save(figure, path, *, format, **settings):
        Image.new("RGB", (1, 1)).save(path, format)

    monkeypatch.setattr(Figure, "savefig", save)


@pytest.fixture(scope="session")
def swept(toy, tmp_path_factory):
    """A finished sweep of the toy's two cascades at two scales, with two seeds; read only."""
    from tests.gcdp_bench.report.swept import sweep_toy

    def sweep(folder: Path) -> None:
        sweep_toy(toy, folder, steps=2, guidance=(1.0, 3.0), seeds=(0, 1))

    return build_once(tmp_path_factory, "swept", sweep)


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """The run of a training of `tests.trainings` by its name, made once; read only."""

    def run(name: str) -> Path:
        from tests.trainings import TRAININGS

        def train(folder: Path) -> None:
            TRAININGS[name].run(folder / "run", folder / "parts")

        return build_once(tmp_path_factory, f"trained-{name}", train) / "run"

    return run

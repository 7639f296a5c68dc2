"""What several test folders share. Nothing heavy is imported here: a file loads what it uses."""

import os

import pytest

from tests import properties  # noqa: F401  (the profiles of hypothesis)
from tests.once import build_once

os.environ["OMP_NUM_THREADS"] = "1"  # the networks of the tests are too small to share


@pytest.fixture(scope="session", autouse=True)
def cache_of_the_session(tmp_path_factory):
    """No test reads or writes the cache of whoever runs it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GCDP_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    """What a test keeps, no other test finds."""
    monkeypatch.setenv("GCDP_CACHE", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.delenv("GCDP_RUNS", raising=False)


@pytest.fixture(scope="session")
def toy(tmp_path_factory):
    """Data, generators and extractors on disk; read only."""
    from tests import toy as toys

    return toys.at(build_once(tmp_path_factory, "toy", toys.build))

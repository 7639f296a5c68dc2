"""What several test folders share."""

import pytest
import torch

from tests import toy as toys

torch.set_num_threads(1)  # the networks of the tests are too small to share


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
def toy(tmp_path_factory) -> toys.Toy:
    """Data, generators and extractors on disk; read only."""
    return toys.build(tmp_path_factory.mktemp("toy"))

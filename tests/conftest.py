"""What several test folders share."""

import pytest
import torch

from tests import toy as toys

torch.set_num_threads(1)  # the networks of the tests are too small to share


@pytest.fixture(scope="session")
def toy(tmp_path_factory) -> toys.Toy:
    """Data, generators and judges on disk; read only."""
    return toys.build(tmp_path_factory.mktemp("toy"))

"""A device is checked by name; a loaded generator is moved to it as a whole."""

from types import SimpleNamespace

import pytest
import torch

from baselines.trained import Configured
from gcdp_bench.core.device import check_device, device_of, place


def test_a_device_that_the_machine_lacks_is_refused():
    check_device("cpu")
    lacking = f"cuda:{torch.cuda.device_count()}"
    for name in ("gpu", "", lacking):
        with pytest.raises(ValueError, match="device: expected one of this machine's devices"):
            check_device(name)


def test_every_network_of_a_generator_is_moved():
    generator = Configured()
    generator.networks = (torch.nn.Linear(1, 1), torch.nn.Linear(1, 1))
    assert generator.device == "cpu"
    place(generator, "meta")
    assert [device_of(network).type for network in generator.networks] == ["meta", "meta"]
    assert generator.device == "meta"


def test_a_generator_without_networks_stays_as_it_is():
    place(SimpleNamespace(name="own"), "meta")

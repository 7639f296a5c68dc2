"""A device is checked by name; a loaded generator is moved to it as a whole."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from baselines.trained import Configured
from gcdp_bench.core.device import (
    check_device,
    check_name,
    compile_networks,
    device_of,
    has_bf16,
    place,
)


def test_a_device_that_the_machine_lacks_is_refused():
    check_device("cpu")
    lacking = f"cuda:{torch.cuda.device_count()}"
    with pytest.raises(ValueError, match="device: expected one of this machine's devices"):
        check_device(lacking)


@pytest.mark.parametrize("name", ["gpu", "cudaa", "", "cuda:", "cuda:one", "CPU", "cpu cuda"])
def test_a_name_of_no_device_is_refused(name):
    for check in (check_name, check_device):
        with pytest.raises(ValueError, match="device: expected cpu, cuda, mps, xpu, or one of sev"):
            check(name)


@pytest.mark.parametrize("name", ["cpu", "cuda", "cuda:1", "mps", "xpu:0"])
def test_names_of_devices_are_accepted_on_any_machine(name):
    check_name(name)


def test_every_network_of_a_generator_is_moved():
    generator = Configured()
    generator.networks = (torch.nn.Linear(1, 1), torch.nn.Linear(1, 1))
    assert generator.device == "cpu"
    place(generator, "meta")
    assert [device_of(network).type for network in generator.networks] == ["meta", "meta"]
    assert generator.device == "meta"


def test_a_generator_without_networks_stays_as_it_is():
    place(SimpleNamespace(name="own"), "meta")


class Convolving:
    def __init__(self):
        layers = (nn.Conv2d(3, 8, 3, padding=1), nn.SiLU(), nn.Conv2d(8, 3, 3, padding=1))
        self.networks = (nn.Sequential(*layers).eval().requires_grad_(False),)


@pytest.mark.slow
@torch.no_grad()
def test_compiled_networks_agree_and_keep_their_weights():
    own, x = Convolving(), torch.randn(2, 3, 8, 8)
    (network,) = own.networks
    expected, weights = network(x), {name: w.clone() for name, w in network.state_dict().items()}
    compile_networks(own, "it")
    assert torch.allclose(network(x), expected, atol=1e-5)
    assert all(torch.equal(network.state_dict()[name], w) for name, w in weights.items())


@pytest.mark.parametrize(
    ("unit", "has_units"), [("avx512_bf16", True), ("amx_bf16", True), ("avx512_f", False)]
)
def test_units_for_bf16_are_those_of_the_processor(monkeypatch, unit, has_units):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {unit: True, "bf16": False})
    assert has_bf16("cpu") == has_units


def test_what_cannot_be_compiled_is_refused(monkeypatch):
    with pytest.raises(ValueError, match="it: expected a generator whose attribute `networks`"):
        compile_networks(object(), "it")
    monkeypatch.setattr("gcdp_bench.core.device.shutil.which", lambda name: None)
    with pytest.raises(ValueError, match=r"--compile: expected a C\+\+ compiler"):
        compile_networks(Convolving(), "it")

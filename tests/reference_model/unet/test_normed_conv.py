"""The fused function against its operations one after the other, which autograd differentiates."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from reference_model.unet import normed_conv as module
from reference_model.unet.normed_conv import normed_conv

NUM_CHANNELS, SIZE = 8, (5, 6)


@pytest.fixture(autouse=True, params=[0, module.LARGE])
def large(request, monkeypatch):
    """Maps are large from this size on: all of them, or none of a test's."""
    monkeypatch.setattr(module, "LARGE", request.param)
    return request.param


def plain(x, norm, scale_shift, conv):
    y = norm(x)
    if scale_shift is not None:
        y = y * (scale_shift[0] + 1) + scale_shift[1]
    return conv(F.silu(y))


def made(function, *, modulated: bool, autocast: bool):
    """Result, and the gradients of everything that has one."""
    random = torch.Generator().manual_seed(3)
    norm, conv = nn.GroupNorm(2, NUM_CHANNELS), nn.Conv2d(NUM_CHANNELS, 4, 3, padding=1)
    parameters = [*norm.parameters(), *conv.parameters()]
    with torch.no_grad():
        for parameter in parameters:
            parameter.copy_(torch.randn(parameter.shape, generator=random))
    x, scale, shift = (
        torch.randn(3, NUM_CHANNELS, *size, generator=random).requires_grad_()
        for size in (SIZE, (1, 1), (1, 1))
    )
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
        y = function(x, norm, (scale, shift) if modulated else None, conv)
    inputs = [x, *parameters, *([scale, shift] if modulated else [])]
    weights = torch.randn(y.shape, generator=random).to(y.dtype)
    return [y.detach(), *torch.autograd.grad(y, inputs, weights)]


@pytest.mark.parametrize("modulated", [True, False])
@pytest.mark.parametrize("autocast", [True, False])
def test_results_and_gradients_equal_those_of_autograd(modulated, autocast):
    found = made(normed_conv, modulated=modulated, autocast=autocast)
    expected = made(plain, modulated=modulated, autocast=autocast)
    for own, other in zip(found, expected, strict=True):
        assert own.dtype == other.dtype and torch.equal(own, other)


def test_without_gradients_it_is_the_same():
    norm, conv = nn.GroupNorm(2, NUM_CHANNELS), nn.Conv2d(NUM_CHANNELS, 4, 3, padding=1)
    x = torch.randn(2, NUM_CHANNELS, *SIZE)
    before = x.clone()
    with torch.no_grad():
        assert torch.equal(normed_conv(x, norm, None, conv), plain(x, norm, None, conv))
    assert torch.equal(x, before)


def test_two_large_maps_are_kept(large):
    """The input and the convolution's input, where autograd keeps four."""
    kept = {}

    def keep(tensor):
        if tensor.shape == (2, NUM_CHANNELS, *SIZE):
            kept[tensor.data_ptr()] = tensor
        return tensor

    norm, conv = nn.GroupNorm(2, NUM_CHANNELS), nn.Conv2d(NUM_CHANNELS, 4, 3, padding=1)
    x = torch.randn(2, NUM_CHANNELS, *SIZE, requires_grad=True)
    scale_shift = torch.ones(2, 2, NUM_CHANNELS, 1, 1, requires_grad=True).unbind()
    numbers = []
    for function in (normed_conv, plain):
        kept.clear()
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            function(x, norm, scale_shift, conv)
        numbers.append(len(kept))
    assert numbers == [4 if large else 2, 4]

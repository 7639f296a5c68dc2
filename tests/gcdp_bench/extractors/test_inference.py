"""Networks as they evaluate have the outputs of those with batch norm, by architecture."""

import copy
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from gcdp_bench.core.rng import generator
from gcdp_bench.extractors.hrnet import TINY, W18_SMALL, W48, HRNetSegmenter
from gcdp_bench.extractors.inception import _load_trunk
from gcdp_bench.extractors.inference import fold_batch_norm, for_evaluation

CPU = torch.device("cpu")


def inception(folder):
    from torchvision.models import inception_v3

    network = inception_v3(weights=None, aux_logits=False, num_classes=1008, init_weights=False)
    torch.save(network.state_dict(), folder / "inception.pth")
    return _load_trunk(folder / "inception.pth")


def backbone(name):
    import torchvision

    return getattr(torchvision.models, name)(weights=None, num_classes=5)


NETWORKS = {
    "tiny": (lambda folder: HRNetSegmenter(TINY, 7), (32, 64)),
    "w18-small": (lambda folder: HRNetSegmenter(W18_SMALL, 7), (32, 64)),
    "w48": (lambda folder: HRNetSegmenter(W48, 19), (64, 64)),
    "inception": (inception, (299, 299)),
    "shufflenet": (lambda folder: backbone("shufflenet_v2_x0_5"), (64, 64)),
    "resnet18": (lambda folder: backbone("resnet18"), (64, 64)),
    "resnet50": (lambda folder: backbone("resnet50"), (64, 64)),
}


def drawn(shape, low, high, random):
    return torch.rand(shape, generator=random) * (high - low) + low


def with_statistics(network, seed):
    """Every batch norm as a training may leave it, at random."""
    random = generator("statistics", seed)
    norms: list[Any] = [module for module in network.modules() if isinstance(module, _BatchNorm)]
    for norm in norms:
        norm.weight.data.copy_(drawn(norm.weight.shape, 0.5, 1.5, random))
        norm.bias.data.copy_(drawn(norm.bias.shape, -0.5, 0.5, random))
        norm.running_mean.copy_(drawn(norm.running_mean.shape, -0.3, 0.3, random))
        norm.running_var.copy_(drawn(norm.running_var.shape, 0.5, 2.0, random))
    return network.eval()


@torch.no_grad()
def balance(segmenter, images):
    """Make all classes as likely, so that several occur."""
    last = segmenter.decode_head.conv_seg
    nn.init.normal_(last.weight)
    last.bias.sub_(segmenter(images)[0].mean((0, 2, 3)))


def close(found, expected):
    """Within 1e-4 of the values, or of their spread where they are near zero."""
    scale = float(expected.std())
    return scale > 0 and torch.allclose(found, expected, rtol=1e-4, atol=1e-4 * scale)


@pytest.mark.parametrize("name", NETWORKS)
def test_outputs_are_those_with_batch_norm(name, tmp_path):
    build, size = NETWORKS[name]
    torch.manual_seed(0)
    plain = with_statistics(build(tmp_path), name)
    images = torch.randn(2, 3, *size, generator=generator("images"))
    if isinstance(plain, HRNetSegmenter):
        balance(plain, images)
    ready = for_evaluation(copy.deepcopy(plain), CPU)
    assert any(isinstance(module, _BatchNorm) for module in plain.modules())
    assert not any(isinstance(module, _BatchNorm) for module in ready.modules())
    assert not any(parameter.requires_grad for parameter in ready.parameters())
    with torch.no_grad():
        expected, found = plain(images), ready(images)
    if isinstance(plain, HRNetSegmenter):
        (logits, expected), (own, found) = expected, found
        layouts = logits.argmax(1)
        assert close(own, logits) and len(layouts.unique()) > 1
        assert float((own.argmax(1) == layouts).float().mean()) > 0.9999
    assert close(found, expected)


@given(
    seed=st.integers(0, 2**16),
    groups=st.sampled_from([1, 2, 4]),
    kernel=st.sampled_from([1, 3]),
    stride=st.integers(1, 2),
    bias=st.booleans(),
)
def test_a_folded_pair_is_the_formula(seed, groups, kernel, stride, bias):
    """Against batch norm written out in float64."""
    torch.manual_seed(seed)
    conv = nn.Conv2d(4, 8, kernel, stride=stride, groups=groups, bias=bias, padding=kernel // 2)
    norm: Any = nn.BatchNorm2d(8)
    network = with_statistics(nn.Sequential(conv, norm, nn.ReLU()), seed)
    x = torch.randn(2, 4, 6, 6)
    with torch.no_grad():
        y = copy.deepcopy(conv).double()(x.double())
        mean, var, gain, offset = (
            tensor.double()[:, None, None]
            for tensor in (norm.running_mean, norm.running_var, norm.weight, norm.bias)
        )
        expected = ((y - mean) / (var + norm.eps).sqrt() * gain + offset).clamp_min(0)
        fold_batch_norm(network)
        assert isinstance(network[1], nn.Identity)
        assert torch.allclose(network(x).double(), expected, rtol=1e-4, atol=1e-5)


def test_batch_norm_behind_something_else_stays():
    network = nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 4, 1), nn.ReLU(), nn.BatchNorm2d(4))
    with_statistics(network, 0)
    x = torch.randn(2, 3, 5, 5, generator=generator("x"))
    expected = network(x)
    fold_batch_norm(network)
    assert [type(layer) for layer in network][::3] == [nn.BatchNorm2d] * 2
    assert torch.equal(network(x), expected)


def test_gradients_by_the_images_are_those_with_batch_norm():
    torch.manual_seed(0)
    plain = with_statistics(backbone("resnet18"), 0)
    ready = for_evaluation(copy.deepcopy(plain), CPU)
    images = torch.randn(2, 3, 32, 32, generator=generator("images"))
    gradients = []
    for network in (plain, ready):
        x = images.clone().requires_grad_(True)
        gradients.append(torch.autograd.grad(network(x).square().sum(), x)[0])
    assert close(gradients[1], gradients[0])

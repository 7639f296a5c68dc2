"""Resizing against scipy, modulation against one convolution per sample, learning-rate factors."""

import math

import numpy as np
import pytest
import torch
from scipy import signal
from torch.nn import functional as F

from baselines.stylegan2.layers import (
    Conv,
    DownConv,
    Linear,
    Resampler,
    StyledConv,
    ToRGB,
    leaky,
    perceptron,
)
from tests.baselines.lafite.small import normal

FILTERS = [(True, [1, 3, 3, 1]), (False, [1, 1])]


def kernel(taps):
    return np.outer(taps, taps) / np.sum(taps) ** 2


def zeros_between(image):
    """(H, W) to (2 H - 1, 2 W - 1)."""
    wide = np.zeros((2 * image.shape[0] - 1, 2 * image.shape[1] - 1))
    wide[::2, ::2] = image
    return wide


def crop(image, size):
    """Middle of `image`."""
    top, left = ((image.shape[axis] - size[axis]) // 2 for axis in (0, 1))
    return image[top : top + size[0], left : left + size[1]]


@pytest.mark.parametrize(("low_pass", "taps"), FILTERS)
def test_resizing_is_filter_and_zeros(low_pass, taps):
    x = normal(2, 3, 6, 10)
    resampler = Resampler(low_pass=low_pass).double()
    up, down = resampler.up(x), resampler.down(x)
    assert up.shape == (2, 3, 12, 20) and down.shape == (2, 3, 3, 5)
    for sample, channel in np.ndindex(2, 3):
        image = x[sample, channel].numpy()
        full = 4 * signal.convolve2d(zeros_between(image), kernel(taps))
        np.testing.assert_allclose(up[sample, channel], crop(full, (12, 20)), atol=1e-12)
        whole = crop(signal.convolve2d(image, kernel(taps)), (5, 9))[::2, ::2]
        np.testing.assert_allclose(down[sample, channel], whole, atol=1e-12)


def test_low_pass_is_bilinear_inside_and_no_low_pass_is_nearest():
    x = normal(1, 2, 6, 10)
    up = Resampler(low_pass=True).double().up(x)
    bilinear = F.interpolate(x, scale_factor=2, mode="bilinear")
    torch.testing.assert_close(up[:, :, 1:-1, 1:-1], bilinear[:, :, 1:-1, 1:-1])
    nearest = Resampler(low_pass=False).double()
    torch.testing.assert_close(nearest.up(x), F.interpolate(x, scale_factor=2, mode="nearest"))
    torch.testing.assert_close(nearest.down(x), F.avg_pool2d(x, 2))


@pytest.mark.parametrize(("low_pass", "taps"), FILTERS)
def test_resizing_convolutions_equal_scipy(low_pass, taps):
    x, weight, bias = normal(1, 2, 6, 10), normal(3, 2, 3, 3, seed=1), normal(3, seed=2)
    resampler = Resampler(low_pass=low_pass).double()
    up, down = resampler.conv_up(x, weight), resampler.conv_down(x, weight, bias)
    for out in range(3):
        upper, lower = np.zeros((12, 20)), np.full((3, 5), float(bias[out]))
        for channel in range(2):
            image = x[0, channel].numpy()
            taps3 = weight[out, channel].numpy()
            full = signal.correlate2d(zeros_between(image), taps3, mode="full")
            upper += crop(4 * signal.convolve2d(full, kernel(taps)), (12, 20))
            padded = signal.convolve2d(np.pad(image, len(taps) // 2), kernel(taps), mode="valid")
            lower += signal.correlate2d(padded, taps3, mode="valid")[::2, ::2]
        np.testing.assert_allclose(up[0, out], upper, atol=1e-12)
        np.testing.assert_allclose(down[0, out], lower, atol=1e-12)


def test_convolution_before_the_filter_equals_convolution_of_the_larger_image():
    x, weight = normal(1, 2, 6, 10), normal(3, 2, 3, 3, seed=1)
    resampler = Resampler(low_pass=True).double()
    plain = F.conv2d(resampler.up(x), weight, padding=1)
    inside = (slice(None), slice(None), slice(2, -2), slice(2, -2))
    torch.testing.assert_close(resampler.conv_up(x, weight)[inside], plain[inside])


@pytest.mark.parametrize(
    ("up", "noise_lr"), [(False, 1.0), (True, 1.0), (True, 0.25), (False, 0.0)]
)
def test_styled_conv_is_a_convolution_with_weights_of_its_own_for_each_sample(up, noise_lr):
    torch.manual_seed(0)
    layer = StyledConv(4, 5, up=up, low_pass=True, noise_lr=noise_lr).double()
    size = (6, 10) if up else (3, 5)
    x, style, noise = normal(2, 4, 3, 5), normal(2, 4, seed=1), normal(2, 1, *size, seed=2)
    torch.nn.init.constant_(layer.noise_strength, 0.7)
    torch.nn.init.normal_(layer.bias)
    came = layer(x, style, noise)
    assert came.shape == (2, 5, *size)
    for sample in range(2):
        weight = layer.weight * style[sample][None, :, None, None]
        weight = weight / weight.flatten(1).norm(dim=1)[:, None, None, None]
        image = x[sample : sample + 1]
        if layer.resampler is None:
            image = F.conv2d(image, weight, padding=1)
        else:
            image = layer.resampler.conv_up(image, weight)
        image = image + 0.7 * noise_lr * noise[sample] + layer.bias[:, None, None]
        expected = torch.where(image > 0, image, 0.2 * image) * 2**0.5
        torch.testing.assert_close(came[sample : sample + 1], expected, rtol=1e-6, atol=1e-6)


@torch.no_grad()
def test_styled_conv_has_unit_variance_before_its_activation():
    torch.manual_seed(0)
    layer = StyledConv(64, 64, up=False, low_pass=True).double()
    style = 5 * torch.rand(4, 64, dtype=torch.float64) + 0.1
    x = layer(normal(4, 64, 16, 16), style, torch.zeros(4, 1, 16, 16, dtype=torch.float64))
    x = torch.where(x > 0, x, x / 0.2) / 2**0.5  # undo the activation
    # 4 x 64 x 14 x 14 correlated draws; without demodulation it is about 9.
    assert float(x[:, :, 1:-1, 1:-1].var()) == pytest.approx(1, abs=0.05)


def test_noise_of_a_styled_conv_starts_silent():
    torch.manual_seed(0)
    layer = StyledConv(4, 5, up=False, low_pass=True).double()
    x, style = normal(1, 4, 3, 5), normal(1, 4, seed=1)
    first, second = (layer(x, style, normal(1, 1, 3, 5, seed=seed)) for seed in (2, 3))
    assert torch.equal(first, second)


def test_to_rgb_is_not_demodulated():
    torch.manual_seed(0)
    layer = ToRGB(4).double()
    torch.nn.init.normal_(layer.bias)
    x, style = normal(2, 4, 3, 5), normal(2, 4, seed=1)
    weight = layer.weight[:, :, 0, 0] / 2  # sqrt(4)
    expected = torch.einsum("oi,bi,bihw->bohw", weight, style, x) + layer.bias[:, None, None]
    torch.testing.assert_close(layer(x, style), expected)


def test_learning_rate_factor_slows_the_function_but_not_its_start():
    x = normal(8, 16)
    torch.manual_seed(0)
    fast = Linear(16, 4, bias=0.5).double()
    slow = Linear(16, 4, bias=0.5, lr_factor=0.01).double()
    slow.weight.data.copy_(fast.weight.data / 0.01)
    torch.testing.assert_close(slow(x), fast(x))
    torch.testing.assert_close(fast(0 * x), torch.full((8, 4), 0.5, dtype=torch.float64))
    moved = []
    for layer in (fast, slow):
        before = layer(x)
        optimizer = torch.optim.Adam(layer.parameters(), lr=0.1, eps=1e-20)
        layer(x).sum().backward()
        optimizer.step()
        moved.append(layer(x) - before)
    torch.testing.assert_close(moved[1], 0.01 * moved[0])


@torch.no_grad()
def test_layers_keep_the_variance():
    """Equalised learning rate: unit variance in, unit variance out, for any width."""
    torch.manual_seed(0)
    x = torch.randn(512, 128)
    for factor in (1.0, 0.01):
        assert float(Linear(128, 256, lr_factor=factor)(x).var()) == pytest.approx(1, abs=0.1)
    images = torch.randn(4, 64, 16, 16)
    assert float(Conv(64, 64, 3)(images)[:, :, 1:-1, 1:-1].var()) == pytest.approx(1, abs=0.1)
    assert float(Conv(64, 64, 1)(images).var()) == pytest.approx(1, abs=0.1)


def test_down_conv_is_filter_then_stride():
    torch.manual_seed(0)
    layer = DownConv(3, 4, low_pass=True).double()
    torch.nn.init.normal_(layer.bias)
    x = normal(2, 3, 6, 10)
    expected = layer.resampler.conv_down(x, layer.weight / math.sqrt(27), layer.bias)
    torch.testing.assert_close(layer(x), expected)


def test_perceptron_ends_in_leaky_relu():
    torch.manual_seed(0)
    network = perceptron(3, 5, layers=2, lr_factor=0.01).double()
    weights = [layer for layer in network if isinstance(layer, Linear)]
    x = normal(4, 3)
    for layer, fan_in in zip(weights, (3, 5), strict=True):
        x_next = x @ layer.weight.T * 0.01 / fan_in**0.5
        x = torch.where(x_next > 0, x_next, 0.2 * x_next) * 2**0.5
    torch.testing.assert_close(network(normal(4, 3)), x)


def test_leaky_keeps_the_second_moment():
    """E[leaky(x)^2] = 2 (1 + 0.04) / 2 for normal x."""
    assert float(leaky(normal(200_000)).square().mean()) == pytest.approx(1.04, abs=0.02)

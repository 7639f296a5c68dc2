"""The generator: its size, truncation, mixing, and what each input reaches."""

from dataclasses import replace

import pytest
import torch

from baselines.lafite.config import paper_config
from baselines.lafite.generator_network import (
    ConcatStyle,
    LafiteGenerator,
    Mapping,
    ScaledStyle,
)
from tests.baselines.lafite.small import CONFIG, build, normal


@pytest.fixture
def network():
    return build(LafiteGenerator)


def inputs(network, num=3):
    noise = [normal(num, 1, *size, seed=i) for i, size in enumerate(network.config.noise_sizes)]
    text = torch.nn.functional.normalize(normal(num, 6, seed=11), dim=1)
    return normal(num, 5, seed=10), text, noise


def test_paper_network_has_the_authors_number_of_parameters():
    with torch.device("meta"):
        network = LafiteGenerator(paper_config((256, 256)))
    assert sum(parameter.numel() for parameter in network.parameters()) == 44_997_026
    assert sum(p.numel() for p in network.mapping.parameters()) == 8 * (512 * 512 + 512)


@torch.no_grad()
def test_sizes(network):
    assert network.config.noise_sizes == [(4, 8), (8, 16), (8, 16), (16, 32)]
    z, text, noise = inputs(network)
    assert network.ws(z).shape == (3, 5, 7)
    assert network(z, text, noise).shape == (3, 3, 16, 32)


def test_image_depends_on_its_own_inputs_alone(network):
    z, text, noise = inputs(network)
    parts = [z, text, *noise]
    for part in parts:
        part.requires_grad_()
    image = network(z, text, noise)
    for gradient in torch.autograd.grad(image[1].square().sum(), parts):
        assert gradient[1].any() and not gradient[[0, 2]].any()
    alone = network(z[1:2], text[1:2], [part[1:2] for part in noise])
    torch.testing.assert_close(alone[0], image[1])


@torch.no_grad()
def test_noise_moves_pixels_near_it_only(network):
    z, text, noise = inputs(network, num=1)
    before = network(z, text, noise)
    noise[-1][0, 0, 3, 4] += 1
    changed = (network(z, text, noise) != before).any(1)[0]  # (H, W)
    assert changed.nonzero().tolist() == [[3, 4]]


@torch.no_grad()
def test_truncation_is_a_line_to_the_average(network):
    z, text, noise = inputs(network)
    network.mapping.w_average.copy_(normal(7, seed=20))
    full, half, none = (network.ws(z, psi=psi) for psi in (1.0, 0.5, 0.0))
    torch.testing.assert_close(full, network.mapping(z)[:, None].expand(-1, 5, -1))
    torch.testing.assert_close(none, network.mapping.w_average.expand(3, 5, 7))
    torch.testing.assert_close(half, (full + none) / 2)
    same = [part[:1].expand(3, -1, -1, -1) for part in noise]
    image = network(z, text[:1].expand(3, -1), same, psi=0.0)
    torch.testing.assert_close(image, image[:1].expand(3, -1, -1, -1))


@torch.no_grad()
def test_average_follows_in_training_only():
    torch.manual_seed(0)
    mapping = Mapping(replace(CONFIG, w_average_decay=0.9)).double()
    expected = torch.zeros(7, dtype=torch.float64)
    for seed in range(3):
        w = mapping(normal(4, 5, seed=seed))
        expected = 0.9 * expected + 0.1 * w.mean(0)
    torch.testing.assert_close(mapping.w_average, expected)
    mapping.eval()(normal(4, 5))
    torch.testing.assert_close(mapping.w_average, expected)
    assert "w_average" in mapping.state_dict()


@torch.no_grad()
def test_mapping_sees_the_direction_of_z_alone(network):
    z = normal(4, 5)
    torch.testing.assert_close(network.mapping(z), network.mapping(3 * z), rtol=1e-6, atol=1e-6)


@torch.no_grad()
def test_mixing_takes_later_styles_from_the_other_z(network):
    z, text, noise = inputs(network)
    other = normal(3, 5, seed=30)
    mixed = network.ws(z, mix=(other, torch.tensor([0, 2, 5])))
    own, foreign = network.ws(z), network.ws(other)
    assert torch.equal(mixed[0], foreign[0])
    assert torch.equal(mixed[1, :2], own[1, :2]) and torch.equal(mixed[1, 2:], foreign[1, 2:])
    assert torch.equal(mixed[2], own[2])
    image = network(z, text, noise, mix=(other, torch.tensor([0, 2, 5])))
    torch.testing.assert_close(image, network.synthesis(mixed, text, noise))


@torch.no_grad()
def test_last_style_is_of_the_last_colours_alone(network):
    """Colours are linear in their style, and that is linear in w; convolutions are not."""
    z, text, noise = inputs(network)
    ws = network.ws(z)

    def curvature(index):
        images = []
        for amount in (0, 1, 2):
            moved = ws.clone()
            moved[:, index] += amount * normal(7, seed=40)
            images.append(network.synthesis(moved, text, noise))
        assert not torch.equal(images[0], images[1])
        return float((images[0] - 2 * images[1] + images[2]).abs().max())

    assert curvature(4) < 1e-12
    assert min(curvature(index) for index in range(4)) > 1e-4


def test_every_layer_reads_the_text_and_every_parameter_learns(network):
    z, text, noise = inputs(network)
    network(z, text, noise).square().sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.any(), name
    styles = [module for module in network.modules() if isinstance(module, ConcatStyle)]
    assert len(styles) == 4 + 3  # convolutions, and colours of each level
    assert len({style.text[0].weight.data_ptr() for style in styles}) == 7


@torch.no_grad()
def test_style_concatenates_text_and_w():
    torch.manual_seed(0)
    style = ConcatStyle(CONFIG, 3).double()
    text, w = normal(4, 6), normal(4, 7, seed=1)
    h = text
    for index in (0, 2):
        layer = style.text[index]
        h = h @ layer.weight.T * 0.01 / layer.weight.shape[1] ** 0.5
        h = torch.where(h > 0, h, 0.2 * h) * 2**0.5
    expected = (h @ style.affine.weight[:, :7].T + w @ style.affine.weight[:, 7:].T) / 14**0.5 + 1
    torch.testing.assert_close(style(text, w), expected)


@torch.no_grad()
def test_text_is_scaled_for_every_layer(network):
    z, text, noise = inputs(network)
    scaled = build(LafiteGenerator, replace(CONFIG, text_scale=3.0))
    torch.testing.assert_close(scaled(z, text, noise), network(z, 3 * text, noise))


def test_learning_rate_factors_are_of_their_own_layers():
    """A weight that is divided at the start is multiplied when used."""
    network = build(LafiteGenerator, replace(CONFIG, mapping_lr=0.1, text_lr=0.5))
    layers = {
        0.1: [network.mapping.layers[0]],
        0.5: [level.colour_style.text[0] for level in network.synthesis.levels],
        1.0: [level.colour_style.affine for level in network.synthesis.levels],
    }
    for factor, members in layers.items():
        for layer in members:  # 35 normal draws at least
            assert float(layer.weight.detach().std()) == pytest.approx(1 / factor, rel=0.3)


@torch.no_grad()
def test_large_levels_scale_and_shift_the_style():
    network = build(LafiteGenerator, replace(CONFIG, concat_rows=8))
    styles = [type(level.colour_style) for level in network.synthesis.levels]
    assert styles == [ConcatStyle, ConcatStyle, ScaledStyle]
    z, text, noise = inputs(network)
    assert network(z, text, noise).shape == (3, 3, 16, 32)
    style = network.synthesis.levels[2].styles[0]
    w0, w1 = normal(4, 7, seed=1), normal(4, 7, seed=2)
    text = normal(4, 6, seed=3)
    ratio = (style(text, w0) - style(text, w1)) / (style.affine(w0) - style.affine(w1))
    torch.testing.assert_close(ratio, style.scale(text))
    torch.testing.assert_close(style(text, w0) - ratio * style.affine(w0), style.bias(text))


@torch.no_grad()
def test_colours_are_summed_over_levels(network):
    z, text, noise = inputs(network)
    colours = []
    for level in network.synthesis.levels:
        level.register_forward_hook(lambda _module, _inputs, output: colours.append(output[1]))
    image = network(z, text, noise)
    up = network.synthesis.resampler.up
    torch.testing.assert_close(image, up(up(colours[0]) + colours[1]) + colours[2])


def test_wrong_noise_is_refused(network):
    z, text, noise = inputs(network)
    with pytest.raises(ValueError, match=r"noise: expected .*\(3, 1, 4, 8\)"):
        network(z, text, noise[1:])

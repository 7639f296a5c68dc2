"""Generator and critic of layouts, level by level."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from baselines.semantic_palette.layout_critic import LayoutCritic
from baselines.semantic_palette.layout_generator import LayoutGenerator, PixelNorm
from tests.baselines.semantic_palette.small import LAYOUTS, layout_generator, normal

PALETTES = torch.tensor([[0.5, 0.3, 0.2, 0.0], [0.1, 0.2, 0.3, 0.4]])


def critic():
    torch.manual_seed(0)
    return LayoutCritic(LAYOUTS.network, 4)


def test_every_level_gives_a_layout_with_the_palettes_masks():
    drawing = layout_generator()(normal(2, 5), PALETTES, 1.0)
    assert [tuple(x.shape) for x in drawing.layouts] == [(2, 4, 2, 4), (2, 4, 4, 8)]
    for masks, layouts in zip(drawing.masks, drawing.layouts, strict=True):
        torch.testing.assert_close(masks.sum((2, 3)), PALETTES * masks[0, 0].numel())
        torch.testing.assert_close(layouts.sum(1), torch.ones_like(layouts[:, 0]))
    assert drawing.final is drawing.layouts[-1]


def test_a_level_that_fades_in():
    network, z = layout_generator(), normal(2, 5)
    whole, part = network(z, PALETTES, 1.0), network(z, PALETTES, 0.25)
    small = F.interpolate(whole.layouts[0], scale_factor=2)
    torch.testing.assert_close(part.final, 0.75 * small + 0.25 * whole.final)
    assert torch.equal(network(z, PALETTES, 0.0).final, whole.layouts[0])


def test_the_level_below_feeds_the_one_above():
    """With its other input off, the upper layout still follows the lower one."""
    network, z = layout_generator(), normal(2, 5)
    before = network(z, PALETTES, 1.0)
    with torch.no_grad():
        network.to_logits[0].weight.mul_(3)
    after = network(z, PALETTES, 1.0)
    assert not torch.equal(before.layouts[1], after.layouts[1])
    assert len(network.feedback) == 1  # the last layout feeds nothing


def test_drawing_has_the_last_size_at_any_level():
    network, z = layout_generator(), normal(2, 5)
    full = network.draw(z, PALETTES)
    network.level.fill_(0.0)
    early = network.draw(z, PALETTES)
    assert early.shape == full.shape == (2, 4, 4, 8) and not torch.equal(early, full)
    torch.testing.assert_close(early.sum(1), torch.ones(2, 4, 8))


def test_pixel_norm_is_a_mean_square_of_one():
    out = PixelNorm()(7 * normal(2, 6, 3, 3))
    torch.testing.assert_close(out.square().mean(1), torch.ones(2, 3, 3))


def test_the_critic_fades_with_the_generator():
    network, x = critic(), normal(3, 4, 4, 8)
    assert network(x, 1.0).shape == (3,) == network(x[..., :2, :4], 0.0).shape
    nearly = network(x, 1e-6)
    torch.testing.assert_close(nearly, network(F.avg_pool2d(x, 2), 0.0), atol=1e-4, rtol=1e-4)


def test_the_critic_looks_at_each_layout_alone():
    network, x = critic(), normal(3, 4, 4, 8)
    alone = torch.cat([network(x[i : i + 1], 1.0) for i in range(3)])
    torch.testing.assert_close(network(x, 1.0), alone)


@pytest.mark.parametrize(("start", "columns"), [((2, 4), 2), ((2, 2), 2), ((3, 4), 4), ((2, 5), 3)])
def test_wide_layouts_are_halved_at_the_end(start, columns):
    config = replace(LAYOUTS.network, start_size=start)
    network = LayoutCritic(config, 4)
    assert network.head[1].weight.shape[1] == 8 * start[0] * columns
    assert network(normal(2, 4, *config.level_sizes[-1]), 1.0).shape == (2,)


def test_every_parameter_is_used_at_the_top():
    """The critic reads layouts of the top level alone."""
    network = LayoutGenerator(LAYOUTS.network, 4)
    drawing = network(normal(2, 5), PALETTES, 1.0)
    (critic()(drawing.final, 1.0).sum() + sum(x.square().sum() for x in drawing.masks)).backward()
    assert all(p.grad is not None for p in network.parameters())

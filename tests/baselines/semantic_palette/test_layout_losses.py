import math

import torch

from baselines.semantic_palette.layout_losses import (
    assisted_masks,
    entropy,
    gradient_penalty,
    layouts_of,
    spread,
)
from tests.baselines.semantic_palette.small import normal

PALETTES = torch.tensor([[0.5, 0.3, 0.2, 0.0], [0.1, 0.2, 0.3, 0.4]])


def test_masks_add_up_to_the_palette():
    masks = assisted_masks(5 * normal(2, 4, 3, 5), PALETTES)
    torch.testing.assert_close(masks.sum((2, 3)), PALETTES * 15)
    assert float(masks.min()) >= 0


def test_masks_against_loops():
    logits = normal(1, 4, 2, 2)
    masks = assisted_masks(logits, PALETTES[1:])
    for c in range(4):
        total = sum(math.exp(v) for v in logits[0, c].flatten().tolist())
        for y in range(2):
            for x in range(2):
                wanted = math.exp(logits[0, c, y, x]) / total * PALETTES[1, c] * 4
                torch.testing.assert_close(masks[0, c, y, x], wanted)


def test_layouts_sum_to_one_also_where_no_class_is():
    masks = assisted_masks(40 * normal(2, 4, 3, 5), PALETTES)
    layouts = layouts_of(masks)
    torch.testing.assert_close(layouts.sum(1), torch.ones(2, 3, 5))
    torch.testing.assert_close(layouts_of(torch.zeros(1, 4, 1, 1)), torch.full((1, 4, 1, 1), 0.25))


def test_without_spread_a_layout_has_its_palette():
    """Equal logits: every pixel has the palette, which is the entropy too."""
    masks = assisted_masks(torch.zeros(1, 4, 3, 5), PALETTES[1:])
    assert float(spread(masks)) < 1e-12
    layouts = layouts_of(masks)
    torch.testing.assert_close(layouts.mean((2, 3)), PALETTES[1:], atol=1e-5, rtol=0)
    wanted = -sum(p * math.log(p) for p in (0.1, 0.2, 0.3, 0.4))
    torch.testing.assert_close(entropy(layouts), torch.tensor(wanted), atol=1e-4, rtol=0)


def test_spread_and_entropy_of_known_masks():
    masks = torch.zeros(1, 2, 1, 2)
    masks[0, :, 0, 0] = torch.tensor([1.5, 1.5])  # claimed three times
    assert float(spread(masks)) == (4 + 1) / 2
    hard = torch.tensor([1.0 - 1e-9, 1e-9])[None, :, None, None]
    assert float(entropy(hard)) < 1e-6
    torch.testing.assert_close(entropy(torch.full((1, 2, 3, 3), 0.5)), torch.tensor(math.log(2)))


def test_penalty_of_a_linear_critic():
    """Its gradient is the same everywhere: (|w| - 1)^2."""
    w = normal(4, 3, 5)
    real, fake = normal(3, 4, 3, 5, seed=1), normal(3, 4, 3, 5, seed=2)
    found = gradient_penalty(lambda x: (x * w).sum((1, 2, 3)), real, fake, torch.rand(3))
    torch.testing.assert_close(found, (w.norm() - 1) ** 2)


def test_penalty_of_a_quadratic_critic_is_taken_between_real_and_fake():
    """|x|^2 / 2 has the gradient x = epsilon real + (1 - epsilon) fake."""
    real, fake = normal(2, 4, 3, 5, seed=1), normal(2, 4, 3, 5, seed=2)
    epsilon = torch.tensor([0.25, 1.0])
    scale = torch.tensor(2.0, requires_grad=True)
    found = gradient_penalty(lambda x: scale * x.square().sum((1, 2, 3)) / 2, real, fake, epsilon)
    lengths = [2 * (0.25 * real[0] + 0.75 * fake[0]).norm(), 2 * real[1].norm()]
    torch.testing.assert_close(found.detach(), sum((n - 1) ** 2 for n in lengths) / 2)
    found.backward()
    assert scale.grad is not None and float(scale.grad) != 0

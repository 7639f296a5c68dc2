"""Augmentation against loops and closed forms, and the chance of it against counting by hand."""

import numpy as np
import pytest
import torch

from baselines.stylegan2.augment import NUM_DRAWS, AdaptiveChance, augment
from tests.baselines.lafite.small import normal

COLOUR, TRANSLATION, CUTOUT = range(3)
SIZE = (16, 24)


def draws(num=1, only=None, **values):
    """Draws in the middle of their range; with `only`, the other two are left out at chance 0.5."""
    names = ("brightness", "saturation", "contrast", "down", "right", "row", "column")
    uniform = torch.full((num, NUM_DRAWS), 0.5, dtype=torch.float64)
    for name, value in values.items():
        uniform[:, names.index(name)] = value
    if only is not None:
        uniform[:, 7:] = 0.9
        uniform[:, 7 + only] = 0.1
    return uniform


@pytest.fixture
def images():
    return normal(3, 3, *SIZE)


@pytest.mark.parametrize("brightness", [0.0, 0.3])
@pytest.mark.parametrize("saturation", [0.0, 0.9])
@pytest.mark.parametrize("contrast", [0.0, 0.8])
def test_colours_against_loops(images, brightness, saturation, contrast):
    uniform = draws(3, COLOUR, brightness=brightness, saturation=saturation, contrast=contrast)
    expected = []
    for image in images.numpy():
        image = image + (brightness - 0.5)
        for row, column in np.ndindex(*SIZE):
            grey = image[:, row, column].sum() / 3
            image[:, row, column] = grey + saturation * 2 * (image[:, row, column] - grey)
        mean = image.sum() / image.size
        expected.append(mean + (contrast + 0.5) * (image - mean))
    torch.testing.assert_close(augment(images, uniform, 0.5), torch.tensor(np.stack(expected)))


def test_every_shift_is_drawn_once(images):
    """16 rows move by -2 to 2, 24 columns by -3 to 3; what comes in is grey."""
    found = set()
    for down in range(5):
        for right in range(7):
            uniform = draws(3, TRANSLATION, down=(down + 0.5) / 5, right=(right + 0.5) / 7)
            shifted = augment(images, uniform, 0.5)
            expected = torch.zeros_like(images)
            for row, column in np.ndindex(*SIZE):
                source = (row - (down - 2), column - (right - 3))
                if 0 <= source[0] < SIZE[0] and 0 <= source[1] < SIZE[1]:
                    expected[:, :, row, column] = images[:, :, source[0], source[1]]
            assert torch.equal(shifted, expected)
            found.add((shifted == 0).all(1)[0].sum().item())
    assert found == {16 * 24 - (16 - a) * (24 - b) for a in range(3) for b in range(4)}


@pytest.mark.parametrize(
    ("row", "column", "rows", "columns"),
    [
        (0.5, 0.5, slice(4, 12), slice(6, 18)),
        (0.0, 0.0, slice(0, 4), slice(0, 6)),
        (0.999, 0.999, slice(12, 16), slice(18, 24)),
    ],
)
def test_the_rectangle_that_is_cut_out(images, row, column, rows, columns):
    """Half of either side about its centre, which may be any of 17 x 25 places."""
    expected = images.clone()
    expected[:, :, rows, columns] = 0
    uniform = draws(3, CUTOUT, row=row, column=column)
    assert torch.equal(augment(images, uniform, 0.5), expected)


def test_all_three_at_chance_one_and_none_at_zero(images):
    uniform = torch.rand(3, NUM_DRAWS, generator=torch.Generator().manual_seed(0)).double()
    by_hand = images
    for index in range(3):
        only = uniform.clone()
        only[:, 7:] = 0.9
        only[:, 7 + index] = 0.1
        by_hand = augment(by_hand, only, 0.5)
    assert torch.equal(augment(images, uniform), by_hand)
    assert not torch.equal(by_hand, images)
    assert torch.equal(augment(images, uniform, torch.zeros(())), images)


def test_each_image_has_its_own_draws(images):
    uniform = torch.rand(3, NUM_DRAWS, generator=torch.Generator().manual_seed(1)).double()
    together = augment(images, uniform, 0.6)
    apart = [augment(images[i : i + 1], uniform[i : i + 1], 0.6) for i in range(3)]
    torch.testing.assert_close(together, torch.cat(apart))


def test_gradients_and_their_gradients():
    """R1 differentiates twice through it."""
    images = normal(1, 3, 4, 4).requires_grad_()
    uniform = torch.rand(1, NUM_DRAWS, generator=torch.Generator().manual_seed(2)).double()
    torch.autograd.gradcheck(lambda x: augment(x, uniform).tanh(), images)
    torch.autograd.gradgradcheck(lambda x: augment(x, uniform).tanh().sum((1, 2, 3)), images)


def test_the_chance_follows_the_sign_of_the_logits():
    """Four steps of 4 images move it by 16 / 1000; 3 of 4 above 0 is a mean sign of 0.5 < 0.6."""
    adaptive = AdaptiveChance(ramp_images=1000)
    chances = []
    for step in range(20):
        positive = 4 if step < 8 else 3 if step < 12 else 0
        adaptive.update(torch.tensor([3.0] * positive + [-0.1] * (4 - positive)), step)
        chances.append(round(float(adaptive.chance), 6))
    assert chances == [0.0] * 3 + [0.016] * 4 + [0.032] * 4 + [0.016] * 4 + [0.0] * 5
    assert set(adaptive.state_dict()) == {"chance", "signs", "num"}


def test_the_chance_is_at_most_one():
    adaptive = AdaptiveChance(ramp_images=10)
    for step in range(4):
        adaptive.update(torch.ones(8), step)
    assert float(adaptive.chance) == 1.0

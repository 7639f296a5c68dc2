import pytest
import torch

from baselines.semantic_palette.layouts import blurred, halvings, one_hot, palettes_of
from tests.baselines.semantic_palette.small import NAMES, EyedStripes


def test_one_hot_and_ignored_pixels():
    layouts = torch.tensor([[[0, 3], [255, 1]]], dtype=torch.uint8)
    hot = one_hot(layouts, 4)
    assert hot.shape == (1, 4, 2, 2) and hot.dtype == torch.float32
    assert torch.equal(hot.sum(1), torch.tensor([[[1.0, 1.0], [0.0, 1.0]]]))
    assert hot[0, 3, 0, 1] == hot[0, 1, 1, 1] == hot[0, 0, 0, 0] == 1


def test_palettes_leave_ignored_pixels_out():
    layout = EyedStripes()[3].layout
    found = palettes_of(layout[None], len(NAMES))[0]
    counts = [int((layout == c).sum()) for c in range(4)]
    assert sum(counts) == 127 and counts[2] == 6
    torch.testing.assert_close(found, torch.tensor(counts) / 127)


def test_a_layout_without_classes_has_no_palette():
    with pytest.raises(ValueError, match="all are ignored; leave it out with --exclude"):
        palettes_of(torch.full((1, 2, 2), 255, dtype=torch.uint8), 4)


def test_a_blurred_layout_is_one_still_and_soft_at_borders_alone():
    hot = one_hot(EyedStripes()[2].layout[None, :, :12], 4)
    soft = blurred(hot, 0.5)
    torch.testing.assert_close(soft.sum(1), torch.ones(1, 8, 12))
    assert torch.equal(soft.argmax(1), hot.argmax(1))
    changed = (soft - hot).abs().amax((0, 1, 3)) > 1e-3  # (H,)
    assert changed.tolist() == [False, False, True, True, False, False, False, False]
    assert blurred(hot, 0.0) is hot


def test_the_blur_is_half_a_gaussian():
    point = torch.zeros(1, 1, 13, 13)
    point[0, 0, 6, 6] = 1
    soft = blurred(point, 1.5)[0, 0]
    places = torch.arange(13) - 6.0
    assert float((soft.sum(0) * places.square()).sum()) == pytest.approx(1.5**2 / 2, rel=0.05)
    torch.testing.assert_close(soft, soft.T)


@pytest.mark.parametrize(
    ("size", "times"), [((32, 64), 3), ((64, 64), 4), ((48, 64), 3), ((7, 8), 0), ((12, 10), 1)]
)
def test_halvings(size, times):
    assert halvings(size, least_rows=4) == times

from dataclasses import replace

import pytest
import torch

from baselines.semantic_palette.examples import LayoutExamples, PairExamples
from baselines.semantic_palette.layouts import palettes_of
from gcdp_bench.core.images import resize_images, resize_layouts
from tests.baselines.semantic_palette.small import EyedStripes


class Counted(EyedStripes):
    reads = 0

    def __getitem__(self, index):
        self.reads += 1
        return super().__getitem__(index)


def test_palettes_are_those_of_whole_layouts():
    """Not of the small ones, from which thin things vanish."""
    dataset = Counted()
    examples = LayoutExamples(dataset, (4, 8))
    whole = torch.stack([EyedStripes()[index].layout for index in (1, 3)])
    for _ in range(2):
        assert torch.equal(examples.layouts([1, 3]), resize_layouts(whole, (4, 8)))
        assert torch.equal(examples.palettes([1, 3]), palettes_of(whole, 4))
    assert dataset.reads == 2 and len(examples) == 6


def test_pairs_have_one_size_and_are_mirrored_together():
    dataset = Counted()
    examples = PairExamples(dataset, (4, 8))
    image, layout = EyedStripes()[3].image[None], EyedStripes()[3].layout[None]
    images, layouts = examples.pairs([3, 3], torch.tensor([False, True]))
    assert torch.equal(images[:1], resize_images(image, (4, 8)))
    assert torch.equal(layouts[:1], resize_layouts(layout, (4, 8)))
    assert torch.equal(images[1], images[0].flip(-1))
    swapped = layouts[0].flip(-1).clone()
    swapped[swapped == 2] = 3
    assert torch.equal(layouts[1], swapped)
    again, _ = examples.pairs([3])
    assert torch.equal(again, images[:1]) and dataset.reads == 1 and len(examples) == 6


@pytest.mark.parametrize(
    "read",
    [
        lambda dataset: LayoutExamples(dataset, (4, 8)).layouts([1]),
        lambda dataset: PairExamples(dataset, (4, 8)).pairs([1]),
    ],
)
def test_a_class_outside_is_refused(read):
    class Remapped(EyedStripes):
        def __getitem__(self, index):
            triplet = super().__getitem__(index)
            return replace(triplet, layout=torch.full_like(triplet.layout, 4))

    with pytest.raises(ValueError, match=r"1: layout has class 4, expected 0 to 3 or 255"):
        read(Remapped())

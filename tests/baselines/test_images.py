"""Images for training: read once, mirrored where asked."""

import torch

from baselines.images import Images
from tests.reference_model.conftest import Stripes


class Counting(Stripes):
    reads = 0

    def __getitem__(self, index):
        self.reads += 1
        return super().__getitem__(index)


def test_images_are_read_once_and_mirrored_where_asked():
    dataset = Counting()
    images = Images(dataset, dataset.image_size)
    plain = images.stack([0, 1])
    mirrored = images.stack([0, 1], torch.tensor([True, False]))
    assert dataset.reads == 2 and len(images) == len(dataset)
    assert torch.equal(mirrored[0], plain[0].flip(-1)) and torch.equal(mirrored[1], plain[1])
    assert torch.equal(images.stack([0])[0], plain[0])
    assert Images(dataset, (8, 8)).stack([0]).shape == (1, 3, 8, 8)

"""Copies are found by image and shown first; unseen images tell what chance gives."""

from dataclasses import replace

import matplotlib.pyplot as plt
import pytest
import torch
from torch.nn import functional as F

from gcdp_bench.core.progress import Silent
from gcdp_bench.core.rng import generator
from gcdp_bench.core.types import Triplet
from gcdp_bench.evaluation.memorisation import find_memorised


class Noise:
    """Random smooth images; item i of a split is always the same."""

    class_names = ("all",)
    image_size = (8, 12)

    def __init__(self, split, num, name="noise"):
        self.name, self.split, self._num = name, split, num
        self.reads = 0

    def __len__(self):
        return self._num

    def __getitem__(self, index):
        self.reads += 1
        small = 255 * torch.rand(1, 3, 2, 3, generator=generator(self.split, index))
        image = F.interpolate(small, size=self.image_size, mode="bilinear")[0].byte()
        layout = torch.zeros(self.image_size, dtype=torch.uint8)
        return Triplet(f"{self.split}-{index:03d}", image, layout, "noise")

    def caption_classes(self, caption):
        return frozenset()


class Mixed(Noise):
    """Fresh images, but the first ones are images of the training split."""

    def __init__(self, copies, num):
        super().__init__("sampled", num)
        self._copies = copies

    def __getitem__(self, index):
        if index < len(self._copies):
            copied = Noise("train", 100)[self._copies[index]]
            return replace(copied, id=f"sampled-{index:03d}")
        return super().__getitem__(index)


class Pixels:
    """Features are pixels."""

    name, digest, protocol, resizer = "pixels", "0", "pixels", "none"

    def features(self, images):
        return images.flatten(1).float()


def find(samples, training=None, unseen=None):
    return find_memorised(
        samples,
        training or Noise("train", 100),
        unseen or Noise("test", 40),
        Pixels(),
        progress=Silent(),
    )


def test_a_generator_that_copies_has_a_share_of_1():
    found = find(Mixed([5, 5, 99, 0], 4))
    assert found.values[0].metric == "memorised_share" and found.values[0].value == 1.0
    assert found.per_sample["neighbour"].tolist() == [
        "train-005",
        "train-005",
        "train-099",
        "train-000",
    ]
    assert found.per_sample["ratio"].tolist() == [0.0] * 4


def test_copies_stand_out_among_fresh_samples_and_chance_is_reported():
    found = find(Mixed([7, 8], 40))
    table = found.per_sample
    assert table["id"].tolist() == [f"sampled-{i:03d}" for i in range(40)]
    assert table["memorised"][:2].all() and not table["ratio"][:2].any()
    assert (table["ratio"][2:] > 0.2).all()
    assert (table["memorised"] == (table["distance"] <= table["real_distance"])).all()
    (unseen,) = found.unseen_values
    assert unseen.num_samples == 40 and 0.1 < unseen.value < 0.7
    assert found.values[0].value < 0.7


def test_the_same_images_twice_are_compared_one_to_one():
    """Pixels at distance 0 are not confused with the training image's distance to itself."""
    found = find(Noise("train", 100))
    assert found.per_sample["neighbour_index"].tolist() == list(range(100))
    assert (found.per_sample["real_distance"] > 0).all()


def test_sizes_must_agree():
    other = Noise("train", 10)
    other.image_size = (8, 8)
    with pytest.raises(ValueError, match="expected images of the samples' size \\(8, 12\\)"):
        find(Noise("sampled", 4), training=other)


def test_the_gallery_shows_the_nearest_first():
    from gcdp_bench.report.memorisation import NUM_SHOWN, draw_memorised
    from gcdp_bench.report.style import theme

    samples, training = Mixed([3], 30), Noise("train", 100)
    found = find(samples)
    with theme():
        figure = draw_memorised(samples, training, found.neighbours, "pixels")
        figure.canvas.draw()
    texts = [text.get_text() for text in figure.findobj(plt.Text) if text.get_text()]
    marks = [text for text in texts if text.startswith("ratio")]
    assert len(marks) == NUM_SHOWN
    assert marks[0] == "ratio 0.00, memorised"
    assert marks == sorted(marks)
    assert "sample: sampled-000" in texts and "nearest in training: train-003" in texts
    pictures = [panel.images[0].get_array() for panel in figure.axes]
    assert len(pictures) == 3 * NUM_SHOWN
    assert (pictures[0] == pictures[1]).all() and (pictures[3] != pictures[4]).any()


def test_a_gallery_of_one_sample():
    from gcdp_bench.report.memorisation import draw_memorised

    samples = Noise("sampled", 1)
    figure = draw_memorised(samples, Noise("train", 100), find(samples).neighbours, "pixels")
    assert len(figure.axes) == 3

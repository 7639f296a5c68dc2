"""The labelled images: which, how many, and which of their pixels."""

from dataclasses import replace

import pytest
import torch

from baselines.dataset_ddpm.labelled import LabelledImages, chosen_images, without_rare
from baselines.dataset_ddpm.pixel_features import feature_maps, features_at
from gcdp_bench.core.types import IGNORE_ID
from tests.reference_model.conftest import Stripes

from .small import LABELS, SIZE, stage, stripes


@pytest.fixture(scope="module")
def trained():
    return stage()


@pytest.fixture(scope="module")
def labelled(trained):
    return LabelledImages(LABELS, stripes(), [1, 2, 5], trained)


def test_the_number_of_images_is_kept():
    chosen = chosen_images(replace(LABELS, num_images=50), 744)
    assert len(set(chosen)) == 50 and chosen == sorted(chosen) and chosen[-1] < 744
    assert chosen == chosen_images(replace(LABELS, num_images=50), 744)
    assert chosen != chosen_images(replace(LABELS, num_images=50, seed=1), 744)
    assert chosen_images(replace(LABELS, num_images=None), 6) == list(range(6))


def test_fewer_images_than_asked_for():
    with pytest.raises(ValueError, match="at most the 6 training images of stripes, got 7; take"):
        chosen_images(replace(LABELS, num_images=7), 6)


def test_rare_classes_are_ignored_image_by_image():
    """19 pixels of class 1 in one image, 20 in the other."""
    layouts = torch.zeros(2, 8, 16, dtype=torch.uint8)
    layouts.flatten(1)[0, :19] = 1
    layouts.flatten(1)[1, :20] = 1
    layouts[:, 7, :10] = IGNORE_ID
    found = without_rare(layouts, 20)
    assert found.dtype == torch.uint8
    expected = layouts.clone()
    expected.flatten(1)[0, :19] = IGNORE_ID
    assert torch.equal(found, expected)
    assert torch.equal(without_rare(layouts, 0), layouts)


def test_labelled_pixels(labelled):
    """Of every image; the cars, 15 pixels, only if so few count."""
    layouts = torch.stack([stripes()[index].layout for index in (1, 2, 5)])
    cars = (layouts == 2).sum((1, 2)).tolist()
    assert cars == [15, 0, 15]
    few, all_of_them = labelled.labelled_pixels(20), labelled.labelled_pixels(15)
    assert len(all_of_them) == layouts.numel() and len(few) == layouts.numel() - 30
    assert set(labelled.classes(few).tolist()) == {0, 1}
    assert torch.equal(labelled.classes(all_of_them), layouts.flatten().long())


def test_no_pixel_is_left(labelled):
    with pytest.raises(ValueError, match="in 3 training images, got none of a class with 600 pix"):
        labelled.labelled_pixels(600)


def test_features_are_those_of_the_image(labelled, trained):
    area = SIZE[0] * SIZE[1]
    places = torch.tensor([0, area + 37, 3 * area - 1])
    maps = feature_maps(trained, LABELS, torch.stack([stripes()[i].image for i in (1, 2, 5)]))
    expected = features_at(maps, torch.tensor([0, 1, 2]), torch.tensor([0, 37, area - 1]), SIZE)
    torch.testing.assert_close(labelled.features(places), expected, atol=5e-3, rtol=5e-3)


def test_other_classes_are_refused(trained):
    with pytest.raises(ValueError, match="stripes: expected the classes of the configuration"):
        LabelledImages(replace(LABELS, class_names=("sky", "road")), stripes(), [0], trained)


def test_ids_beyond_the_classes_are_refused(trained):
    class Remapped(Stripes):
        def __getitem__(self, index):
            return replace(super().__getitem__(index), layout=torch.full(SIZE, 3))

    with pytest.raises(ValueError, match="stripes 4: layout has class 3, expected 0 to 2 or 255"):
        LabelledImages(LABELS, Remapped(image_size=SIZE), [4], trained)

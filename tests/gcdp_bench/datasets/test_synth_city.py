"""Procedural streets: the same everywhere, long-tailed, and no recoloured label maps."""

import numpy as np
import pytest
import torch

from gcdp_bench.core.palette import class_colours
from gcdp_bench.datasets.synth_city import SynthCity
from gcdp_bench.datasets.synth_city.classes import CLASS_NAMES
from gcdp_bench.datasets.synth_city.scene import render


@pytest.fixture(scope="module")
def scenes():
    """60 scenes: images (N, 32, 64, 3), layouts (N, 32, 64)."""
    pairs = [render(seed, (32, 64)) for seed in range(60)]
    return np.stack([image for image, _ in pairs]), np.stack([layout for _, layout in pairs])


def test_a_seed_is_a_scene():
    first, again, other = render(3, (32, 64)), render(3, (32, 64)), render(4, (32, 64))
    assert np.array_equal(first[0], again[0]) and np.array_equal(first[1], again[1])
    assert not np.array_equal(first[0], other[0])
    assert first[0].dtype == first[1].dtype == np.uint8
    assert first[0].shape == (32, 64, 3) and first[1].shape == (32, 64)


def test_the_same_scene_at_every_size():
    small, large = render(5, (32, 64))[1], render(5, (128, 256))[1]
    reduced = large[2::4, 2::4]
    assert (small == reduced).mean() > 0.8


def test_every_class_occurs_and_road_dominates_rare_ones(scenes):
    layouts = np.concatenate(
        [scenes[1], np.stack([render(s, (32, 64))[1] for s in range(60, 260)])]
    )
    share = np.bincount(layouts.ravel(), minlength=20) / layouts.size
    assert set(np.unique(layouts)) == set(range(20))
    named = dict(zip(CLASS_NAMES, share, strict=True))
    assert named["road"] > 0.2 and named["building"] > 0.1
    for rare in ("rider", "train", "motorcycle", "traffic light"):
        assert named[rare] < 0.01


def test_an_image_is_not_a_recolouring_of_its_layout(scenes):
    """The best lookup from a colour (16 levels a channel) to a class misreads many pixels."""
    images, layouts = scenes
    keys = (images.astype(int) // 16) @ np.array([256, 16, 1])  # (N, H, W)
    counts = np.zeros((4096, 20))
    np.add.at(counts, (keys[:40].ravel(), layouts[:40].ravel()), 1)
    accuracy = (counts.argmax(1)[keys[40:]] == layouts[40:]).mean()
    assert accuracy < 0.75
    palette = np.array(class_colours(CLASS_NAMES))
    assert np.abs(images - palette[layouts]).mean() > 20


def test_splits_are_disjoint_and_subsets_nested():
    sizes = {fraction: len(SynthCity("train", fraction=fraction)) for fraction in (25, 50, 100)}
    assert sizes == {25: 744, 50: 1488, 100: 2975}
    assert len(SynthCity("val", fraction=25)) == len(SynthCity("val")) == 500
    first = {s: SynthCity(s, image_size=(32, 64))[0].image for s in ("train", "val", "test")}
    assert not torch.equal(first["train"], first["val"])
    assert not torch.equal(first["val"], first["test"])
    quarter, whole = (SynthCity("train", image_size=(32, 64), fraction=f) for f in (25, 100))
    assert torch.equal(quarter[7].image, whole[7].image)


def test_the_caption_names_what_is_seen_at_the_reference_size():
    large = SynthCity("test", image_size=(64, 128))
    small = SynthCity("test", image_size=(32, 64))
    for index in range(5):
        triplet = large[index]
        visible = set(triplet.layout.unique().tolist()) - {CLASS_NAMES.index("unlabeled")}
        assert large.caption_classes(triplet.caption) == visible
        assert small[index].caption == triplet.caption


def test_wrong_requests_say_what_is_possible():
    with pytest.raises(ValueError, match="split: expected one of train, val, test, got 'dev'"):
        SynthCity("dev")
    with pytest.raises(ValueError, match="expected 25, 50 or 100, got 10"):
        SynthCity("train", fraction=10)
    with pytest.raises(ValueError, match=r"expected a size \(H, 2 H\)"):
        SynthCity("test", image_size=(64, 64))[0]
    with pytest.raises(IndexError, match="expected 0 to 499, got 500"):
        SynthCity("val")[500]

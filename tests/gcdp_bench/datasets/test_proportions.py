"""Class proportions against a count by hand."""

import math
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
import pytest
import torch

from gcdp_bench.core.images import write_layout
from gcdp_bench.core.progress import Silent
from gcdp_bench.core.types import Triplet
from gcdp_bench.datasets.cityscapes import Cityscapes
from gcdp_bench.datasets.folder import Folder
from gcdp_bench.datasets.proportions import class_proportions
from tests.gcdp_bench.datasets.trees import CLASSES, LABELS, save, write_cityscapes, write_manifest


def test_pixels_and_images_at_full_size(tmp_path):
    root = write_cityscapes(tmp_path, {"train": 4, "val": 1})
    name = "aachen_000000_000019"
    labels = np.full((16, 32), 7, np.uint8)
    labels[0, 0] = 33  # one bicycle pixel
    save(root / "gtFine" / "train" / "aachen" / f"{name}_gtFine_labelIds.png", labels)
    found = class_proportions(Cityscapes(root, "train", image_size=(4, 8)), Silent())
    pixels = np.zeros(20)
    columns = np.array(CLASSES)[np.arange(32) % len(LABELS)]
    for column in columns:
        pixels[column] += 3 * 16  # three frames as the tree writes them
    pixels[0] += 511
    pixels[18] += 1
    np.testing.assert_allclose(found.pixel_share, pixels / pixels.sum(), rtol=1e-12)
    images = [3 * (k in CLASSES) + (k in (0, 18)) for k in range(20)]
    assert found.num_images.tolist() == images and found.num_items == 4


def test_ignored_pixels_count_nowhere(toy, tmp_path):
    import shutil

    shutil.copytree(toy.data / "val", tmp_path / "val")
    for index, path in enumerate(sorted((tmp_path / "val" / "layouts").iterdir())):
        layout = torch.full((16, 16), 255, dtype=torch.uint8)
        layout[:2, : 2 + index] = 1
        layout[2, 0] = 2
        write_layout(path, layout)
    found = class_proportions(Folder(tmp_path, "val"), Silent())
    assert found.pixel_share.tolist() == pytest.approx([0, 18 / 21, 3 / 21], abs=1e-12)
    assert found.num_images.tolist() == [0, 3, 3]
    write_layout(path, torch.full((16, 16), 7, dtype=torch.uint8))
    with pytest.raises(ValueError, match="layout has class 7, expected 0 to 2"):
        class_proportions(Folder(tmp_path, "val"), Silent())


@dataclass
class Scenes:
    """A dataset in memory; a caption is the classes that it names."""

    layouts: list
    captions: list[str]
    name: str = "scenes"
    split: str = "test"
    class_names: tuple[str, ...] = ("sky", "road", "car")

    def __len__(self):
        return len(self.layouts)

    def __getitem__(self, index):
        layout = torch.tensor(self.layouts[index], dtype=torch.uint8)
        return Triplet(str(index), torch.zeros(3, *layout.shape), layout, self.captions[index])

    def caption_classes(self, caption):
        return frozenset(self.class_names.index(name) for name in caption.split())


def proportions(layouts, captions, **settings):
    scenes: Any = Scenes(layouts, captions)
    return class_proportions(scenes, Silent(), **settings)


LAYOUTS = [[[0, 0, 1, 255]], [[1, 255, 255, 255]], [[0, 0, 0, 0]]]


def test_captions_name_classes_and_the_pixels_of_their_images():
    found = proportions(LAYOUTS, ["sky car", "car road", ""])
    assert found.num_captions.tolist() == [1, 1, 2]
    assert found.named_pixels.tolist() == [4, 4, 8] and found.named_ignored.tolist() == [1, 3, 4]
    assert (found.num_ignored, found.num_unnamed, found.num_items) == (4, 1, 3)
    assert found.num_images.tolist() == [2, 2, 0]
    assert found.ignored_share == 4 / 12 and found.unnamed == "1 of 3 captions name no class"
    assert [found.ignored_with(index) for index in range(3)] == [1 / 4, 3 / 4, 1 / 2]
    assert proportions(LAYOUTS, ["sky car", "", ""], indices=[0, 2]).num_captions[2] == 1


def test_a_class_without_captions_has_no_share_of_ignored_pixels():
    assert math.isnan(proportions(LAYOUTS, ["sky", "", ""]).ignored_with(2))
    none = proportions(LAYOUTS, ["", "", ""])
    assert none.unnamed.startswith("3 of 3 captions name no class: Semantic Recall")


def test_classes_that_captions_name_and_no_layout_holds_are_said():
    ignored, held = proportions(LAYOUTS, ["sky car", "car road", ""]), [[[0, 1]]]
    (sentence,) = ignored.missing()
    assert sentence.startswith("class 'car': 2 of 3 captions name it, no layout holds it, and 50.0")
    assert '"values": {"255": "car"}' in sentence
    (sentence,) = proportions(held, ["car"]).missing()
    assert sentence.endswith("correct the layouts, the captions or the order of the classes")
    assert proportions(held, ["sky road"]).missing() == []
    assert proportions(held, [""]).missing() == []


def test_mostly_ignored_pixels_are_said():
    assert proportions([[[0, 0, 255]]], ["sky"]).ignored_note() is None
    note = proportions([[[0, 255]]], ["sky"]).ignored_note()
    assert note is not None and note.startswith("50.0 % of the pixels are 255 (ignored)")
    with pytest.raises(ValueError, match="scenes test: expected pixels with a class, got none"):
        proportions([[[255, 255]]], ["sky"])
    assert proportions([[[255, 255]]], ["sky"], indices=[]).ignored_share == 0.0


def test_two_splits_are_joined():
    first, second = proportions(LAYOUTS[:1], ["sky car"]), proportions(LAYOUTS[1:], ["car", ""])
    joined, whole = first + second, proportions(LAYOUTS, ["sky car", "car", ""])
    for one, other in zip(astuple(joined), astuple(whole), strict=True):
        assert np.array_equal(one, other)


def test_a_template_without_a_class_to_name_names_none(tmp_path):
    root = write_cityscapes(tmp_path, {"train": 4, "val": 1})
    name = "aachen_000000_000019"
    path = root / "gtFine" / "train" / "aachen" / f"{name}_gtFine_labelIds.png"
    save(path, np.zeros((16, 32), np.uint8))  # nothing but "unlabeled"
    found = class_proportions(Cityscapes(root, "train"), Silent())
    assert found.num_unnamed == 1
    manifest = write_manifest(
        tmp_path / "m.jsonl", {f"{n}.png": ["a road"] for n in Cityscapes(root, "train").ids[1:]}
    )
    with pytest.raises(ValueError, match=f"expected captions of {name}"):
        class_proportions(Cityscapes(root, "train", captions=manifest, strict=False), Silent())

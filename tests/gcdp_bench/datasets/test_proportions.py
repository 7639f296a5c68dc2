"""Class proportions against a count by hand."""

import numpy as np
import pytest
import torch

from gcdp_bench.datasets.cityscapes import Cityscapes
from gcdp_bench.datasets.folder import Folder
from gcdp_bench.datasets.proportions import class_proportions
from gcdp_bench.images import write_layout
from gcdp_bench.progress import Silent
from tests.gcdp_bench.datasets.trees import CLASSES, LABELS, save, write_cityscapes


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

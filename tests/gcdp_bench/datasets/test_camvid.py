"""CamVid's folder layout, written by the test."""

import numpy as np
import pytest
import torch
from PIL import Image

from gcdp_bench.datasets.camvid import CLASS_NAMES, CamVid


@pytest.fixture
def root(tmp_path):
    random = np.random.default_rng(0)
    for split, num in (("train", 2), ("val", 1), ("test", 3)):
        for part in (split, f"{split}annot"):
            (tmp_path / "CamVid" / part).mkdir(parents=True)
        for index in range(num):
            image = random.integers(0, 256, (24, 32, 3), dtype=np.uint8)
            layout = np.full((24, 32), 3, np.uint8)  # road
            layout[:8] = 0  # sky
            layout[10:14, 5:9] = 8  # car
            layout[-1] = 11  # void
            name = f"Seq05VD_f{index:05d}.png"
            Image.fromarray(image).save(tmp_path / "CamVid" / split / name)
            Image.fromarray(layout).save(tmp_path / "CamVid" / f"{split}annot" / name)
    return tmp_path


def test_frames_layouts_and_captions(root):
    frames = CamVid(root, "test", image_size=(12, 16))
    assert (len(frames), frames.name, frames.class_names) == (3, "camvid", CLASS_NAMES)
    triplet = frames[1]
    assert triplet.id == "Seq05VD_f00001"
    assert triplet.image.shape == (3, 12, 16) and triplet.layout.shape == (12, 16)
    assert triplet.image.dtype == triplet.layout.dtype == torch.uint8
    assert triplet.caption == "An image of an urban scene with sky, roads and cars."
    assert frames.caption_classes(triplet.caption) == {0, 3, 8}
    assert set(triplet.layout.unique().tolist()) == {0, 3, 8, 11}


def test_the_folder_itself_or_its_parent(root):
    assert len(CamVid(root / "CamVid", "train")) == len(CamVid(root, "train")) == 2


def test_missing_parts_are_named(root):
    with pytest.raises(FileNotFoundError, match="expected CamVid's frames .* --data-root"):
        CamVid(root / "nowhere", "train")
    with pytest.raises(ValueError, match="split: expected one of train, val, test"):
        CamVid(root, "dev")
    (root / "CamVid" / "testannot" / "Seq05VD_f00001.png").unlink()
    with pytest.raises(FileNotFoundError, match="Seq05VD_f00001.png: expected its annotation"):
        CamVid(root, "test")


def test_a_damaged_frame_stops_with_its_name(root):
    path = root / "CamVid" / "test" / "Seq05VD_f00002.png"
    path.write_bytes(path.read_bytes()[:40])
    frames = CamVid(root, "test")
    assert frames[0].image.shape == (3, 96, 128)
    with pytest.raises(ValueError, match="Seq05VD_f00002.png: expected a readable image"):
        frames[2]

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


def test_inspection_finds_every_fault_and_raises_none(root):
    frames, annotations = root / "CamVid" / "test", root / "CamVid" / "testannot"
    Image.fromarray(np.full((9, 9), 40, np.uint8)).save(annotations / "Seq05VD_f00000.png")
    (frames / "Seq05VD_f00001.png").unlink()
    (annotations / "Seq05VD_f00002.png").write_bytes(b"torn")
    with pytest.raises(FileNotFoundError, match="expected its frame .*f00001.png, found none"):
        CamVid(root, "test")
    dataset = CamVid(root, "test", strict=False)
    assert dataset.ids == tuple(f"Seq05VD_f{i:05d}" for i in range(3))
    assert dataset.official_count == 233
    found = {name: [fault.problem for fault in faults] for name, faults in dataset.inspect()}
    size, classes = found["Seq05VD_f00000"]
    assert "expected the image's size (24, 32), got (9, 9)" in size
    assert "layout has class 40, expected 0 to 11 or 255" in classes
    assert ["expected the image of this item, found none"] == found["Seq05VD_f00001"]
    assert "expected a readable image" in found["Seq05VD_f00002"][0]
    assert len(found["Seq05VD_f00002"]) == 1
    assert not any(faults for _, faults in CamVid(root, "train").inspect())


def test_a_split_without_frames_is_refused(root):
    for path in (root / "CamVid" / "val").iterdir():
        path.unlink()
    for path in (root / "CamVid" / "valannot").iterdir():
        path.unlink()
    with pytest.raises(FileNotFoundError, match="expected frames, found none"):
        CamVid(root, "val")


def test_classes_that_are_counted_from_void_are_recognised(root):
    folder = root / "CamVid"
    for index in range(6):
        layout = np.full((24, 32), 4, np.uint8)  # road, where void is 0
        layout[:8] = 1
        layout[10:, 5] = 3
        for part, pixels in (("train", np.zeros((24, 32, 3), np.uint8)), ("trainannot", layout)):
            Image.fromarray(pixels).save(folder / part / f"g{index}.png")
    for path in (folder / "trainannot").glob("Seq*"):
        path.unlink()
        (folder / "train" / path.name).unlink()
    with pytest.raises(ValueError, match="trainannot: .*counted from void = 0; subtract 1"):
        CamVid(root, "train")
    (fault,) = dict(CamVid(root, "train", strict=False).inspect())["*"]
    assert "class 4 covers" in fault.problem
    for path in (folder / "trainannot").iterdir():  # a wide pavement, and a road
        layout[20:] = 3
        Image.fromarray(layout).save(path)
    assert len(CamVid(root, "train")) == 6
    layout[10:] = 4
    for path in (folder / "trainannot").iterdir():
        Image.fromarray(layout).save(path)
    for name in ("g0.png", "g1.png"):  # four are too few to tell
        (folder / "train" / name).unlink()
        (folder / "trainannot" / name).unlink()
    assert len(CamVid(root, "train")) == 4

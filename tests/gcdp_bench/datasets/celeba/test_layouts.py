"""Masks of face parts, merged in the official order, once."""

import shutil

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from gcdp_bench.core.images import read_layout, write_layout
from gcdp_bench.core.progress import Silent
from gcdp_bench.datasets.celeba import CelebA
from gcdp_bench.datasets.celeba.layouts import PART_NAMES, Layouts
from gcdp_bench.datasets.celeba.tree import find_tree
from gcdp_bench.datasets.faces import CLASS_NAMES
from tests.gcdp_bench.datasets.trees import write_celeba, write_mask
from tests.properties import examples

# The list of g_mask.py, with its ids, as the dataset's authors give it.
OFFICIAL = {
    "skin": 1,
    "nose": 2,
    "eye_g": 3,
    "l_eye": 4,
    "r_eye": 5,
    "l_brow": 6,
    "r_brow": 7,
    "l_ear": 8,
    "r_ear": 9,
    "mouth": 10,
    "u_lip": 11,
    "l_lip": 12,
    "hair": 13,
    "hat": 14,
    "ear_r": 15,
    "neck_l": 16,
    "neck": 17,
    "cloth": 18,
}


@pytest.fixture
def root(tmp_path):
    return write_celeba(tmp_path / "celeba", num_train=4, num_test=1)


@pytest.fixture
def layouts(root):
    return Layouts(find_tree(root), None)


class Counter(Silent):
    """Counts what is made; `stop` interrupts after so many."""

    def __init__(self, stop=None):
        self.made, self.done, self.total, self.stop = 0, None, None, stop

    def start(self, task, total, *, done=0, unit="it"):
        self.total, self.done = total, done

    def advance(self, amount=1, *, values=None):
        self.made += amount
        if self.made == self.stop:
            raise KeyboardInterrupt


def test_ids_and_names():
    assert {name: i for i, name in enumerate(PART_NAMES, start=1)} == OFFICIAL
    assert len(CLASS_NAMES) == 19 and CLASS_NAMES[0] == "background"
    pairs = {
        "skin": "skin",
        "hair": "hair",
        "hat": "hat",
        "cloth": "clothes",
        "neck_l": "necklace",
        "ear_r": "earring",
        "eye_g": "eyeglasses",
        "u_lip": "upper lip",
    }
    assert all(CLASS_NAMES[OFFICIAL[part]] == name for part, name in pairs.items())


def test_layouts_that_lie_in_the_tree_come_before_the_cache(root, tmp_path):
    tree = find_tree(root)
    layouts = Layouts(tree, tmp_path / "cache")
    assert layouts.path("1990").is_relative_to(tmp_path / "cache")
    for name in ("1990.png", "1991.PNG"):
        write_layout(tree.preprocessed / name, torch.full((16, 16), 7, dtype=torch.uint8))
        assert layouts.path(name[:4]) == tree.preprocessed / name
        assert layouts.read(name[:4]).unique().tolist() == [7]


def test_later_parts_are_painted_over_earlier(layouts):
    layout = layouts.merge("1990")
    rows = [14] * 5 + [13] * 3 + [1] * 8  # hat rows 0 to 4, hair to 7, skin to 15
    assert layout.tolist() == [[row] * 16 for row in rows]


@examples(100)
@given(st.lists(st.sampled_from(PART_NAMES), unique=True, min_size=1), st.integers(0, 2**32 - 1))
def test_merging_is_the_largest_id_of_the_masks(tmp_path_factory, parts, seed):
    # With ids that grow in the order of painting, painting is a maximum over the masks.
    root = tmp_path_factory.mktemp("faces")
    tree = find_tree(write_celeba(root, num_train=1, num_test=1, attributes=False))
    for path in (tree.parts / "0").iterdir():
        path.unlink()
    random = np.random.default_rng(seed)
    masks = {part: random.random((6, 5)) < 0.4 for part in parts}
    for part, mask in masks.items():
        pixels = np.zeros((6, 5, 3), np.uint8)
        pixels[mask, random.integers(0, 3)] = random.integers(1, 256)  # any one channel
        write_mask(root, "1990", part, pixels)
    expected = np.max([mask * OFFICIAL[part] for part, mask in masks.items()], axis=0)
    assert (Layouts(tree, None).merge("1990").numpy() == expected).all()


def test_a_mask_of_one_channel_or_a_palette_counts_where_it_is_not_black(root, layouts):
    mask = np.zeros((16, 16), np.uint8)
    mask[:3] = 255
    write_mask(root, "1991", "nose", mask)
    palette = Image.fromarray(np.stack([mask] * 3, -1)).convert("P")
    palette.save(root / "CelebAMask-HQ-mask-anno" / "0" / "01992_nose.png")
    for name in ("1991", "1992"):
        for part in ("hat", "hair", "skin"):
            (root / "CelebAMask-HQ-mask-anno" / "0" / f"0{name}_{part}.png").unlink()
    for name in ("1991", "1992"):
        assert (layouts.merge(name) == 2).sum() == 48 and (layouts.merge(name) != 0).sum() == 48


def test_a_layout_is_merged_once_and_kept(root, layouts):
    first = layouts.read("1990")
    kept = root / "CelebAMask-HQ-mask-anno" / "preprocessed" / "1990.png"
    assert layouts.path("1990") == kept and torch.equal(read_layout(kept), first)
    for path in (root / "CelebAMask-HQ-mask-anno" / "0").glob("01990_*"):
        path.unlink()
    assert torch.equal(layouts.read("1990"), first)
    layouts.read("1991", keep=False)
    assert not layouts.path("1991").exists()


def test_a_cache_of_ones_own(root, tmp_path):
    layouts = Layouts(find_tree(root), tmp_path / "cache")
    first = layouts.read("1990")
    (kept,) = (tmp_path / "cache").glob("*/1990.png")
    assert not (root / "CelebAMask-HQ-mask-anno" / "preprocessed").exists()
    shutil.rmtree(tmp_path / "cache")  # by somebody who clears it meanwhile
    assert torch.equal(layouts.read("1990"), first) and kept.exists()


def test_a_cache_that_cannot_be_written_is_said_once(root, tmp_path, caplog):
    (tmp_path / "file").write_text("in the way")
    layouts = Layouts(find_tree(root), tmp_path / "file" / "cache")
    first = layouts.read("1990")
    assert torch.equal(layouts.read("1990"), first) and layouts.read("1991").shape == first.shape
    assert [line.message.partition(":")[0] for line in caplog.records] == [
        "merged layouts are not kept and made again"
    ]
    with pytest.raises(OSError, match="expected a folder that can be written.*set GCDP_CACHE"):
        layouts.prepare(["1990"], Silent())


def test_other_masks_are_another_entry(root, tmp_path):
    Layouts(find_tree(root), tmp_path / "cache").read("1990")
    write_mask(root, "1990", "cloth", np.full((16, 16, 3), 255, np.uint8))
    layout = Layouts(find_tree(root), tmp_path / "cache").read("1990")
    assert (layout == OFFICIAL["cloth"]).all()


def test_an_interrupted_run_is_continued(root, layouts):
    names = ["1990", "1991", "1992", "1993", "1994"]
    with pytest.raises(KeyboardInterrupt):
        layouts.prepare(names, Counter(stop=2))
    folder = root / "CelebAMask-HQ-mask-anno" / "preprocessed"
    stamps = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert set(stamps) == {"1990.png", "1991.png"}
    rest = Counter()
    assert layouts.prepare(names, rest) == 3
    assert (rest.total, rest.done, rest.made) == (5, 2, 3)
    assert {p.name for p in folder.iterdir()} == {f"{name}.png" for name in names}
    assert all((folder / name).stat().st_mtime_ns == stamp for name, stamp in stamps.items())
    assert layouts.prepare(names, Counter()) == 0


def test_a_failed_merge_leaves_no_file(root, layouts):
    path = root / "CelebAMask-HQ-mask-anno" / "0" / "01991_skin.png"
    path.write_bytes(path.read_bytes()[:30])
    with pytest.raises(ValueError, match="01991_skin.png: expected a readable image"):
        layouts.prepare(["1990", "1991", "1992"], Silent())
    folder = root / "CelebAMask-HQ-mask-anno" / "preprocessed"
    assert [path.name for path in folder.iterdir()] == ["1990.png"]


def test_faults_of_masks_are_named(root, layouts):
    write_mask(root, "1990", "skin", np.full((8, 8, 3), 255, np.uint8))
    with pytest.raises(ValueError, match="01990_hair.png: expected the size of the face's other"):
        layouts.read("1990")
    write_mask(root, "1991", "l_eyebrow", np.zeros((16, 16, 3), np.uint8))
    with pytest.raises(ValueError, match="01991_l_eyebrow.png: expected one of the parts skin,"):
        Layouts(find_tree(root), None).read("1991")
    with pytest.raises(FileNotFoundError, match="expected masks of the parts of this face"):
        layouts.read("17")


def test_layouts_that_another_parser_numbered_are_recognised(tmp_path):
    root = write_celeba(tmp_path / "celeba", num_train=24, num_test=3)
    layouts = Layouts(find_tree(root), None)
    names = [str(number) for number in range(1990, 2014)]
    layouts.prepare(names, Silent())
    layouts.require_official_ids(names)
    for number, path in enumerate(sorted(layouts.path("1990").parent.glob("*.png"))):
        ids = np.zeros((16, 16), np.uint8)
        ids[2:8], ids[8:] = 17, 16 if number else 18  # hair, clothes; one hat
        Image.fromarray(ids).save(path)
    with pytest.raises(ValueError, match="96 % of the layouts have class 16.*remove the folder"):
        layouts.require_official_ids(names)
    layouts.require_official_ids(names[:10])  # too few to tell
    with pytest.raises(ValueError, match="another face parser"):
        CelebA(root, "train")
    assert "*" in dict(CelebA(root, "train", strict=False).inspect())

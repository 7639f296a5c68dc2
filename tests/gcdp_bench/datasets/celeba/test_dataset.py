"""Multi-Modal CelebA-HQ's tree, written by the test."""

import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from gcdp_bench.core.types import AttributedDataset
from gcdp_bench.datasets.celeba import AttributedCelebA, CelebA
from gcdp_bench.datasets.disk import DiskDataset
from gcdp_bench.datasets.faces import ATTRIBUTE_NAMES, CLASS_NAMES
from tests.gcdp_bench.datasets.trees import save, write_celeba


@pytest.fixture
def root(tmp_path):
    return write_celeba(tmp_path / "celeba")


def test_triplets(root):
    faces = CelebA(root, "test", image_size=(8, 8))
    assert isinstance(faces, DiskDataset)
    assert (len(faces), faces.name, faces.class_names) == (6, "celeba-100", CLASS_NAMES)
    triplet = faces[0]
    assert triplet.id == "2030" == faces.ids[0]
    assert triplet.image.shape == (3, 8, 8) and triplet.image.dtype == torch.uint8
    # 16 rows of masks to 8 by the pixel at the centre of each pair, counted from above: odd rows.
    assert triplet.layout[:, 0].tolist() == [14, 14, 13, 13, 1, 1, 1, 1]
    with Image.open(root / "CelebA-HQ-img" / "2030.jpg") as photograph:
        small = np.array(photograph.resize((8, 8), Image.Resampling.BILINEAR)).astype(int)
    assert np.abs(triplet.image.permute(1, 2, 0).numpy() - small).max() <= 1
    assert faces.layout(0).shape == (16, 16)
    hat = CLASS_NAMES.index("hat")
    assert hat in faces.caption_classes(triplet.caption)


def test_the_caption_is_chosen_by_seed_and_id(root):
    def captions(split="train", **options):
        faces = CelebA(root, split, image_size=(8, 8), **options)
        return {name: faces[i].caption for i, name in enumerate(faces.ids)}

    chosen = captions()
    assert all(caption.endswith(f"of {name}.") for name, caption in chosen.items())
    assert chosen == captions() and chosen != captions(caption_seed=1)
    assert len({caption.split()[5] for caption in chosen.values()}) > 3
    first = captions(caption_seed=None)
    assert all("caption 0 of" in caption for caption in first.values())
    quarter = captions(fraction=25)  # a face keeps its caption in every subset
    assert quarter.items() <= chosen.items()


def test_subsets_are_nested_and_share_validation_and_test(root):
    sizes = {}
    train = {}
    for fraction in (25, 50, 100):
        parts = {s: CelebA(root, s, fraction=fraction) for s in ("train", "val", "test")}
        sizes[fraction] = tuple(len(part) for part in parts.values())
        train[fraction] = set(parts["train"].ids)
        assert parts["train"].name == f"celeba-{fraction}"
        assert not train[fraction] & {*parts["val"].ids, *parts["test"].ids}
    assert sizes == {25: (10, 2, 6), 50: (19, 2, 6), 100: (38, 2, 6)}
    assert train[25] < train[50] < train[100]
    counts = [CelebA(root, "train", fraction=f).official_count for f in (25, 50, 100)]
    assert counts == [5700, 11_400, 22_800]


def test_a_list_of_ids_decides_instead_of_the_draw(root):
    chosen = CelebA(root, "train").ids[3:8]
    (root / "25_ids.txt").write_text("\n".join(chosen))
    faces = CelebA(root, "train", fraction=25)
    assert faces.ids == chosen and faces.official_count is None
    assert faces.subset == root / "25_ids.txt"
    assert len(CelebA(root, "train", fraction=50)) == 19
    given = root.parent / "mine.txt"
    given.write_text("\n".join(chosen[:2]))
    assert CelebA(root, "train", fraction=50, subset=given).ids == chosen[:2]


def test_archives_unpacked_side_by_side(root, tmp_path):
    apart = tmp_path / "apart"
    (apart / "CelebAMask-HQ").mkdir(parents=True)
    (apart / "multi-modal-celeba").mkdir()
    for name in ("CelebA-HQ-img", "CelebAMask-HQ-mask-anno", "CelebAMask-HQ-attribute-anno.txt"):
        shutil.move(root / name, apart / "CelebAMask-HQ" / name)
    for name in ("text", "train", "test"):
        shutil.move(root / name, apart / "multi-modal-celeba" / name)
    assert len(AttributedCelebA(apart, "test")) == 6


def test_images_of_the_multi_modal_archive(root):
    (root / "image").mkdir()
    shutil.move(root / "CelebA-HQ-img", root / "image" / "images")
    assert CelebA(root, "test", image_size=(8, 8))[0].id == "2030"


def test_attributes(root):
    faces = AttributedCelebA(root, "test", image_size=(8, 8))
    assert isinstance(faces, AttributedDataset) and not isinstance(
        CelebA(root, "test"), AttributedDataset
    )
    assert faces.attribute_names == ATTRIBUTE_NAMES
    for index, name in enumerate(faces.ids):
        expected = [(int(name) + a) % 3 == 0 for a in range(40)]
        assert faces.attributes(index).tolist() == expected
        assert faces.attributes(index).dtype == torch.bool
    prompted = faces.caption_attributes("The woman wears hat.")
    assert prompted[ATTRIBUTE_NAMES.index("Wearing_Hat")] is True
    assert prompted[ATTRIBUTE_NAMES.index("Male")] is False


class TestAttributeFile:
    """`CelebAMask-HQ-attribute-anno.txt` in other forms."""

    @pytest.fixture
    def path(self, root):
        return root / "CelebAMask-HQ-attribute-anno.txt"

    @pytest.mark.parametrize(
        ("line", "text", "message"),
        [
            (0, "many", "expected the number of faces"),
            (0, "45", "line 1 says 45 faces, found 46"),
            (1, "Bald Male", "line 2: expected CelebA's 40 attribute names"),
            (2, "1990.jpg 1 -1", "line 3: expected a file name and 40 values of 1 or -1"),
            (3, "1991.jpg" + " 0" * 40, "line 4: expected a file name and 40 values"),
        ],
    )
    def test_is_refused(self, root, path, line, text, message):
        lines = path.read_text().splitlines()
        lines[line] = text
        path.write_text("\n".join(lines))
        with pytest.raises(ValueError, match=message):
            CelebA(root, "test")

    def test_a_face_without_attributes(self, root, path):
        lines = path.read_text().splitlines()
        path.write_text("\n".join(["45", *lines[1:-1]]))  # 2035 is missing
        with pytest.raises(ValueError, match="expected a line for 2035.jpg"):
            AttributedCelebA(root, "test")
        found = dict(AttributedCelebA(root, "test", strict=False).inspect())
        assert [name for name, faults in found.items() if faults] == ["2035"]
        path.unlink()
        with pytest.raises(FileNotFoundError, match="expected the attributes of the faces"):
            AttributedCelebA(root, "test")


def test_missing_parts_are_refused_early(root, tmp_path):
    with pytest.raises(FileNotFoundError, match="CelebA-HQ's images .*--data-root"):
        CelebA(tmp_path / "nowhere", "train")
    with pytest.raises(ValueError, match="split: expected one of train, val, test"):
        CelebA(root, "all")
    with pytest.raises(ValueError, match="fraction: expected 25, 50 or 100, got 10"):
        CelebA(root, "train", fraction=10)
    (root / "CelebA-HQ-img" / "2031.jpg").unlink()
    with pytest.raises(FileNotFoundError, match="2031.jpg: expected the image of 2031"):
        CelebA(root, "test")
    (root / "text" / "celeba-caption" / "2030.txt").unlink()
    with pytest.raises(FileNotFoundError, match="2030.txt: expected the captions of 2030"):
        CelebA(root, "test")
    for path in (root / "CelebAMask-HQ-mask-anno" / "0").glob("01990_*"):
        path.unlink()
    shutil.rmtree(root / "CelebA-HQ-img")
    with pytest.raises(FileNotFoundError, match="expected CelebA-HQ's images"):
        CelebA(root, "train")


def test_a_layout_of_another_shape_is_refused(root):
    save(
        root / "CelebAMask-HQ-mask-anno" / "preprocessed" / "2030.png", np.zeros((16, 12), np.uint8)
    )
    with pytest.raises(ValueError, match=r"2030.png: expected the shape of the image \(32, 32\)"):
        CelebA(root, "test")[0]


def test_inspection_finds_every_fault_writes_nothing_and_raises_none(root):
    masks = root / "CelebAMask-HQ-mask-anno"
    image = root / "CelebA-HQ-img" / "2030.jpg"
    image.write_bytes(image.read_bytes()[:200])
    captions = root / "text" / "celeba-caption"
    (captions / "2031.txt").write_text("One caption.\n")
    (captions / "2032.txt").write_bytes(b"\xff\xfe\xff")
    for path in masks.rglob("02033_*.png"):
        path.unlink()
    wrong = np.repeat(np.array([1] * 8 + [13] * 4 + [14] * 4, np.uint8)[:, None], 16, 1)
    save(masks / "preprocessed" / "2034.png", wrong)  # painted in another order
    save(masks / "preprocessed" / "2035.png", np.full((8, 16), 19, np.uint8))
    before = sorted(root.rglob("*"))
    found = dict(CelebA(root, "test", strict=False).inspect())
    assert sorted(root.rglob("*")) == before
    problems = {name: [fault.problem for fault in faults] for name, faults in found.items()}
    assert "expected a readable image" in problems["2030"][0]
    assert "expected 10 captions, one a line, got 1" in problems["2031"][0]
    assert "expected UTF-8 text" in problems["2032"][0]
    assert "expected masks of the parts of this face" in problems["2033"][0]
    assert "differ from the masks merged in the official order" in problems["2034"][0]
    shape, classes = problems["2035"]
    assert (
        "expected the shape of the image" in shape and "has class 19, expected 0 to 18" in classes
    )
    assert sum(map(len, problems.values())) == 7
    assert not any(faults for _, faults in CelebA(root, "train").inspect())

"""Names lead to code, and wrong names to the right ones."""

import sys
from zlib import crc32

import pytest

from gcdp_bench.cli.names import DATASET
from gcdp_bench.core import plugins
from gcdp_bench.core.lookup import lookup
from gcdp_bench.core.types import AttributedDataset
from gcdp_bench.datasets.identities import dataset_identity
from gcdp_bench.datasets.identity import training_digest
from gcdp_bench.datasets.manage import available_dataset, available_datasets
from gcdp_bench.datasets.registry import (
    DATASETS,
    DatasetSpec,
    check_dataset,
    dataset_names,
    dataset_spec,
    has_attributes,
    image_size_of,
    open_dataset,
    protocol_split,
    splits_on_disk,
)
from gcdp_bench.generators.registry import GENERATORS
from tests.gcdp_bench.datasets.trees import write_celeba, write_cityscapes
from tests.packages import install


def test_unknown_names_get_the_nearest():
    with pytest.raises(ValueError, match="unknown dataset .* 'synth-city-26'; did you mean"):
        check_dataset("synth-city-26")
    with pytest.raises(ValueError, match="unknown generator 'xyz'; known: reference, "):
        lookup(GENERATORS, "xyz", "generator")


def test_sizes_follow_the_aspect(toy):
    assert image_size_of("synth-city-25", 128) == (64, 128)
    assert image_size_of("camvid", 128) == (96, 128)
    assert image_size_of(str(toy.data), 32) == (32, 32)


def test_datasets_open(toy):
    city = open_dataset("synth-city", "test", size=(32, 64), data_root=None)
    assert city.image_size == (32, 64) and len(city.class_names) == 20
    assert len(open_dataset(str(toy.data), "train", size=(16, 16), data_root=None)) == 6
    assert {"synth-city-25", "synth-city-50", "synth-city-100", "camvid"} <= set(DATASETS)


def test_a_missing_data_root_says_how_to_give_one(monkeypatch):
    monkeypatch.delenv("GCDP_DATA", raising=False)
    with pytest.raises(FileNotFoundError, match="pass --data-root FOLDER or set GCDP_DATA"):
        open_dataset("camvid", "test", size=(96, 128), data_root=None)


def test_the_environment_gives_the_data_root(monkeypatch, tmp_path):
    monkeypatch.setenv("GCDP_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=f"{tmp_path}.*expected CamVid's frames"):
        open_dataset("camvid", "test", size=(96, 128), data_root=None)


def test_the_list_of_exclude_follows_the_files_of_a_split(tmp_path):
    root = write_cityscapes(tmp_path / "cityscapes")
    path = tmp_path / "q.jsonl"
    left_out = {"train": "aachen_000000_000019", "val": "frankfurt_000001_000019"}
    path.write_text("".join(f'{{"split": "{s}", "id": "{n}"}}\n' for s, n in left_out.items()))

    def ids(split, exclude=None):
        dataset = open_dataset("cityscapes", split, size=(8, 16), data_root=root, exclude=exclude)
        return {dataset[index].id for index in range(len(dataset))}

    for split, parts in (
        ("train", ["train"]),
        ("val", ["val"]),
        ("test", ["val"]),
        ("all", ["train", "val"]),
    ):
        assert ids(split) - ids(split, path) == {left_out[part] for part in parts}


def test_a_folder_without_splits_has_one_split_of_files(toy, tmp_path):
    assert splits_on_disk(str(toy.data)) == ("train", "val", "test")
    folder = str(toy.data / "train")
    assert splits_on_disk(folder) == ("all",)
    (tmp_path / "q.jsonl").write_text('{"split": "all", "id": "000"}\n')
    kept = open_dataset(
        folder, "train", size=(16, 16), data_root=None, exclude=tmp_path / "q.jsonl"
    )
    assert len(kept) == len(open_dataset(folder, "test", size=(16, 16), data_root=None)) - 1
    with pytest.raises(ValueError, match="synth-city: .*drawn when read"):
        splits_on_disk("synth-city")


def test_faces_have_attributes_where_their_file_is(tmp_path):
    root = write_celeba(tmp_path)
    faces = open_dataset("celeba-25", "test", size=(8, 8), data_root=root)
    assert isinstance(faces, AttributedDataset) and faces.name == "celeba-25"
    assert image_size_of("celeba-25", 256) == (256, 256)
    assert image_size_of("cityscapes", 512) == (256, 512)
    (root / "CelebAMask-HQ-attribute-anno.txt").unlink()
    plain = open_dataset("celeba-25", "test", size=(8, 8), data_root=root)
    assert not isinstance(plain, AttributedDataset)


def test_merged_layouts_lie_in_the_users_cache_by_tree(tmp_path, monkeypatch):
    first, second = (write_celeba(tmp_path / name) for name in ("first", "second"))
    kept = tmp_path / "cache" / "celeba-layouts"
    monkeypatch.setenv("GCDP_CACHE", str(tmp_path / "cache"))
    for _ in range(2):
        open_dataset("celeba-25", "test", size=(8, 8), data_root=first)[0]
    assert [path.name for path in kept.glob("*/*")] == ["2030.png"]
    open_dataset("celeba-25", "test", size=(8, 8), data_root=second)[0]
    assert len(list(kept.glob("*/2030.png"))) == 2  # faces of another tree can be other faces
    assert not list(first.rglob("preprocessed")) and not list(second.rglob("preprocessed"))


def test_the_paper_like_protocol_asks_faces_for_their_first_caption(tmp_path, toy):
    root = write_celeba(tmp_path)
    split = protocol_split("celeba-25", "paper-like")
    first = open_dataset("celeba-25", split, size=(8, 8), data_root=root)
    drawn = open_dataset("celeba-25", "test", size=(8, 8), data_root=root)
    assert [first[i].id for i in range(len(first))] == [drawn[i].id for i in range(len(drawn))]
    assert all("caption 0 of" in first[i].caption for i in range(len(first)))
    assert not all("caption 0 of" in drawn[i].caption for i in range(len(drawn)))
    chosen = {name: protocol_split(name, "paper-like") for name in ("cityscapes", "synth-city-25")}
    assert chosen == {"cityscapes": "all", "synth-city-25": "train"}
    for name in ("celeba-25", "cityscapes", "camvid", str(toy.data)):
        assert protocol_split(name, "heldout") == "test"


def test_attributes_are_known_without_looking_at_every_file(toy, tmp_path):
    root = write_celeba(tmp_path / "celeba")
    (root / "CelebA-HQ-img" / "2030.jpg").write_bytes(b"torn")
    (root / "CelebA-HQ-img" / "2031.jpg").unlink()
    before = sorted(root.rglob("*"))
    assert has_attributes("celeba-25", root)
    assert sorted(root.rglob("*")) == before  # no folder for merged layouts
    (root / "CelebAMask-HQ-attribute-anno.txt").unlink()
    assert not has_attributes("celeba-25", root)
    assert has_attributes("synth-face-25", None) and not has_attributes("synth-city", None)
    assert not has_attributes(str(toy.data), None)
    with pytest.raises(ValueError, match="did you mean 'celeba-100'"):
        has_attributes("celeba-1000", root)
    with pytest.raises(FileNotFoundError, match="expected CelebA-HQ's images"):
        has_attributes("celeba-25", toy.data)


PLUGIN = """
import torch

from gcdp_bench.core.types import Triplet
from gcdp_bench.datasets.registry import DatasetSpec


class Grey:
    name, class_names = "grey", ("sky", "road")

    def __init__(self, split, image_size):
        self.split, self.image_size = split, image_size

    def __len__(self):
        return 3

    def __getitem__(self, index):
        image = torch.full((3, *self.image_size), 127, dtype=torch.uint8)
        return Triplet(f"{self.split}-{index}", image, image[0] * 0, "sky")

    def caption_classes(self, caption):
        return frozenset({0})


class Half:
    name, split = "half", "train"


SPEC = DatasetSpec(summary="grey", aspect=0.5, build=lambda split, size, root: Grey(split, size))
HALF = DatasetSpec(summary="half", aspect=1.0, build=lambda split, size, root: Half())
"""


def test_an_installed_package_adds_a_dataset(tmp_path, monkeypatch):
    entries = {"grey": "grey_data:SPEC", "half": "grey_data:HALF", "bad": "grey_data:Grey"}
    entries |= {"gone": "grey_data:gone"}
    install(
        tmp_path / "package",
        monkeypatch,
        group=plugins.DATASETS,
        entries=entries,
        module="grey_data",
        code=PLUGIN,
    )
    monkeypatch.chdir(tmp_path)
    (tmp_path / "grey").mkdir()  # the package's dataset comes before a folder of that name
    check_dataset("grey")
    assert dataset_names() == (*DATASETS, *entries) and "grey_data" not in sys.modules
    with pytest.raises(ValueError, match="did you mean 'grey'.*known: synth-city, .*, grey, half"):
        check_dataset("greyy")
    assert image_size_of("grey", 64) == (32, 64) and dataset_spec("grey").summary == "grey"
    assert len(open_dataset("grey", "val", size=(4, 8), data_root=None)) == 3
    found = dataset_identity("grey")
    assert (found.name, found.num_training, found.class_names) == ("grey", 3, ("sky", "road"))
    assert found.digest == training_digest(("sky", "road"), ["train-0", "train-1", "train-2"])
    assert not has_attributes("grey", None) and protocol_split("grey", "paper-like") == "train"
    where = r"package their-package 1.0 \(entry point bad = grey_data:Grey, "
    expected = ".*expected a gcdp_bench.datasets.registry.DatasetSpec, got <class"
    with pytest.raises(ValueError, match=where + expected):
        open_dataset("bad", "test", size=(8, 8), data_root=None)
    with pytest.raises(ValueError, match="half: .*lacks class_names, image_size, .*__getitem__"):
        open_dataset("half", "test", size=(8, 8), data_root=None)
    assert "pip uninstall their-package" in str(available_dataset("gone", None).problem)
    assert available_dataset("grey", None).available


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (
            "class_names = ['sky']",
            r"class_names: expected a tuple of 1 to 255 texts, got \['sky'\]",
        ),
        ("image_size = (9, 9)", r"image_size: expected \(4, 8\), as asked for, got \(9, 9\)"),
        ("name = None", "name: expected a text, got None"),
        ("__len__ = lambda self: 0", "expected items, got none"),
        ("item = 1", "item 0: expected a gcdp_bench.core.types.Triplet, got int"),
        (
            "item = replace(ITEM, image=ITEM.image.permute(1, 2, 0))",
            r"item 0: image: expected torch.uint8 \(3, 4, 8\), got torch.uint8 \(4, 8, 3\)",
        ),
        (
            "item = replace(ITEM, layout=ITEM.layout.long())",
            r"item 0: layout: expected torch.uint8 \(4, 8\), got torch.int64 \(4, 8\)",
        ),
        (
            "item = replace(ITEM, layout=ITEM.layout + 9)",
            "item 0: layout: expected ids of its 2 classes, 0 to 1, or 255, got 9",
        ),
        ("item = replace(ITEM, caption=None)", "item 0: caption: expected a text, got None"),
        (
            "caption_classes = lambda self, caption: frozenset({0, 9})",
            r"item 0: caption_classes\('sky'\): expected ids of its 2 classes, 0 to 1, got .*9",
        ),
        ("ids = ['a', 'b', 'a']", "ids: expected 3 different ones, got 2 of 3"),
    ],
)
def test_a_dataset_of_a_package_is_checked(tmp_path, monkeypatch, members, message):
    module = f"own_data_{crc32(members.encode())}"
    code = f"""
from dataclasses import replace
{PLUGIN}
ITEM = Grey("train", (4, 8))[0]
class Own(Grey):
    def __init__(self, split, size):
        self.split, self.image_size = split, getattr(type(self), "image_size", size)
    def __getitem__(self, index):
        return getattr(self, "item", ITEM)
    {members}
OWN = DatasetSpec(summary="own", aspect=0.5, build=lambda split, size, root: Own(split, size))
"""
    entries = {"own": f"{module}:OWN"}
    install(
        tmp_path, monkeypatch, group=plugins.DATASETS, entries=entries, module=module, code=code
    )
    with pytest.raises(ValueError, match=f"^own: {message}.*; correct Own"):
        open_dataset("own", "test", size=(4, 8), data_root=None)


def test_an_entry_builds_of_split_size_and_root():
    with pytest.raises(ValueError, match="build: expected a function of split, .*got <function"):
        DatasetSpec(summary="x", aspect=1.0, build=lambda split: None)


def test_a_package_takes_no_name_of_the_benchmark(tmp_path, monkeypatch):
    install(
        tmp_path,
        monkeypatch,
        group=plugins.DATASETS,
        entries={"camvid": "nowhere:SPEC"},
        module="unused",
        code="",
    )
    with pytest.raises(ValueError, match="their-package .*'camvid' is a name of gcdp-bench"):
        DATASET.convert("camvid", None, None)
    with pytest.raises(ValueError, match="'camvid' is a name of gcdp-bench itself"):
        dataset_spec("camvid")
    listed = {found.name: str(found.problem) for found in available_datasets(None)}
    assert "their-package" in listed["camvid"] and "their-package" not in listed["cityscapes"]

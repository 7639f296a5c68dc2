"""`gcdp-bench data`, and training on data of which something is broken."""

import json
import pickle
import shutil

import numpy as np
import pytest

from gcdp_bench.core.config import digest, read_json
from tests.gcdp_bench.cli.test_cli import fails, run
from tests.gcdp_bench.datasets.trees import (
    save,
    write_celeba,
    write_cityscapes,
    write_manifest,
    write_mask,
)


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in ("GCDP_DATA", "CITYSCAPES_DATASET"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def root(tmp_path):
    """A data root with two datasets."""
    write_cityscapes(tmp_path / "data" / "cityscapes", {"train": 12, "val": 4})
    write_celeba(tmp_path / "data" / "celeba", num_train=40, num_test=6)
    return tmp_path / "data"


def line_of(output, start):
    """The first line with these words at its beginning, its spaces made single."""
    lines = [" ".join(line.split()) + " " for line in output.splitlines()]
    return next(line for line in lines if line.startswith(f"{start} ")).strip()


def plant_in_cityscapes(root):
    """Ten faults, each of another kind."""
    images, labels = root / "cityscapes" / "leftImg8bit", root / "cityscapes" / "gtFine"

    def image(city, index, split="train"):
        return images / split / city / f"{city}_{index:06d}_000019_leftImg8bit.png"

    def layout(city, index, split="train"):
        return labels / split / city / f"{city}_{index:06d}_000019_gtFine_labelIds.png"

    cut = image("aachen", 0)
    cut.write_bytes(cut.read_bytes()[:90])  # torn image
    image("bremen", 1).write_bytes(b"")  # empty image
    image("aachen", 2).unlink()  # labels without image
    layout("bremen", 3).unlink()  # image without labels
    save(layout("aachen", 4), np.full((8, 16), 7, np.uint8))  # another size
    save(layout("bremen", 5), np.full((16, 32), 77, np.uint8))  # unknown id
    save(layout("aachen", 6), np.full((16, 32, 3), 7, np.uint8))  # colours instead of ids
    save(layout("bremen", 7), np.zeros((16, 32), np.uint8))  # nothing that a caption can name
    layout("frankfurt", 0, "val").write_text("<html>404</html>")  # not a picture
    cut = layout("frankfurt", 1, "val")
    cut.write_bytes(cut.read_bytes()[:60])  # torn labels


class TestCheck:
    """`data check`: all faults in one table, exit code 1."""

    def test_ten_planted_faults_of_cityscapes(self, root):
        plant_in_cityscapes(root)
        output = fails("data", "check", "cityscapes", "--data-root", root, "--partial")
        for name, problem in (
            ("aachen_000000", "expected a readable image"),
            ("bremen_000001", "expected a readable image"),
            ("aachen_000002", "expected the image of this item, found none"),
            ("bremen_000003", "expected the layout of this image, found none"),
            ("aachen_000004", "expected the image's size (16, 32), got (8, 16)"),
            ("bremen_000005", "has label id 77, expected 0 to 33"),
            ("aachen_000006", "expected a grey or palette PNG"),
            ("bremen_000007", "expected at least one that can be named"),
            (
                "frankfurt_000000",
                "got UnidentifiedImageError",
            ),
            ("frankfurt_000001", "expected a readable image"),
        ):
            assert any(name in line and problem in line for line in output.splitlines()), name
        assert "10 faults in 16 items" in output

    def test_ten_planted_faults_of_celeba(self, root):
        faces = root / "celeba"
        masks, captions = faces / "CelebAMask-HQ-mask-anno", faces / "text" / "celeba-caption"
        (faces / "CelebA-HQ-img" / "1990.jpg").write_bytes(b"torn")
        (faces / "CelebA-HQ-img" / "1991.jpg").unlink()
        save(faces / "CelebA-HQ-img" / "1992.jpg", np.zeros((32, 24, 3), np.uint8))
        for path in masks.rglob("01993_*"):
            path.unlink()
        write_mask(faces, "1994", "brow", np.zeros((16, 16, 3), np.uint8))
        write_mask(faces, "1995", "nose", np.zeros((8, 8, 3), np.uint8))
        save(masks / "preprocessed" / "1996.png", np.zeros((16, 16), np.uint8))
        (captions / "1997.txt").unlink()
        (captions / "1998.txt").write_text("\n")
        attributes = faces / "CelebAMask-HQ-attribute-anno.txt"
        lines = attributes.read_text().splitlines()
        attributes.write_text("\n".join(["45", *lines[1:-1]]))
        output = fails("data", "check", "celeba-100", "--data-root", root, "--partial")
        assert "10 faults in 46 items" in output
        for number in (*range(1990, 1999), 2035):
            assert any(str(number) in line.split() for line in output.splitlines()), number

    def test_counts_and_no_fault(self, root):
        output = fails("data", "check", "cityscapes", "--data-root", root)
        assert "expected 2975 items, got 12" in output and "2 faults in 16 items" in output
        result = run("data", "check", "cityscapes", "--data-root", root, "--partial")
        assert result.exit_code == 0 and "no fault in 16 items" in result.output
        result = run("data", "check", "celeba-25", "--data-root", root, "--partial")
        assert result.exit_code == 0 and "no fault in 18 items" in result.output
        assert not (root / "celeba" / "CelebAMask-HQ-mask-anno" / "preprocessed").exists()

    def test_a_folder_of_ones_own(self, toy, tmp_path):
        data = shutil.copytree(toy.data, tmp_path / "mine")
        assert "no fault in 21 items" in run("data", "check", data).output
        (data / "train" / "images" / "000.png").write_bytes(b"torn")
        (data / "val" / "layouts" / "000.png").unlink()
        with (data / "test" / "captions.jsonl").open("a") as file:
            file.write("not json\n")
        exclude = tmp_path / "q.jsonl"
        output = fails("data", "check", data, "--faulty", exclude)
        assert "3 faults in 21 items" in output and "2 items in" in output
        entries = [json.loads(line) for line in exclude.read_text().splitlines()]
        assert {(entry["split"], entry["id"]) for entry in entries} == {
            ("train", "000"),
            ("val", "000"),
        }

    def test_a_folder_that_does_not_exist(self, toy, tmp_path):
        (tmp_path / "photos").mkdir()
        lost = tmp_path / "photo"
        for command in (
            ("data", "check", lost),
            ("data", "stats", lost),
            ("data", "split", lost, "--out", tmp_path / "new"),
            ("train", "segmenter", "--dataset", lost),
        ):
            output = fails(*command)
            assert f"{lost}: no such folder; did you mean {tmp_path / 'photos'}?" in output
            assert "data split" not in output and "fault" not in output
        empty = fails("data", "check", tmp_path / "photos")
        assert "1 fault: no item could be listed" in empty and "data split" not in empty

    def test_mistakes(self, root):
        assert "it is drawn when read" in fails("data", "check", "synth-city")
        assert "did you mean 'cityscapes'" in fails("data", "check", "cityscape")
        output = fails("data", "check", "cityscapes", "--data-root", root, "--split", "dev")
        assert "expected one of train, val, got 'dev'" in output
        assert "pass --data-root FOLDER" in fails("data", "check", "celeba-50")


class TestList:
    """`data list`: what is here and where it is looked for."""

    def test_what_the_table_says_is_not_repeated(self):
        output = run("data", "list").output
        assert "no folder is given" in output
        assert not any(line.startswith("no folder") for line in output.splitlines())

    def test_names_places_and_counts(self, root):
        output = run("data", "list", "--data-root", root).output
        assert line_of(output, "cityscapes").startswith("cityscapes yes 12 train, 4 val")
        assert line_of(output, "celeba-25").startswith("celeba-25 yes 10 train, 2 val, 6 test")
        assert line_of(output, "celeba-100").startswith("celeba-100 yes 38 train, 2 val, 6 test")
        assert line_of(output, "synth-city-25").startswith("synth-city-25 yes 744 train")
        assert line_of(output, "camvid").startswith("camvid no -")
        assert f"{root}: expected CamVid's frames" in output
        assert "expected captions in one file *_captions.jsonl" in output  # cityscapes-manifest

    def test_the_environment(self, root, monkeypatch):
        assert "--data-root or GCDP_DATA or CITYSCAPES_DATASET" in run("data", "list").output
        monkeypatch.setenv("CITYSCAPES_DATASET", str(root / "cityscapes"))
        output = run("data", "list").output
        assert "cityscapes yes 12 train" in line_of(output, "cityscapes")
        assert line_of(output, "celeba-25").startswith("celeba-25 no")
        monkeypatch.setenv("GCDP_DATA", str(root))
        assert "celeba-25 yes" in line_of(run("data", "list").output, "celeba-25")

    def test_a_manifest_of_captions(self, root):
        names = [p.name for p in (root / "cityscapes").rglob("*_leftImg8bit.png")]
        write_manifest(root / "cityscapes" / "100_captions.jsonl", {n: ["Roads."] for n in names})
        output = run("data", "list", "--data-root", root).output
        assert "yes 12 train, 4 val" in line_of(output, "cityscapes-manifest")
        result = run("data", "check", "cityscapes-manifest", "--data-root", root, "--partial")
        assert "no fault in 16 items" in result.output


def test_stats(root):
    output = run("data", "stats", "celeba-100", "--data-root", root, "--split", "test").output
    assert line_of(output, "14 hat") == "14 hat 31.25 100.0 6 6 0.00"  # 5 of 16 rows
    assert line_of(output, "13 hair") == "13 hair 18.75 100.0 6 0 -"
    assert line_of(output, "4 left eye") == "4 left eye 0.00 0.0 0 0 -"
    assert line_of(output, "255 (ignored)").endswith("0.00")
    assert "celeba-100 test: 6 items, 0 of 6 captions name no class" in output


def test_check_and_stats_say_the_template_of_captions(toy, tmp_path):
    data = shutil.copytree(toy.data, tmp_path / "mine")
    for path in data.rglob("captions.jsonl"):
        path.unlink()
    said = 'the template "An image of {classes}."; set "template" in classes.json'
    for command in ("check", "stats"):
        assert run("data", command, data).output.count(said) == 1


def test_colour_masks_are_one_row_and_their_colours_can_be_pasted(toy, tmp_path):
    data = shutil.copytree(toy.data / "test", tmp_path / "mine")
    names = sorted(path.stem for path in (data / "images").iterdir())
    for index, name in enumerate(names):
        (data / "layouts" / f"{name}.png").unlink()
        if index:  # the first has no layout
            colours = np.zeros((16, 32, 3), np.uint8)
            colours[:4] = 128, 64, index
            save(data / "layouts" / f"{name}.png", colours)
    (data / "images" / f"{names[-1]}.png").write_bytes(b"torn")
    exclude = tmp_path / "q.jsonl"
    output = fails("data", "check", data, "--faulty", exclude)
    num = len(names) - 1
    (row,) = [line for line in output.splitlines() if "expected a grey or palette PNG" in line]
    assert f"{num} items, first: {names[1]} " in row
    pasted = '"colours": {"#000000": "CLASS", "#804001": "CLASS"}'
    assert pasted in row
    for problem in ("expected the layout of this image", "expected a readable image"):
        assert sum(problem in line for line in output.splitlines()) == 1
    assert len(exclude.read_text().splitlines()) == num + 2
    table = read_json(data / "classes.json")
    first, second, *_ = table["classes"]
    filled = pasted.replace("CLASS", first, 1).replace("CLASS", second)
    (data / "classes.json").write_text(json.dumps(table | json.loads(f"{{{filled}}}")))
    output = fails("data", "check", data)
    assert output.count("expected a grey") == 0 and "#804002" in output


def test_faults_that_differ_by_more_than_the_item_keep_their_rows(toy, tmp_path):
    data = shutil.copytree(toy.data, tmp_path / "mine")
    for split, name in (("train", "000"), ("train", "001"), ("val", "000")):
        (data / split / "layouts" / f"{name}.png").unlink()
    with (data / "test" / "captions.jsonl").open("a") as file:
        file.write('{"id": "one", "caption": "a"}\n{"id": "two", "caption": "a"}\n')
    lines = fails("data", "check", data).splitlines()
    missing = [line.split("  ") for line in lines if "expected the layout" in line]
    assert [[cell.strip() for cell in row if cell][:2] for row in missing] == [
        ["train", "2 items, first: 000"],
        ["val", "000"],
    ]
    assert any("2 items, first: one" in line and "has no image" in line for line in lines)


def test_check_says_what_commands_lack_and_split_makes_it(toy, tmp_path):
    shutil.copytree(toy.data / "test", tmp_path / "mine" / "train")
    output = run("data", "check", tmp_path / "mine").output
    assert "the split val is missing; needed by train" in output
    assert "the split test is missing; needed by sweep" in output
    assert f"data split {tmp_path / 'mine'} --out mine-split" in output
    made = run("data", "split", tmp_path / "mine", "--out", tmp_path / "made", "--test", "0.25")
    assert made.exit_code == 0 and "3 test in" in made.output
    output = run("data", "check", tmp_path / "made").output
    assert "missing" not in output and "no fault in 12 items" in output
    assert "sweep takes all 3 captions of test, usually 500" in output
    assert "expected a new or an empty folder" in fails(
        "data", "split", tmp_path / "mine", "--out", tmp_path / "made"
    )
    output = run("data", "check", tmp_path / "made" / "train").output
    assert "has no splits: train, val and test are the same" in output


def test_a_subset_is_written_down_and_read_back(root, tmp_path):
    written = tmp_path / "25.txt"
    output = run("data", "subset", "celeba-25", "--data-root", root, "--out", written).output
    assert "10 ids of celeba-25 train" in output
    ids = written.read_text().split()
    (root / "celeba" / "25_ids.txt").write_text("\n".join(ids[:4]))
    again = tmp_path / "again.txt"
    run("data", "subset", "celeba-25", "--data-root", root, "--out", again)
    assert again.read_text().split() == ids[:4]


def test_prepare(root, tmp_path, monkeypatch):
    monkeypatch.delenv("GCDP_CACHE")
    output = run("data", "prepare", "celeba-25", "--data-root", root).output
    assert "celeba-25: 18 files made" in output
    folder = root / "celeba" / "CelebAMask-HQ-mask-anno" / "preprocessed"
    assert len(list(folder.iterdir())) == 18
    output = run("data", "prepare", "celeba-100", "--data-root", root).output
    assert "celeba-100: 28 files made" in output
    cache = tmp_path / "cache"
    shutil.rmtree(folder)
    output = run("data", "prepare", "celeba-25", "--data-root", root, "--cache", cache).output
    assert f"GCDP_CACHE={cache}" in output
    assert len(list((cache / "celeba-layouts").glob("*/*.png"))) == 18 and not folder.exists()
    assert "nothing to prepare" in fails("data", "prepare", "cityscapes")


class TestTraining:
    """A broken item stops training with its name, unless it is in quarantine."""

    @pytest.fixture
    def data(self, toy, tmp_path):
        data = shutil.copytree(toy.data, tmp_path / "mine")
        (data / "train" / "images" / "000.png").write_bytes(b"torn")
        return data

    def train(self, data, out, *more):
        return [
            "train",
            "segmenter",
            "--dataset",
            data,
            "--out",
            out,
            "--set",
            "steps=3",
            "--set",
            "batch_size=2",
            *more,
        ]

    def test_stops_with_the_name_of_the_image(self, data, tmp_path):
        for part in ("val", "test"):  # whose first image gives the size
            assert (data / part / "images" / "000.png").exists()
        output = fails(*self.train(data, tmp_path / "run"))
        assert "train/images/000.png: expected a readable image" in output
        assert not (tmp_path / "run" / "model.safetensors").exists()

    def test_goes_on_without_items_that_are_excluded(self, data, tmp_path):
        (data / "val" / "layouts" / "001.png").unlink()
        exclude = tmp_path / "q.jsonl"
        fails("data", "check", data, "--faulty", exclude)
        result = run(*self.train(data, tmp_path / "run", "--exclude", exclude))
        assert result.exit_code == 0, result.output
        assert (tmp_path / "run" / "model.safetensors").exists()

    def test_what_was_left_out_is_written_beside_the_weights(self, data, tmp_path):
        exclude, plain = tmp_path / "q.jsonl", tmp_path / "plain"
        torn, good = (data / "train" / "images" / name for name in ("000.png", "001.png"))
        torn.write_bytes(bytes(good.stat().st_size))  # the sizes of files tell datasets apart
        fails("data", "check", data, "--faulty", exclude)
        arguments = self.train(data, tmp_path / "run", "--exclude", exclude)
        assert run(*arguments).exit_code == 0
        left_out = read_json(tmp_path / "run" / "config.json")["left_out"]
        assert {split: entry["num"] for split, entry in left_out.items()} == {"train": 1, "val": 0}
        assert left_out["train"]["ids"] == digest(["000"])
        exclude.write_text("")
        shutil.copy(good, torn)
        output = fails(*arguments, "--resume")
        assert "differing: left_out.train.ids, left_out.train.num;" in output
        assert run(*self.train(data, plain)).exit_code == 0
        assert "left_out" not in read_json(plain / "config.json")

    def test_a_list_that_is_not_there_or_fits_no_files(self, data, tmp_path):
        output = fails(*self.train(data, tmp_path / "run", "--exclude", tmp_path / "none"))
        assert "write one with `gcdp-bench data check" in output
        (tmp_path / "q.jsonl").write_text("")
        output = fails(
            "train",
            "segmenter",
            "--dataset",
            "synth-city-25",
            "--exclude",
            tmp_path / "q.jsonl",
            "--dry-run",
        )
        assert "it is drawn when read" in output


def test_an_evil_pickle_is_a_fault(root):
    path = root / "celeba" / "train" / "filenames.pickle"
    path.write_bytes(pickle.dumps([print]))
    output = fails("data", "check", "celeba-100", "--data-root", root)
    assert "it asks for builtins.print, which is not run" in output
    assert "1 fault: no item could be listed" in output

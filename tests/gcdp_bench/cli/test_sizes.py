"""Every command says at which size images are used, and rows record how they came to it."""

import shutil

import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from gcdp_bench.cli import main
from gcdp_bench.core.config import read_json, write_json
from gcdp_bench.datasets.folder import Folder
from gcdp_bench.datasets.folder_writer import FolderWriter
from gcdp_bench.results.table import read_rows
from tests.gcdp_bench.analysis.test_variants import ablated
from tests.toy import NAMES

FAST = ["--steps", "2", "--sr-steps", "2"]


def run(*arguments, code=0):
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == code and "Traceback" not in result.output, result.output
    return result


def scaled(toy, path, size):
    """The toy's images at `size`."""
    for split in ("train", "val", "test"):
        real = Folder(toy.data, split, image_size=size, resize="stretch")
        writer = FolderWriter(path / split, class_names=NAMES, dataset="stripes", split=split)
        for triplet in (real[index] for index in range(len(real))):
            writer.write(triplet.id, triplet.image, triplet.layout, triplet.caption)
    return path


SLOW = ("memorisation", "features", "outpainting", "schedules")


@pytest.mark.parametrize(
    "verb",
    ["sweep", "sample", "score", *(pytest.param(verb, marks=pytest.mark.slow) for verb in SLOW)],
)
def test_images_of_another_size(toy, tmp_path, verb):
    reference = ["--weights", f"reference={toy.reference}"]
    models = [*reference, "--weights", f"imagen={toy.imagen}"]
    extractors = toy.extractors()
    arguments = {
        "sweep": [
            "sweep",
            "--results",
            "r",
            "--guidance",
            1,
            "--num-samples",
            4,
            *FAST,
            *models,
            *extractors,
        ],
        "sample": ["sample", "reference", "--out", "s", "--num-samples", 2, *FAST, *reference],
        "score": ["evaluate", toy.data / "test", *extractors],
        "memorisation": ["memorisation", toy.data / "test", "--out", "m", *extractors],
        "features": [
            "analyze",
            "features",
            *models,
            "--num-images",
            4,
            "--clusters",
            2,
            "--timesteps",
            30,
            "--steps",
            2,
            "--out",
            "f",
        ],
        "outpainting": [
            "analyze",
            "outpainting",
            "--num-samples",
            2,
            *FAST,
            *reference,
            *extractors,
            "--image-resampling",
            1,
            "--out",
            "o",
        ],
        "schedules": [
            "analyze",
            "schedules",
            toy.reference,
            ablated(toy.reference, tmp_path / "linear", name="linear"),
            *FAST,
            "--num-samples",
            2,
            *extractors,
            "--out",
            "o",
        ],
    }[verb]
    line = "stripes: your images of 32x32 (height x width) are used at 16x16\n"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        larger = scaled(toy, tmp_path / "larger" / "stripes", (32, 32))
        assert run(*arguments, "--dataset", larger).stderr.count(line) == 1


def test_nothing_is_said_of_images_that_have_the_size(toy):
    result = run("evaluate", toy.data / "test", "--dataset", toy.data, *toy.extractors())
    assert "are used at" not in result.output


@pytest.mark.parametrize(
    ("width", "given", "recorded"),
    [
        (33, None, "crop"),
        pytest.param(32, None, "none", marks=pytest.mark.slow),
        pytest.param(32, "stretch", "stretch", marks=pytest.mark.slow),
        pytest.param(64, "pad", "pad", marks=pytest.mark.slow),
    ],
)
def test_rows_of_a_sweep_record_the_resize(toy, tmp_path, width, given, recorded):
    data = scaled(toy, tmp_path / "stripes", (32, width))
    model = shutil.copytree(toy.reference, tmp_path / "model")
    for config in model.glob("*/config.json"):
        write_json(config, read_json(config) | {"resize": recorded})
    options = [] if given is None else ["--resize", given]
    arguments = [
        "sweep",
        "--dataset",
        data,
        "--models",
        "reference",
        "--weights",
        f"reference={model}",
        "--results",
        tmp_path / "r",
        "--guidance",
        1,
        "--num-samples",
        4,
        *FAST,
        *toy.extractors(),
    ]
    run(*arguments, *options)
    assert set(read_rows(tmp_path / "r")["resize"]) == {recorded}
    if given == "pad":
        output = run(*arguments, "--resize", "stretch", code=1).output
        assert "was trained with --resize pad, stripes is used with --resize stretch" in output


def test_outpaint_says_what_it_crops(toy, tmp_path):
    images = tmp_path / "images"
    images.mkdir()
    for name, size in (("a", (16, 16)), ("b", (32, 32)), ("c", (40, 32)), ("d", (32, 33))):
        Image.new("RGB", size, (90, 120, 200)).save(images / f"{name}.png")
    arguments = [
        "outpaint",
        "--dataset",
        toy.data,
        "--weights",
        toy.reference,
        *FAST,
        "--image",
        images,
        "--caption",
        "a sky",
    ]
    for way, done in (
        ((), "cropped"),
        (("--resize", "pad"), "padded"),
        (("--resize", "stretch"), "stretched"),
    ):
        result = run(*arguments, *way, "--out", tmp_path / done)
        line = f"2 of 4 files are {done} to the shape of 16x16, by up to 20.0 %\n"
        assert line in result.output
    drawn = {way: Folder(tmp_path / way) for way in ("cropped", "padded", "stretched")}
    assert not torch.equal(drawn["cropped"][2].image, drawn["padded"][2].image)
    for name in "cd":
        (images / f"{name}.png").unlink()
    assert "shape of" not in run(*arguments, "--out", tmp_path / "whole").output


def test_two_shapes_in_one_folder_need_a_choice(toy, tmp_path):
    data = scaled(toy, tmp_path / "stripes", (16, 16))
    wide = scaled(toy, tmp_path / "wide", (16, 64))
    for part in ("images", "layouts"):
        shutil.copy(wide / "train" / part / "003.png", data / "train" / part / "003.png")
    message = (
        "expected images of about the shape of 64x64, 1 of 6 have another (003 is 16x64); pass "
        "--resize crop, --resize pad (black bars) or --resize stretch, or leave them out with "
        "--exclude"
    )
    train = [
        "train",
        "segmenter",
        "--dataset",
        data,
        "--preset",
        "tiny",
        "--set",
        "steps=1",
        "--set",
        "batch_size=2",
        "--out",
        tmp_path / "out",
    ]
    assert message.partition(" 1 of")[2] in run(*train, code=1).output
    assert not (tmp_path / "out").exists()
    run(*train, "--resize", "pad", "--size", "16x16")
    assert read_json(tmp_path / "out" / "config.json")["resize"] == "pad"


def test_class_shares_of_two_shapes_are_measured_at_full_size(toy, tmp_path):
    data = shutil.copytree(toy.data, tmp_path / "mixed")
    for kind in ("images", "layouts"):
        path = data / "train" / kind / "000.png"
        with Image.open(path) as picture:
            picture.resize((16, 64), Image.Resampling.NEAREST).save(path)
    assert "(ignored)" in run("data", "stats", data).stdout


def test_splits_of_different_shapes_are_a_fault(toy, tmp_path):
    data = scaled(toy, tmp_path / "stripes", (16, 16))
    assert "no fault" in run("data", "check", data).output
    for split, size in (("val", (32, 32)), ("test", (16, 64))):
        shutil.rmtree(data / split)
        shutil.copytree(scaled(toy, tmp_path / split, size) / split, data / split)
    result = run("data", "check", data, code=1)
    told = " ".join(result.output.split())
    assert (
        "images of one shape in all splits, got train 16x16, val 32x32, test 16x64; pass "
        "--resize crop" in told
    )
    assert "1 fault in 21 items" in told

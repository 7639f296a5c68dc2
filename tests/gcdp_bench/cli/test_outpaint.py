"""The verb on files of a dataset, with a toy cascade."""

import torch
from click.testing import CliRunner

from gcdp_bench.cli import main
from gcdp_bench.datasets.folder import Folder

FAST = ("--steps", 2, "--sr-steps", 2)


def run(toy, *arguments, model="reference"):
    weights = getattr(toy, model)
    return CliRunner().invoke(
        main,
        [
            "outpaint",
            "--dataset",
            str(toy.data),
            "--model",
            model,
            "--weights",
            str(weights),
            *map(str, FAST),
            *map(str, arguments),
        ],
    )


def test_a_folder_of_layouts_and_a_single_image(toy, tmp_path):
    test = toy.data / "test"
    result = run(
        toy,
        "--layout",
        test / "layouts",
        "--captions",
        test / "captions.jsonl",
        "--out",
        tmp_path / "a",
    )
    assert result.exit_code == 0, result.output
    assert f"12 pairs in {tmp_path / 'a'}, resampling steps n = 5; look at" in result.output
    drawn, real = Folder(tmp_path / "a"), Folder(test)
    assert torch.equal(drawn[3].layout, real[3].layout)
    assert drawn[3].caption == real[3].caption
    result = run(
        toy, "--image", test / "images" / "003.png", "--caption", "a sky", "--out", tmp_path / "b"
    )
    assert "1 pair in" in result.output and "steps n = 1" in result.output
    assert torch.equal(Folder(tmp_path / "b")[0].image, real[3].image)


def test_mistakes(toy, tmp_path):
    test, out = toy.data / "test", ("--out", tmp_path / "out")
    image = ("--image", test / "images" / "003.png")
    layout = ("--layout", test / "layouts" / "003.png")
    for arguments, code, message in (
        ((*image, *out), 2, "expected either --caption or --captions"),
        ((*image, "--caption", "a", "--captions", test / "captions.jsonl", *out), 2, "either"),
        (("--caption", "a", *out), 2, "expected a layout or an image to start from"),
        ((*image, *layout, "--caption", "a", *out), 2, "nothing is left to draw; give a mask"),
        ((*image, "--caption", "a", "--resampling", 0, *out), 2, "--resampling"),
        ((*image, "--caption", "a", "--guidance", -1, *out), 1, "guidance scale: expected"),
        (("--image", tmp_path / "no.png", "--caption", "a", *out), 1, "no.png: expected an image"),
    ):
        result = run(toy, *arguments)
        assert result.exit_code == code and message in result.output, result.output
    result = run(toy, *image, "--caption", "a", *out, model="imagen")
    assert result.exit_code == 1 and "outpainting needs a model" in result.output
    assert not (tmp_path / "out").exists()

"""The size that `train` chooses passes every network; what does not pass is refused in time."""

import json
from dataclasses import replace

import pytest
import torch
from click.testing import CliRunner

from baselines.gansformer.config import tiny_config as gansformer_config
from baselines.gansformer.discriminator import Discriminator
from baselines.gansformer.generator_network import GansformerGenerator
from baselines.lafite.config import tiny_config as lafite_config
from baselines.lafite.generator_network import LafiteGenerator
from gcdp_bench.cli import main
from gcdp_bench.datasets.folder import Folder
from gcdp_bench.datasets.folder_writer import FolderWriter
from gcdp_bench.datasets.framing import fits
from gcdp_bench.datasets.sizes import SizeChoice, choose_size
from gcdp_bench.generators.training_sizes import _size_checks
from gcdp_bench.train import Request, plan, resolve
from reference_model.presets import PRESETS, SIZES

SHAPES = [(333, 500), (3, 4), (9, 16), (4, 5), (3, 2), (1, 1), (1, 2), (1, 4), (4, 1), (9, 21)]


def folder(path, *sizes):
    for split in ("train", "val", "test"):
        writer = FolderWriter(
            path / split, class_names=("sky", "road"), dataset="photos", split=split
        )
        for index, (height, width) in enumerate(sizes):
            layout = torch.zeros(height, width, dtype=torch.uint8)
            layout[height // 2 :] = 1
            writer.write(f"{index}", layout[None].repeat(3, 1, 1) * 90, layout, "a sky and a road")
    return str(path)


@pytest.mark.parametrize("native", SHAPES)
@pytest.mark.parametrize("group", SIZES)
def test_the_size_of_a_preset_passes_every_network(group, native):
    checks = _size_checks(group)
    size = choose_size(native, SIZES[group].width, checks)
    for check in checks.values():
        check(size)
    assert max(size) <= SIZES[group].width
    if group in ("tiny", "paper-cityscapes"):
        assert fits(native, size) or native == (9, 21)


@pytest.mark.parametrize("native", SHAPES)
def test_networks_whose_start_is_no_power_of_two_draw_the_size(native):
    size = choose_size(native, 128, _size_checks("tiny"))
    with torch.device("meta"):
        config = gansformer_config(size)
        drawn = [GansformerGenerator(config), Discriminator(config)]
        lafite = lafite_config(size, text_dim=64)
        drawn.append(LafiteGenerator(lafite))
    assert len(drawn) == 3 and config.level_sizes[-1] == lafite.level_sizes[-1] == size


@pytest.mark.parametrize(
    ("model", "stage"),
    [
        ("reference", "base"),
        ("reference", "sr"),
        ("imagen", "base"),
        ("segmenter", None),
        ("clip", None),
        ("lafite-clip", None),
        ("gansformer", None),
        ("autoencoder", None),
        ("ddpm", None),
        ("palette-layouts", None),
    ],
)
def test_all_networks_are_planned_at_one_size(tmp_path, model, stage):
    data = folder(tmp_path / "photos", (33, 50))
    found = plan(Request(model=model, dataset=data, stage=stage, assignments=("steps=1",)))
    shown = "32x48" if model == "lafite-clip" else "64x96"
    assert f"your images of 33x50 (height x width) are used at {shown}" in found.images
    assert found.source.resize in ("none", "crop")


def test_mixed_shapes_need_a_choice_which_is_recorded(tmp_path):
    data = folder(tmp_path / "photos", (32, 32), (32, 64), (32, 32))
    request = Request(model="segmenter", dataset=data, assignments=("steps=1",))
    with pytest.raises(ValueError, match=r"1 of 3 have another \(1 is 32x64\); pass --resize crop"):
        plan(request)
    for resize in ("crop", "pad", "stretch"):
        assert plan(replace(request, resize=resize)).source.resize == resize


def test_a_dry_run_refuses_what_the_training_refuses(tmp_path):
    data = folder(tmp_path / "photos", (32, 48), (48, 32), (32, 56), (32, 48))
    for model, stage in (("reference", "base"), ("segmenter", None), ("lafite", None)):
        request = Request(model=model, dataset=data, stage=stage, assignments=("steps=1",))
        with pytest.raises(ValueError, match="have another") as dry:
            resolve(request)
        if model != "lafite":  # which is built on another network
            with pytest.raises(ValueError) as real:
                plan(request)
            assert str(dry.value) == str(real.value)
        assert resolve(replace(request, resize="pad")).settings
    exclude = tmp_path / "faults.jsonl"
    lines = [f'{{"split": "{s}", "id": "{i}"}}\n' for s in ("train", "val") for i in (1, 2)]
    exclude.write_text("".join(lines))
    left = Request(model="segmenter", dataset=data, exclude=exclude)
    assert resolve(left).settings
    with pytest.raises(ValueError, match="cityscapes: expected about the shape of 64x64"):
        resolve(Request(model="segmenter", dataset="cityscapes", size=SizeChoice(size=(64, 64))))


def test_the_dry_run_of_a_sweep_refuses_them_too(tmp_path):
    data = folder(tmp_path / "photos", (32, 48), (48, 32))
    result = CliRunner().invoke(main, ["sweep", "--dataset", data, "--dry-run"])
    assert result.exit_code == 1 and "1 of 2 have another" in result.output
    result = CliRunner().invoke(main, ["sweep", "--dataset", data, "--dry-run", "--resize", "pad"])
    assert result.exit_code == 0, result.output


def test_a_size_is_taken_where_the_network_passes_it(tmp_path):
    data = folder(tmp_path / "photos", (32, 64))
    request = Request(model="reference", dataset=data, stage="base")
    given = plan(replace(request, size=SizeChoice(size=(32, 64))))
    assert given.settings.config.image_size == (16, 32)
    narrow = plan(replace(request, size=SizeChoice(width=96)))
    assert narrow.settings.config.image_size == (24, 48)
    with pytest.raises(ValueError, match="--size: reference: expected sides that are multiples of"):
        plan(replace(request, size=SizeChoice(size=(30, 64))))
    with pytest.raises(ValueError, match="pass --resize crop"):
        plan(replace(request, size=SizeChoice(size=(64, 64))))
    with pytest.raises(ValueError, match="image_size: expected sides that are multiples of 8"):
        plan(replace(request, assignments=("stage.image_size=[21,64]",)))


def test_the_command_says_the_size_and_a_larger_preset(tmp_path):
    data = folder(tmp_path / "photos", (256, 256))
    result = CliRunner().invoke(
        main, ["train", "reference", "--stage", "base", "--dataset", data, "--dry-run"]
    )
    assert result.exit_code == 0, result.output
    assert (
        "your images of 256x256 (height x width) are used at 128x128; --preset small uses 256x256"
        in result.stderr
    )
    assert json.loads(result.stdout)["stage"]["image_size"] == [64, 64]
    assert all(hasattr(preset, "check_size") for preset in PRESETS.values())


def test_the_larger_preset_is_said_at_the_size_that_it_gives(tmp_path):
    request = Request(model="reference", stage="base", dataset=folder(tmp_path / "a", (178, 267)))
    assert resolve(request).notes[0].endswith("used at 64x96; --preset small uses 128x192")


def test_a_check_reports_other_shapes(tmp_path):
    few = folder(tmp_path / "few", *[(32, 32)] * 11, (32, 64))
    found = {name: faults for name, faults in Folder(tmp_path / "few", strict=False).inspect()}
    assert "of which a crop would cut off 50 %" in found["11"][0].problem and not found["0"]
    assert few
    folder(tmp_path / "many", (32, 32), (32, 64))
    faults = dict(Folder(tmp_path / "many", strict=False).inspect())["*"]
    assert "expected images of one shape, got 2 sizes" in faults[0].problem

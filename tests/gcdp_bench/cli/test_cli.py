"""The command line at work: sample and evaluate, sweep and report, train."""

import json
import re
import shutil
from pathlib import Path

import pandas as pd
import torch
from click.testing import CliRunner

from gcdp_bench.cli import main
from gcdp_bench.datasets.folder import Folder
from gcdp_bench.datasets.folder_writer import FolderWriter
from gcdp_bench.results.table import merge_rows, read_rows

FAST = ["--steps", "3", "--sr-steps", "2"]


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def fails(*arguments, code=1):
    result = run(*arguments)
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result.output


def sweep(toy, results, *more):
    """What the fixture `swept` did, as a command."""
    return [
        "sweep",
        "--dataset",
        toy.data,
        "--results",
        results,
        "--guidance",
        "1,3",
        "--seeds",
        "0,1",
        "--num-samples",
        "4",
        "--steps",
        "2",
        "--sr-steps",
        "2",
        *toy.extractors(),
        "--weights",
        f"reference={toy.reference}",
        "--weights",
        f"imagen={toy.imagen}",
        *more,
    ]


def test_sample_then_evaluate_needs_no_model(toy, tmp_path):
    out = tmp_path / "samples"
    result = run(
        "sample",
        "reference",
        "--dataset",
        toy.data,
        "--out",
        out,
        "--num-samples",
        4,
        "--weights",
        toy.reference,
        *FAST,
    )
    assert result.exit_code == 0, result.output
    assert "gcdp-bench evaluate" in result.output
    assert len(Folder(out)) == 4
    table = tmp_path / "scores.csv"
    result = run("evaluate", out, "--dataset", toy.data, "--out", table, *toy.extractors())
    assert result.exit_code == 0, result.output
    for metric in ("semantic_recall", "semantic_precision", "miou", "fsd_generated", "clip-x100"):
        assert metric in result.output
    assert "0 of 4 captions name no class" in result.output
    assert "semantic_recall,car" in table.read_text()
    of_samples = tmp_path / "scores.per_sample.parquet"
    assert len(pd.read_parquet(of_samples)) == 4
    values = pd.read_csv(table).set_index(["metric", "class"])["value"]
    recall, clip = values["semantic_recall", "all"], values["clip-x100"].iloc[0]
    assert 0 < recall <= 1
    lines = {line.split()[0]: line.split()[1:3] for line in result.output.splitlines() if line}
    assert lines["semantic_recall"] == [f"{100 * recall:.2f}", "%"]
    assert lines["clip-x100"][0] == f"{clip:.4f}"
    assert set(pd.read_csv(table)["reading"]) == {"usual"}
    before = of_samples.read_bytes()
    result = run(
        "evaluate", out, "--dataset", toy.data, "--out", tmp_path / "again.csv", *toy.extractors()
    )
    assert result.exit_code == 0, result.output
    assert of_samples.read_bytes() == before
    assert len(pd.read_parquet(tmp_path / "again.per_sample.parquet")) == 4


def test_sweep_then_report(toy, swept, undrawn, tmp_path):
    before = read_rows(shutil.copytree(swept, tmp_path / "r"))
    result = run(*sweep(toy, tmp_path / "r"))
    assert result.exit_code == 0, result.output
    assert "real-own" in result.output and "gcdp-bench report" in result.output
    result = run("report", tmp_path / "r")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "r" / "report.html").exists()
    assert len(read_rows(tmp_path / "r")) == len(before)
    point = f"{tmp_path / 'r'}:reference@3"
    result = run("compare", point, point, "--out", tmp_path / "differences.csv")
    assert result.exit_code == 0, result.output
    assert "ALARM: " in result.output
    table = pd.read_csv(tmp_path / "differences.csv")
    assert (table["difference"].abs() < 1e-9).all() and "win" not in set(table["verdict"])
    assert "the parameter's value, after '@'" in fails("compare", f"{point}x", point, code=2)
    assert "there: stripes imagen @ 1" in fails("compare", f"{tmp_path / 'r'}:ldm", point)
    rows = read_rows(tmp_path / "r")
    other = rows[rows["model"] == "imagen"].assign(resizer="bicubic", config_hash="o", seed=9)
    merge_rows(tmp_path / "r", other)
    assert "rows differ in resizer" in fails("report", tmp_path / "r", code=2)


def test_train_dry_run_prints_the_resolved_configuration(toy):
    result = run(
        "train",
        "reference",
        "--dataset",
        "synth-city-25",
        "--stage",
        "base",
        "--dry-run",
        "--set",
        "steps=7",
        "--set",
        "stage.unet.dim=16",
    )
    assert result.exit_code == 0, result.output
    config = json.loads(result.output)
    assert config["training"]["steps"] == 7 and config["stage"]["unet"]["dim"] == 16
    assert config["stage"]["unet"]["num_classes"] == 20


def test_train_a_stage_and_continue_it(toy, tmp_path):
    arguments = [
        "train",
        "reference",
        "--dataset",
        toy.data,
        "--stage",
        "base",
        "--out",
        tmp_path / "base",
        "--set",
        "stage.unet.dim=8",
        "--set",
        "batch_size=2",
        "--set",
        "checkpoint_every=1",
        "--set",
        "stage.image_size=[8,8]",
        "--set",
        "validate_every=9",
        "--set",
        "preview_every=9",
    ]
    result = run(*arguments, "--set", "steps=1")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "base" / "model.safetensors").exists()
    assert "0 of 6 captions name no class" in result.output
    assert "continue it with --resume" in fails(*arguments, "--set", "steps=2")
    result = run(*arguments, "--set", "steps=2", "--resume")
    assert result.exit_code == 0, result.output
    weights = (tmp_path / "base" / "model.safetensors").stat().st_mtime_ns
    result = run(*arguments, "--set", "steps=2", "--if-needed")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "base" / "model.safetensors").stat().st_mtime_ns == weights
    assert (tmp_path / "base" / "checkpoints" / "step-00000002").is_dir()
    other = [*arguments, "--set", "steps=3", "--resume", "--set", "learning_rate=0.1"]
    assert "another configuration; differing: training.learning_rate" in fails(*other)


def test_a_loss_that_explodes_names_the_images(toy, tmp_path):
    """Weights of 1e30 after the first step; the batch is the toy's six images in another order."""
    output = fails(
        "train",
        "reference",
        "--dataset",
        toy.data,
        "--stage",
        "base",
        "--out",
        tmp_path / "base",
        "--set",
        "stage.unet.dim=8",
        "--set",
        "batch_size=6",
        "--set",
        "stage.image_size=[8,8]",
        "--set",
        "warmup_steps=0",
        "--set",
        "steps=3",
        "--set",
        "learning_rate=1e30",
    )
    assert "diverged at step 2" in output and "last good checkpoint is none" in output
    named = output.partition("ids of the batch's items: ")[2].strip().split(", ")
    assert sorted(named) == [f"{index:03d}" for index in range(6)]


def test_samples_of_another_size_are_evaluated_when_resize_says_how(toy, tmp_path):
    samples, size = tmp_path / "samples", Folder(Path(toy.data), "test").image_size
    names = Folder(Path(toy.data), "test").class_names
    writer = FolderWriter(samples, class_names=names, dataset="toy", split="test")
    for index in range(3):
        image = torch.full((3, size[0], 2 * size[1]), 60 * index, dtype=torch.uint8)
        writer.write(str(index), image, image[0] // 255, "a car")
    shown = f"its images are {size[0]}x{2 * size[1]}, but .* evaluates images of"
    result = run("evaluate", samples, "--dataset", toy.data, *toy.extractors())
    assert result.exit_code == 1 and re.search(shown, result.output), result.output
    assert f"--size {size[0]}x{2 * size[1]}" in result.output
    table = tmp_path / "scores.csv"
    result = run(
        "evaluate",
        samples,
        "--dataset",
        toy.data,
        "--resize",
        "pad",
        "--out",
        table,
        *toy.extractors(),
    )
    assert result.exit_code == 0, result.output
    assert set(pd.read_csv(table)["resize"]) == {"pad"}

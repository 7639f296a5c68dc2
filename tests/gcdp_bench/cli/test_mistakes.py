"""Mistakes on the command line: what the message says."""

import re

import torch

from gcdp_bench.core.images import write_layout
from tests.gcdp_bench.cli.test_cli import fails, sweep


class TestMistakes:
    def test_unknown_names(self):
        assert "Did you mean 'sweep'?" in fails("sweeep", code=2)
        assert "No such option '--gidance'" in fails(
            "sweep", "--dataset", "camvid", "--gidance", 2, code=2
        )
        assert "did you mean 'synth-city-25'" in fails("sweep", "--dataset", "synth-cty-25")
        assert "gansformer: expected generators that read captions" in fails(
            "sweep", "--dataset", "synth-city-25", "--models", "gansformer"
        )
        assert "unknown model to train 'refrence'" in fails(
            "train", "refrence", "--dataset", "camvid"
        )
        assert "unknown preset 'huge'; known: tiny" in fails(
            "train", "reference", "--dataset", "synth-city-25", "--preset", "huge"
        )
        assert "did you mean 'learning_rate'" in fails(
            "train", "reference", "--dataset", "synth-city-25", "--set", "learing_rate=1"
        )

    def test_values_outside_their_range(self, toy, tmp_path):
        assert "guidance scale: expected a finite value of at least 0, got -1" in fails(
            *sweep(toy, tmp_path / "r", "--guidance", "-1")
        )
        assert "expected comma-separated values, got 'a,b'" in fails(
            *sweep(toy, tmp_path / "r", "--guidance", "a,b"), code=2
        )
        assert "expected different values" in fails(
            *sweep(toy, tmp_path / "r", "--seeds", "1,1"), code=2
        )
        assert "steps: expected at least 1, got 0" in fails(
            *sweep(toy, tmp_path / "r", "--steps", "0")
        )
        for option in ("--sr-steps", "--cpus-per-task"):
            assert f"Invalid value for '{option}': 0" in fails(
                *sweep(toy, tmp_path / "r", "--cluster", "local", option, "0"), code=2
            )
        assert not (tmp_path / "r").exists()

    def test_devices(self, toy, tmp_path):
        """Of every command with the option, by name before anything is read."""
        lacking = f"cuda:{torch.cuda.device_count()}"
        folder, data = ["--dataset", toy.data], toy.data / "test"
        commands = {
            tuple(sweep(toy, tmp_path / "r")): (),
            ("evaluate", data): (*folder, *toy.extractors()),
            ("memorisation", data): (*folder, *toy.extractors()),
            ("doctor",): (),
            ("doctor", "--for", toy.data): (),
            ("sample", "reference"): (*folder, "--weights", toy.reference, "--out", tmp_path / "s"),
            ("outpaint",): (
                *folder,
                *("--image", toy.data / "test" / "images", "--caption", "c"),
                *("--weights", toy.reference, "--out", tmp_path / "o"),
            ),
            ("analyze", "outpainting"): (*folder, "--weights", toy.reference, *toy.extractors()),
            ("analyze", "schedules", toy.reference): (*folder, *toy.extractors()),
        }
        for command, options in commands.items():
            for name, message in (
                ("cudaa", "device: expected cpu, cuda, mps, xpu, or one of several"),
                (lacking, "device: expected one of this machine's devices"),
            ):
                assert message in fails(*command, *options, "--device", name), command

    def test_missing_data(self, monkeypatch, tmp_path):
        monkeypatch.delenv("GCDP_DATA", raising=False)
        monkeypatch.chdir(tmp_path)
        for arguments in (["train", "segmenter"], ["train", "reference", "--stage", "base"]):
            assert "pass --data-root FOLDER" in fails(*arguments, "--dataset", "camvid")

    def test_missing_standard_weights(self, toy, tmp_path):
        output = fails(*sweep(toy, tmp_path / "r", "--extractors", "standard"))
        assert "inception-v3: expected a weights file" in output
        assert "gcdp-bench weights add clip-vit-l-14-336 PATH" in output

    def test_an_untrained_model(self, monkeypatch, tmp_path, toy):
        monkeypatch.chdir(tmp_path)
        output = fails("sample", "imagen", "--dataset", "camvid", "--out", tmp_path / "s")
        assert "train it with `gcdp-bench train imagen --dataset camvid`" in output

    def test_a_model_of_another_dataset(self, toy, tmp_path):
        output = fails(
            "sweep",
            "--dataset",
            "synth-city-25",
            "--results",
            tmp_path / "r",
            *toy.extractors(),
            "--models",
            "reference",
            "--weights",
            f"reference={toy.reference}",
        )
        assert "it was trained on stripes, not on synth-city-25" in output

    def test_unwritable_output(self, toy, tmp_path):
        (tmp_path / "file").write_text("in the way")
        place = tmp_path / "file" / "r"
        sample = [
            "sample",
            "reference",
            "--dataset",
            toy.data,
            "--weights",
            toy.reference,
            "--num-samples",
            4,
        ]
        for arguments in (sweep(toy, place), [*sample, "--out", place]):
            output = fails(*arguments)
            assert f"{place}: expected a folder that can be written" in output
            assert not re.search(r"\bimages?\b", output)  # nothing was read or sampled before

    def test_a_broken_layout_in_the_samples(self, toy, tmp_path):
        import shutil

        shutil.copytree(toy.data / "test", tmp_path / "s")
        write_layout(
            tmp_path / "s" / "layouts" / "002.png", torch.full((16, 16), 9, dtype=torch.uint8)
        )
        output = fails("evaluate", tmp_path / "s", "--dataset", toy.data, *toy.extractors())
        assert "layout has class 9, expected 0 to 2 or 255" in output

    def test_no_results(self, tmp_path):
        assert "run `gcdp-bench sweep` first" in fails("report", tmp_path)

    def test_stages_of_an_extractor(self):
        output = fails("train", "clip", "--dataset", "camvid", "--stage", "sr", code=2)
        assert "clip has no stages" in output

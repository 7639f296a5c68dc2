"""The report tells what is there, and outlives what is broken."""

import importlib
from importlib.metadata import version

import pytest
import torch
from click.testing import CliRunner

from gcdp_bench.cli import main
from gcdp_bench.core import plugins
from gcdp_bench.datasets.registry import DATASETS
from gcdp_bench.diagnostics import doctor
from gcdp_bench.diagnostics.doctor import findings
from gcdp_bench.diagnostics.doctor.findings import Line, dataset_lines, device_lines, library_lines
from gcdp_bench.diagnostics.doctor.tasks import task_lines
from gcdp_bench.extractors.registry import WEIGHTS, stored_path
from tests.gcdp_bench.datasets.trees import write_celeba
from tests.packages import install, install_broken, install_spread

SOUND = tuple(Line(module, True, "1.0") for module in findings.LIBRARIES)
PAPER = "train the reference model at presets paper-*"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("GCDP_WEIGHTS", str(tmp_path / "store"))
    monkeypatch.delenv("GCDP_DATA", raising=False)
    monkeypatch.chdir(tmp_path)  # without runs/


def break_import(monkeypatch, broken, error):
    real = importlib.import_module

    def fake(module, *rest):
        if module == broken:
            raise error
        return real(module, *rest)

    monkeypatch.setattr(findings.importlib, "import_module", fake)


def put(name):
    spec, path = WEIGHTS[name], stored_path(name)
    for file in [path / part for part in spec.files] if spec.is_folder else [path]:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()


def tasks(libraries=SOUND, datasets=()):
    return {line.name: line for line in task_lines(libraries, datasets)}


def test_versions_are_those_that_are_installed():
    lines = {line.name: line for line in library_lines()}
    assert lines["torch"].detail == version("torch") and lines["torch"].ok
    assert lines["PIL"].detail == version("pillow")


@pytest.mark.parametrize("error", [ImportError("no libGL"), OSError("bad"), RuntimeError("odd")])
def test_a_library_that_breaks_is_a_line(error, monkeypatch):
    break_import(monkeypatch, "cv2", error)
    result = CliRunner().invoke(main, ["doctor"])
    assert result.exit_code == 0, result.output
    assert f"{type(error).__name__}: {error}; fix: pip install" in result.output
    assert "opencv-python-headless" in result.output
    assert "what can be run" in result.output


def test_without_torch_every_section_is_there(monkeypatch):
    break_import(monkeypatch, "torch", ImportError("cannot open shared object"))

    def refuse():
        raise ImportError("cannot open shared object")

    monkeypatch.setattr(findings, "_torch_devices", refuse)
    sections = {section.title.partition(" (")[0]: section.lines for section in doctor.examine()}
    assert list(sections) == [
        "versions",
        "devices",
        "published weights",
        "datasets",
        "what can be run",
    ]
    (torch_line,) = (line for line in sections["devices"] if line.name == "torch")
    assert not torch_line.ok and "cannot open shared object" in torch_line.detail
    for line in sections["what can be run"]:
        if line.name.startswith(("train", "extractor")):
            assert not line.ok and "pip install --force-reinstall torch" in line.detail


def test_devices_are_those_of_torch(monkeypatch):
    lines = {line.name: line.detail for line in device_lines()}
    assert lines["torch threads"] == str(torch.get_num_threads())

    class Gpu:
        name, total_memory = "Card", 80 * 2**30

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: Gpu)
    lines = {line.name: line.detail for line in device_lines()}
    assert lines["cuda:0"] == lines["cuda:1"] == "Card, 80.0 GiB, bf16"


def test_datasets_are_opened_and_faults_are_lines(tmp_path):
    lines = {line.name: line for line in dataset_lines(None)}
    assert list(lines) == list(DATASETS)
    assert lines["synth-city-25"].ok and lines["synth-city-25"].detail.startswith("744 training")
    assert not lines["camvid"].ok and "--data-root" in lines["camvid"].detail
    lines = {line.name: line for line in dataset_lines(tmp_path)}
    assert not lines["camvid"].ok and str(tmp_path) in lines["camvid"].detail


def test_a_look_at_faces_writes_nothing(tmp_path):
    root = write_celeba(tmp_path / "celeba")
    (root / "CelebA-HQ-img" / "1990.jpg").unlink()  # for `data check` to find
    before = sorted(root.rglob("*"))
    lines = {line.name: line for line in dataset_lines(tmp_path)}
    assert lines["celeba-100"] == Line("celeba-100", True, lines["celeba-100"].detail)
    assert lines["celeba-100"].detail.startswith("38 training images; faces, 19 classes")
    assert sorted(root.rglob("*")) == before


def test_a_dataset_that_breaks_is_a_line(monkeypatch):
    def broken(name, data_root):
        raise ImportError(f"no reader for {name}")

    monkeypatch.setattr(findings, "available_dataset", broken)
    for line in dataset_lines(None):
        assert line == Line(line.name, False, f"ImportError: no reader for {line.name}")


@pytest.mark.parametrize("name", WEIGHTS)
def test_weights_turn_the_lines_that_need_them(name):
    before = {what for what, line in tasks().items() if name in line.detail}
    assert before, "some task needs it"
    assert all(f"gcdp-bench weights add {name}" in tasks()[what].detail for what in before)
    put(name)
    assert not any(name in line.detail for line in tasks().values())


def test_what_needs_two_weights_needs_both():
    what = "evaluate images by Inception-v3 and CLIP ViT-L/14-336"
    put("inception-v3")
    assert not tasks()[what].ok
    put("clip-vit-l-14-336")
    assert tasks()[what] == Line(what, True, "yes")


def test_the_paper_preset_needs_a_gpu_too(monkeypatch):
    put("t5-large")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert "CUDA device" in tasks()[PAPER].detail
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert tasks()[PAPER].ok


def test_pretrained_networks_run_and_others_name_their_command():
    lines = tasks(datasets=(Line("synth-city-25", True, ""), Line("camvid", True, "")))
    assert lines["evaluate synth-city by networks trained on it"].ok
    assert "synth-city-25" in lines["sample reference"].detail
    missing = lines["evaluate camvid by networks trained on it"].detail
    assert "gcdp-bench train segmenter --dataset camvid" in missing
    assert "gcdp-bench train clip --dataset camvid" in missing


def test_variants_of_captions_share_a_line_and_faces_have_one_for_attributes():
    names = ("cityscapes", "cityscapes-singular", "celeba-25", "celeba-100")
    lines = tasks(datasets=tuple(Line(name, True, "") for name in names))
    scored = [what for what in lines if what.endswith("by networks trained on it")]
    assert scored == [
        f"evaluate {name} by networks trained on it" for name in ("cityscapes", "celeba")
    ]
    (attributes,) = (what for what in lines if what.startswith("attribute recall"))
    assert attributes == "attribute recall on celeba"
    assert "gcdp-bench train attributes --dataset celeba-100" in lines[attributes].detail


def test_a_missing_dataset_is_a_need():
    lines = tasks(datasets=(Line("camvid", False, "gone"),))
    assert "--data-root FOLDER" in lines["evaluate camvid by networks trained on it"].detail


def test_metrics_of_packages_are_named_with_what_they_give_or_why_they_do_not(
    tmp_path, monkeypatch
):
    install_spread(tmp_path / "spread", monkeypatch)
    install_broken(tmp_path / "broken", monkeypatch, "theirs", package="broken-package")
    found = tasks()
    assert found["metric spread"] == Line("metric spread", True, "Spread of features")
    broken = found["metric theirs"]
    assert not broken.ok and "pip uninstall broken-package" in broken.detail


def test_a_dataset_of_a_package_that_cannot_be_used_is_blamed_itself(tmp_path, monkeypatch):
    install(
        tmp_path / "package",
        monkeypatch,
        group=plugins.DATASETS,
        entries={"wrong": "wrong_data:SPEC", "broken": "wrong_data:BROKEN"},
        module="wrong_data",
        code="from gcdp_bench.datasets.registry import DatasetSpec\nSPEC = 3\n"
        "BROKEN = DatasetSpec(summary='x', aspect=1.0, build=lambda split, size, root: 3)",
    )
    expected = {
        "wrong": "expected a gcdp_bench.datasets.registry.DatasetSpec, got 3",
        "broken": "expected a dataset, but int lacks name, split",
    }
    lines = tasks(datasets=dataset_lines(None))
    for name, text in expected.items():
        line = lines[f"evaluate {name} by networks trained on it"]
        assert not line.ok and text in line.detail and "ValueError" not in line.detail
        assert "data-root" not in line.detail and "gcdp-bench train" not in line.detail
    assert "needs a trained attribute classifier" in lines["attribute recall on celeba"].detail
    assert "needs celeba's files" in lines["evaluate celeba by networks trained on it"].detail

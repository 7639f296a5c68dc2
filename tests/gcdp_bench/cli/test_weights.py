"""`gcdp-bench weights` as a user meets it."""

import hashlib

import pytest
from click.testing import CliRunner

from gcdp_bench.cli import main
from gcdp_bench.extractors.registry import WEIGHTS, stored_path


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("GCDP_WEIGHTS", str(tmp_path / "store"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def t5(tmp_path):
    folder = tmp_path / "t5"
    folder.mkdir()
    for name in WEIGHTS["t5-large"].files:
        (folder / name).write_text(name)
    return folder


def run(*arguments, code=0):
    result = CliRunner().invoke(main, ["weights", *map(str, arguments)])
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result.output


def test_list_tells_everything_of_every_weight():
    output = run("list")
    for name, spec in WEIGHTS.items():
        for part in (
            f"{name}: missing",
            spec.purpose,
            spec.licence,
            spec.how,
            spec.sha256 or "",
            str(stored_path(name)),
            f"about {spec.about_mb} MB",
        ):
            assert part in output
    assert "pretrained" in output and "segmenter-synth-city" in output


def test_add_verify_change_verify(t5):
    output = run("add", "t5-large", t5)
    digest = hashlib.sha256(b"model.safetensors").hexdigest()
    assert f"{digest}  model.safetensors" in output and str(stored_path("t5-large")) in output
    assert f"added first as {digest}" in run("list")
    assert "as when it was first added" in run("verify")
    (stored_path("t5-large") / "config.json").write_text("changed")
    output = run("verify", "t5-large", code=1)
    assert "MISMATCH" in output and "config.json: expected SHA-256" in output


def test_verify_of_an_empty_store_says_so():
    assert "no weights in" in run("verify")
    assert "weights add t5-large" in run("verify", "t5-large", code=1)


def test_add_takes_a_path_or_the_network(t5):
    for arguments in (["add", "t5-large"], ["add", "t5-large", t5, "--download"]):
        assert "expected either PATH or --download" in run(*arguments, code=2)


def test_a_wrong_file_is_refused_in_one_line(tmp_path):
    (tmp_path / "wrong.pt").write_bytes(b"wrong")
    output = run("add", "clip-vit-l-14-336", tmp_path / "wrong.pt", code=1)
    assert WEIGHTS["clip-vit-l-14-336"].sha256 in output
    assert hashlib.sha256(b"wrong").hexdigest() in output
    assert not stored_path("clip-vit-l-14-336").exists()


def test_a_download_without_network_names_the_manual_way(monkeypatch):
    def fetch(spec, path):
        raise ConnectionError("no network")

    monkeypatch.setattr("gcdp_bench.extractors.download.fetch_from_owner", fetch)
    output = run("add", "inception-v3", "--download", code=1)
    assert "ConnectionError: no network" in output and "by hand: download https://" in output

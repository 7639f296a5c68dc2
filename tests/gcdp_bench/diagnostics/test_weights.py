"""Weights on this machine: published, pretrained, trained."""

import hashlib

from gcdp_bench.core.progress import Silent
from gcdp_bench.diagnostics.weights import published_weights, trained_weights
from gcdp_bench.extractors.registry import WEIGHTS, stored_path
from gcdp_bench.extractors.store import add_weights


def write_run(folder, content):
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(content)


def test_runs_and_pretrained_networks_with_their_digests(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_run(tmp_path / "runs" / "segmenter" / "mine", b"extractor")
    write_run(tmp_path / "runs" / "reference" / "mine" / "base", b"stage")
    (tmp_path / "runs" / "clip" / "broken").mkdir(parents=True)
    (tmp_path / "runs" / "clip" / "broken" / "model.safetensors").touch()  # no config.json
    write_run(tmp_path / "runs" / "ldm" / "mine" / "vae", b"part")
    last = tmp_path / "runs" / "ldm" / "mine" / "checkpoints" / "step-00000001"
    write_run(last, b"not a result")
    found = list(trained_weights())
    runs = {str(run.folder): run for run in found if run.origin == "run"}
    assert set(runs) == {"runs/ldm/mine/vae", "runs/reference/mine/base", "runs/segmenter/mine"}
    extractor = runs["runs/segmenter/mine"]
    assert extractor.digest == hashlib.sha256(b"extractor").hexdigest()[
        :12
    ] and extractor.num_bytes == len(b"extractor")
    pretrained = {run.folder.name for run in found if run.origin == "pretrained"}
    assert {"segmenter-synth-city", "clip-synth-city", "base", "sr"} <= pretrained


def test_published_weights_with_their_size_and_record(tmp_path, monkeypatch):
    monkeypatch.setenv("GCDP_WEIGHTS", str(tmp_path / "store"))
    assert not any(entry.present for entry in published_weights())
    source = tmp_path / "dino"
    source.mkdir()
    for name in WEIGHTS["dinov2-vit-l-14"].files:
        (source / name).write_text(name)
    add_weights("dinov2-vit-l-14", source, progress=Silent())
    (entry,) = (entry for entry in published_weights() if entry.present)
    assert entry.path == stored_path("dinov2-vit-l-14")
    assert entry.num_bytes == sum(map(len, WEIGHTS["dinov2-vit-l-14"].files))
    assert entry.recorded == hashlib.sha256(b"model.safetensors").hexdigest()

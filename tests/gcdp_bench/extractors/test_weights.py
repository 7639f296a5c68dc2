"""Where judges are looked for, and what is said when there is none."""

import pytest

from gcdp_bench.extractors.weights import family, find_judge


def test_subsets_share_their_judges():
    assert family("synth-city-25") == family("synth-city-100") == family("synth-city")
    assert family("cityscapes-singular") == family("cityscapes-manifest") == "cityscapes"
    assert family("camvid") == "camvid"
    assert family("data/my-city") == "my-city"


def test_a_missing_judge_names_the_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match="gcdp-bench train segmenter --dataset nowhere"):
        find_judge("segmenter", "nowhere", None)
    with pytest.raises(FileNotFoundError, match="looked in given"):
        find_judge("segmenter", "nowhere", tmp_path.__class__("given"))


def test_a_run_is_found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "runs" / "clip" / "toys"
    folder.mkdir(parents=True)
    for name in ("model.safetensors", "config.json"):
        (folder / name).touch()
    assert find_judge("clip", "toys-50", None).resolve() == folder

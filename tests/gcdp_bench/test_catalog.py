"""Names lead to code, and wrong names to the right ones."""

import pytest

from gcdp_bench.catalog import (
    DATASETS,
    GENERATORS,
    check_dataset,
    generator_folder,
    image_size_of,
    lookup,
    open_dataset,
)


def test_unknown_names_get_the_nearest():
    with pytest.raises(ValueError, match="unknown dataset .* 'synth-city-26'; did you mean"):
        check_dataset("synth-city-26")
    with pytest.raises(ValueError, match="unknown generator 'xyz'; known: reference, imagen"):
        lookup(GENERATORS, "xyz", "generator")


def test_sizes_follow_the_aspect(toy):
    assert image_size_of("synth-city-25", 128) == (64, 128)
    assert image_size_of("camvid", 128) == (96, 128)
    assert image_size_of(str(toy.data), 32) == (32, 32)


def test_datasets_open(toy):
    city = open_dataset("synth-city", "test", size=(32, 64), data_root=None)
    assert city.image_size == (32, 64) and len(city.class_names) == 20
    assert len(open_dataset(str(toy.data), "train", size=(16, 16), data_root=None)) == 6
    assert {"synth-city-25", "synth-city-50", "synth-city-100", "camvid"} <= set(DATASETS)


def test_a_missing_data_root_says_how_to_give_one(monkeypatch):
    monkeypatch.delenv("GCDP_DATA", raising=False)
    with pytest.raises(FileNotFoundError, match="pass --data-root FOLDER or set GCDP_DATA"):
        open_dataset("camvid", "test", size=(96, 128), data_root=None)


def test_the_environment_gives_the_data_root(monkeypatch, tmp_path):
    monkeypatch.setenv("GCDP_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=f"{tmp_path}.*expected CamVid's frames"):
        open_dataset("camvid", "test", size=(96, 128), data_root=None)


def test_generators_are_looked_for_in_order(toy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert generator_folder("reference", "stripes", toy.reference) == toy.reference
    with pytest.raises(FileNotFoundError, match="train it with `gcdp-bench train imagen"):
        generator_folder("imagen", "stripes", None)
    (tmp_path / "runs" / "imagen").mkdir(parents=True)
    (tmp_path / "runs" / "imagen" / "stripes").symlink_to(toy.imagen)
    assert generator_folder("imagen", "stripes", None).as_posix() == "runs/imagen/stripes"

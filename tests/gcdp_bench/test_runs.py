"""A dataset is one dataset by every path, namesakes are two, and each finds its own runs."""

import shutil

import pytest

from gcdp_bench.catalog import GENERATORS, dataset_identity
from gcdp_bench.config import write_json
from gcdp_bench.identity import identity_record
from gcdp_bench.networks import NETWORKS
from gcdp_bench.runs import find_run, new_folder
from gcdp_bench.train import trainable


def identity(path):
    return dataset_identity(str(path))


def write_run(folder, dataset, *, network="segmenter", recorded=True, steps=3):
    folder.mkdir(parents=True)
    task = {network: {"dataset": dataset.name, "class_names": dataset.class_names}}
    record = {"task": task, "training": {"steps": steps}}
    if recorded:
        record["dataset"] = identity_record(dataset)
    write_json(folder / "config.json", record)
    (folder / "model.safetensors").touch()
    return folder


def test_every_network_that_can_be_trained_has_a_place():
    assert set(NETWORKS) == set(trainable())
    assert set(GENERATORS) < set(NETWORKS)


def test_paths_do_not_matter(toy, tmp_path, monkeypatch):
    own = identity(toy.data)
    assert own.name == "stripes" and own.num_training == 6 and own.kind == "folder"
    (tmp_path / "link").symlink_to(toy.data)
    monkeypatch.chdir(toy.data.parent)
    for path in (f"{toy.data}/", "stripes", "./stripes/", f"../{toy.data.parent.name}/stripes",
                 tmp_path / "link"):  # fmt: skip
        other = identity(path)
        assert (other.name, other.digest, other.place) == (own.name, own.digest, own.place)
    monkeypatch.chdir(toy.data)
    assert identity("./").digest == own.digest


def test_no_image_is_decoded(toy, tmp_path):
    data = shutil.copytree(toy.data, tmp_path / "stripes")
    for path in data.rglob("*.png"):
        path.write_bytes(b"no picture")
    assert identity(data).digest == identity(toy.data).digest


def test_a_run_is_found_by_its_dataset_alone(toy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own = identity(toy.data)
    with pytest.raises(FileNotFoundError, match=f"looked in {tmp_path}/runs/segmenter/stripes, "):
        find_run("segmenter", own)
    folder = write_run(new_folder("segmenter", own), own)
    assert folder.as_posix() == "runs/segmenter/stripes"
    run = find_run("segmenter", own)
    assert run.folder == folder
    assert str(run) == "segmenter: runs/segmenter/stripes, 3 steps, trained on stripes"


def test_namesakes_are_two(toy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own = identity(toy.data)
    other = shutil.copytree(toy.data, tmp_path / "stripes")
    (other / "train" / "images" / "000.png").rename(other / "train" / "images" / "new.png")
    captions = other / "train" / "captions.jsonl"
    captions.write_text(captions.read_text().replace('"000"', '"new"'))
    namesake = identity(other)
    assert namesake.name == own.name and namesake.digest != own.digest
    folder = write_run(new_folder("segmenter", own), own)
    with pytest.raises(ValueError) as refused:
        find_run("segmenter", namesake)
    assert str(folder) in str(refused.value) and f"--segmenter {folder}" in str(refused.value)
    assert find_run("segmenter", namesake, folder).origin == "given"
    second = write_run(new_folder("segmenter", namesake), namesake)
    assert second.name == f"stripes-{namesake.digest}"
    assert find_run("segmenter", namesake).folder == second
    assert find_run("segmenter", own).folder == folder


def test_runs_without_identity_are_known_by_name_and_classes(toy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own = identity(toy.data)
    folder = write_run(tmp_path / "runs" / "segmenter" / "stripes", own, recorded=False)
    assert find_run("segmenter", own).folder.resolve() == folder
    record = (folder / "config.json").read_text()
    assert own.class_names
    (folder / "config.json").write_text(record.replace(own.class_names[0], "another"))
    with pytest.raises(ValueError, match="differing: another, "):
        find_run("segmenter", own)


def test_pretrained_networks_are_those_of_the_catalogue():
    city = dataset_identity("synth-city-25")
    assert find_run("reference", city).origin == "pretrained"
    assert find_run("segmenter", city).dataset == "synth-city-100"

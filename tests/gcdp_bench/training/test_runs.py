"""A dataset is one dataset by every path, namesakes are two, and each finds its own runs."""

import shutil
from dataclasses import replace

import pytest

from gcdp_bench.core.config import write_json
from gcdp_bench.datasets.identities import dataset_identity
from gcdp_bench.datasets.identity import identity_record
from gcdp_bench.diagnostics.weights import trained_weights
from gcdp_bench.extractors.trained import SEGMENTER
from gcdp_bench.generators.registry import GENERATORS, NETWORKS
from gcdp_bench.training.networks import PROJECT, read_records
from gcdp_bench.training.runs import PRETRAINED, find_run, new_folder

REFERENCE = GENERATORS["reference"]


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


def test_paths_do_not_matter(toy, tmp_path, monkeypatch):
    own = identity(toy.data)
    assert own.name == "stripes" and own.num_training == 6 and own.kind == "folder"
    (tmp_path / "link").symlink_to(toy.data)
    monkeypatch.chdir(toy.data.parent)
    for path in (
        f"{toy.data}/",
        "stripes",
        "./stripes/",
        f"../{toy.data.parent.name}/stripes",
        tmp_path / "link",
    ):
        other = identity(path)
        assert (other.name, other.digest, other.place) == (own.name, own.digest, own.place)
    monkeypatch.chdir(toy.data)
    assert identity("./").digest == own.digest


def test_no_image_is_read(toy, tmp_path):
    data = shutil.copytree(toy.data, tmp_path / "stripes")
    for path in data.rglob("*.png"):
        path.write_bytes(bytes(path.stat().st_size))
    assert identity(data).digest == identity(toy.data).digest


def test_other_pictures_under_the_same_names_are_another_dataset(toy, tmp_path):
    data = shutil.copytree(toy.data, tmp_path / "copy" / "stripes")
    own = identity(toy.data)
    assert identity(data).digest == own.digest
    for path in [*data.glob("train/layouts/*"), *data.glob("test/images/*")]:
        path.write_bytes(path.read_bytes() + b"more")
    captions = data / "train" / "captions.jsonl"
    captions.write_text(captions.read_text().replace('"caption": "', '"caption": "again '))
    assert identity(data).digest == own.digest  # of training images alone
    first = data / "train" / "images" / "000.png"
    first.write_bytes(first.read_bytes() + b"more")
    assert identity(data).digest != own.digest and identity(data).num_training == own.num_training


def test_the_folder_of_the_training_data_is_said_where_it_is_another(toy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own = identity(toy.data)
    write_run(new_folder(SEGMENTER, own), own)
    assert "(" not in str(find_run(SEGMENTER, own))
    copy = identity(shutil.copytree(toy.data, tmp_path / "stripes"))
    line = str(find_run(SEGMENTER, copy))
    assert line.endswith(f", 3 steps, trained on stripes ({own.place})")
    given = find_run(
        SEGMENTER, replace(copy, digest="b", num_training=5), find_run(SEGMENTER, own).folder
    )
    assert str(given).count(own.place) == 1  # the note says it


def test_a_run_is_found_by_its_dataset_alone(toy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own = identity(toy.data)
    with pytest.raises(FileNotFoundError, match=f"looked in {tmp_path}/runs/segmenter/stripes, "):
        find_run(SEGMENTER, own)
    folder = write_run(new_folder(SEGMENTER, own), own)
    assert folder.as_posix() == "runs/segmenter/stripes"
    run = find_run(SEGMENTER, own)
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
    folder = write_run(new_folder(SEGMENTER, own), own)
    with pytest.raises(ValueError) as refused:
        find_run(SEGMENTER, namesake)
    assert str(folder) in str(refused.value) and f"--segmenter {folder}" in str(refused.value)
    assert find_run(SEGMENTER, namesake, folder).origin == "given"
    second = write_run(new_folder(SEGMENTER, namesake), namesake)
    assert second.name == f"stripes-{namesake.digest}"
    assert find_run(SEGMENTER, namesake).folder == second
    assert find_run(SEGMENTER, own).folder == folder


def test_runs_without_identity_are_known_by_name_and_classes(toy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own = identity(toy.data)
    folder = write_run(tmp_path / "runs" / "segmenter" / "stripes", own, recorded=False)
    assert find_run(SEGMENTER, own).folder.resolve() == folder
    record = (folder / "config.json").read_text()
    assert own.class_names
    (folder / "config.json").write_text(record.replace(own.class_names[0], "another"))
    with pytest.raises(ValueError, match="differing: another, "):
        find_run(SEGMENTER, own)


def test_an_evaluating_network_of_the_family_needs_the_same_classes(toy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    part = replace(identity(toy.data), name="photos-25", digest="25")
    whole = replace(part, name="photos-100", digest="100")
    folder = write_run(new_folder(SEGMENTER, whole), whole)
    assert find_run(SEGMENTER, part).folder == folder
    others = replace(part, class_names=("another", "few"))
    with pytest.raises(FileNotFoundError, match="no trained segmenter"):
        find_run(SEGMENTER, others)
    write_run(new_folder(REFERENCE, whole) / "base", whole)
    with pytest.raises(FileNotFoundError, match="no trained reference"):
        find_run(REFERENCE, part)


def test_a_run_takes_precedence_and_pretrained_skips_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    city = dataset_identity("synth-city-25")
    for network in ("reference", "segmenter"):
        assert find_run(NETWORKS[network], city).origin == "pretrained"
    write_run(new_folder(REFERENCE, city) / "base", city, steps=2)
    write_run(new_folder(SEGMENTER, city), city, steps=2)
    for network in ("reference", "segmenter"):
        assert "2 steps" in str(find_run(NETWORKS[network], city))
        assert find_run(NETWORKS[network], city, PRETRAINED).weights == PRETRAINED
    assert find_run(SEGMENTER, city, PRETRAINED).dataset == "synth-city-100"


def test_a_folder_with_a_name_of_the_catalogue_is_not_of_it(toy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own = replace(identity(toy.data), name="synth-city-25")
    for network in ("reference", "segmenter", "clip", "autoencoder"):
        with pytest.raises((FileNotFoundError, ValueError), match="synth-city-25|stripes"):
            find_run(NETWORKS[network], own)


def test_what_ships_says_on_which_data_it_was_trained():
    places = [
        (network, PROJECT / folder)
        for network in NETWORKS.values()
        for pattern in network.pretrained
        for folder in PROJECT.glob(pattern.format(dataset="*", family="*"))
    ]
    assert len(places) > 10
    for network, folder in places:
        for record in read_records(network, folder).values():
            assert record.dataset is not None
            own = dataset_identity(record.dataset)
            assert (record.digest, record.class_names) == (own.digest, own.class_names), folder


def test_an_unfinished_run_is_refused(toy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own = identity(toy.data)
    folder = write_run(new_folder(SEGMENTER, own), own)
    (folder / "model.safetensors").unlink()
    with pytest.raises(ValueError, match="found no model.safetensors; continue it with .*--resume"):
        find_run(SEGMENTER, own)


def test_nothing_to_resume_but_other_data(toy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own = identity(toy.data)
    write_run(new_folder(SEGMENTER, own), own)
    changed = replace(own, digest="1", num_training=7)
    with pytest.raises(ValueError, match="leave out --resume to train anew"):
        new_folder(SEGMENTER, changed, resume=True)
    assert new_folder(SEGMENTER, changed).name == "stripes-1"
    assert new_folder(SEGMENTER, own, resume=True).name == "stripes"


def test_rows_tell_other_data_of_the_same_name(toy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own = identity(toy.data)
    folder = write_run(new_folder(SEGMENTER, own), own)
    assert find_run(SEGMENTER, own).trained_on(own) is None
    changed = replace(own, digest="1")
    assert find_run(SEGMENTER, changed, folder).trained_on(changed) == f"stripes@{own.digest}"


def test_the_environment_names_the_folder_of_runs(toy, tmp_path, monkeypatch):
    monkeypatch.setenv("GCDP_RUNS", str(tmp_path / "kept"))
    own = identity(toy.data)
    with pytest.raises(FileNotFoundError, match=r"\(GCDP_RUNS names another folder of runs\)"):
        find_run(SEGMENTER, own)
    folder = write_run(new_folder(SEGMENTER, own), own)
    assert folder == tmp_path / "kept" / "segmenter" / "stripes"
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert find_run(SEGMENTER, own).folder == folder
    assert str(folder) in [str(network.folder) for network in trained_weights()]

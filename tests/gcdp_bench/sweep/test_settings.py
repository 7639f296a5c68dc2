"""Seeds of sampling and of training, a second segmenter and the protocol are in the rows."""

import shutil
from dataclasses import replace

import pandas as pd
import pytest

from gcdp_bench.core.config import read_json, write_json
from gcdp_bench.core.progress import Silent
from gcdp_bench.sweep import run_sweep


def trained_with_seed(seed, run, folder):
    """A copy of a run whose record says that its training had this seed."""
    shutil.copytree(run, folder)
    for stage in ("base", "sr"):
        record = read_json(folder / stage / "config.json")
        write_json(folder / stage / "config.json", record | {"training": {"seed": seed}})
    return folder


def test_seeds_a_second_segmenter_the_protocol_and_the_training_in_one_sweep(
    config, places, extractors, toy, tmp_path
):
    """Each of them has a test of its own in `make test-all`."""
    seeded = trained_with_seed(7, toy.imagen, tmp_path / "seeded")

    class Second(type(extractors.segmenter)):
        name = "second"

    rows = run_sweep(
        replace(config, models=("imagen",), guidance=(2.0,), seeds=(0, 1), protocol="paper-like"),
        replace(places, weights=(("imagen", seeded),)),
        replace(extractors, other_segmenters=(Second.load(toy.segmenter),)),
        progress=Silent(),
    )
    assert set(rows["split"]) == {"train"} and set(rows["protocol"]) == {"paper-like"}
    own = rows[rows["model"] == "imagen"]
    assert set(own["train_seed"]) == {7}
    fid = own[own["metric"] == "fid-hrnet"]
    single, pooled = fid[fid["seed"].notna()], fid[fid["seed"].isna()]
    assert sorted(single["seed"]) == [0, 1]
    assert pooled["value"].tolist() == [pytest.approx(single["value"].mean())]
    recall = own[(own["metric"] == "semantic_recall") & (own["class"] == "all")]
    assert set(recall[~recall["primary"]]["extractor"]) == {"second"}


@pytest.mark.slow
def test_rows_say_the_seed_of_the_training(config, places, extractors, toy, tmp_path):
    seeded = trained_with_seed(7, toy.imagen, tmp_path / "seeded")
    weights = (("reference", toy.reference), ("imagen", seeded))
    rows = run_sweep(
        replace(config, guidance=(1.0,)),
        replace(places, weights=weights),
        extractors,
        progress=Silent(),
    )
    known = rows[rows["model"] == "imagen"]["train_seed"]
    assert set(known) == {7} and known.dtype == "Int64"
    assert rows[rows["model"] != "imagen"]["train_seed"].isna().all()


@pytest.mark.slow
def test_several_seeds_are_pooled(config, places, extractors):
    rows = run_sweep(
        replace(config, seeds=(0, 1), models=("imagen",)), places, extractors, progress=Silent()
    )
    chosen = rows[(rows["metric"] == "fid-hrnet") & (rows["param_value"] == 2.0)]
    single, pooled = chosen[chosen["seed"].notna()], chosen[chosen["seed"].isna()]
    assert sorted(single["seed"]) == [0, 1] and len(pooled) == 1
    assert pooled["value"].iloc[0] == pytest.approx(single["value"].mean())
    assert pooled["between_seed_sd"].iloc[0] == pytest.approx(single["value"].std())
    again = run_sweep(
        replace(config, seeds=(0, 1), models=("imagen",)), places, extractors, progress=Silent()
    )
    pd.testing.assert_frame_equal(rows, again)


@pytest.mark.slow
def test_the_protocol_chooses_captions_and_reference(
    config, places, extractors, finished, tmp_path
):
    assert set(finished["split"]) == {"test"} and set(finished["protocol"]) == {"heldout"}
    elsewhere = replace(places, results=tmp_path / "paper")
    paper = run_sweep(
        replace(config, protocol="paper-like"), elsewhere, extractors, progress=Silent()
    )
    assert set(paper["split"]) == {"train"} and set(paper["protocol"]) == {"paper-like"}
    assert set(paper["reference"]).isdisjoint(finished["reference"])
    with pytest.raises(ValueError, match=r"holds rows of another protocol \(heldout, now paper"):
        run_sweep(replace(config, protocol="paper-like"), places, extractors, progress=Silent())


@pytest.mark.slow
def test_two_segmenters_evaluate_side_by_side(config, places, extractors, toy):
    class Second(type(extractors.segmenter)):
        name = "second"

    second = Second.load(toy.segmenter)
    both = replace(extractors, other_segmenters=(second,))
    rows = run_sweep(replace(config, models=("imagen",)), places, both, progress=Silent())
    recall = rows[(rows["metric"] == "semantic_recall") & (rows["class"] == "all")]
    own, other = recall[recall["primary"]], recall[~recall["primary"]]
    assert set(other["extractor"]) == {"second"} and len(own) == len(other)
    assert sorted(own["value"]) == sorted(other["value"])  # the same weights twice
    fid = rows[rows["metric"] == "fid-hrnet"]
    assert fid["primary"].all()

"""A sweep that is refused, before anything is sampled."""

import math
import shutil
from dataclasses import replace

import pytest

from gcdp_bench.core.progress import Silent
from gcdp_bench.core.sampling_config import SamplingConfig
from gcdp_bench.report import build_report
from gcdp_bench.sweep import run_sweep


@pytest.mark.usefixtures("finished")
def test_other_settings_are_not_drawn_as_one_curve(config, places, extractors):
    changed = replace(config, sampling=SamplingConfig(steps=3, sr_steps=1))
    with pytest.raises(ValueError, match="holds rows of reference with other weights or settings"):
        run_sweep(changed, places, extractors, progress=Silent())


def test_wrong_requests_are_refused_before_sampling(config, places, extractors, toy):
    with pytest.raises(ValueError, match="guidance scale: expected a finite value .* got -1"):
        replace(config, guidance=(-1.0,))
    with pytest.raises(ValueError, match="guidance scale: expected a finite value .* got inf"):
        replace(config, guidance=(math.inf,))
    with pytest.raises(ValueError, match="protocol: expected one of heldout, paper-like, got 'x'"):
        replace(config, protocol="x")
    with pytest.raises(ValueError, match="unknown generator 'referense'; did you mean 'reference'"):
        run_sweep(replace(config, models=("referense",)), places, extractors, progress=Silent())
    with pytest.raises(
        ValueError, match=r"num_samples: expected at most 12 \(captions of stripes test\), got 13"
    ):
        run_sweep(replace(config, num_samples=13), places, extractors, progress=Silent())
    crossed = replace(places, weights=(("reference", toy.segmenter),))
    with pytest.raises(FileNotFoundError, match="no trained reference"):
        run_sweep(config, crossed, extractors, progress=Silent())


@pytest.mark.slow
def test_a_model_of_another_subset_is_refused_unless_allowed(config, places, extractors, loading):
    loading(trained_on="stripes-25")
    with pytest.raises(ValueError, match="another subset, stripes-25, .*--allow-subsets"):
        run_sweep(config, places, extractors, progress=Silent())
    rows = run_sweep(
        replace(config, models=("imagen",), guidance=(1.0,), allow_subsets=True),
        places,
        extractors,
        progress=Silent(),
    )
    assert set(rows[rows["model"] == "imagen"]["trained_on"]) == {"stripes-25"}
    loading(trained_on="camvid")
    with pytest.raises(ValueError, match="trained on camvid, not on stripes"):
        run_sweep(replace(config, allow_subsets=True), places, extractors, progress=Silent())


def test_a_clip_does_not_evaluate_models_that_it_trained(config, places, extractors, loading):
    loading(clip_digest=extractors.clip.digest)
    with pytest.raises(ValueError, match="was trained with clip-.* lafite-clip"):
        run_sweep(config, places, extractors, progress=Silent())


@pytest.mark.slow
def test_rows_of_two_readings_do_not_mix(config, places, extractors, toy, tmp_path):
    data = shutil.copytree(toy.data, tmp_path / "stripes")
    captions = data / "test" / "captions.jsonl"
    captions.write_text(captions.read_text().replace("car", "road and no car"))
    own = replace(config, dataset=str(data), models=("reference",), guidance=(1.0,))
    prompted = {}
    for count in (False, True):
        rows = run_sweep(own, replace(places, count_denied=count), extractors, progress=Silent())
        generated = rows[rows["model"] == "reference"]
        (prompted[count],) = set(generated["captions"])
        recall = generated[generated["metric"].eq("semantic_recall")]
        assert (recall["class"] == "car").any() == count
        assert len(list((places.results / "points" / "stripes" / "reference").iterdir())) == 1
    assert prompted[False] != prompted[True]
    with pytest.raises(ValueError, match="captions prompted, and how they are read"):
        build_report(places.results)

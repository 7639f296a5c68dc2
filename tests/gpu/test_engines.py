"""Engines on one GPU: FSDP trains like one process, Ray's workers share the card."""

import importlib.util
import os

import pytest

from gcdp_bench.results.table import read_rows
from tests.gcdp_bench.training.launched import arguments, python, trace

SETTINGS = ("batch_size=4", "steps=4", "checkpoint_every=2", "validate_every=4", "preview_every=99")


def on_gpu(*command):
    """A command in processes of its own."""
    variables = {
        "CUDA_VISIBLE_DEVICES": os.environ.get("CUDA_VISIBLE_DEVICES", "0"),
        "PYTHONWARNINGS": "default",
    }
    done = python("-m", *map(str, command), variables=variables)
    print(done.stdout, done.stderr)
    assert done.returncode == 0, done.stderr
    return done


def test_fsdp_trains_like_one_process_and_resumes(toy, tmp_path):
    """A network split over the one GPU that is there."""
    fsdp = (
        "accelerate.commands.launch",
        "--use_fsdp",
        "--fsdp_version",
        "2",
        "--num_processes",
        "1",
        "--num_machines",
        "1",
        "--mixed_precision",
        "no",
        "--dynamo_backend",
        "no",
        "-m",
        "gcdp_bench",
    )
    on_gpu("gcdp_bench", *arguments(toy.data, tmp_path / "one", *SETTINGS))
    on_gpu(*fsdp, *arguments(toy.data, tmp_path / "split", *SETTINGS))
    expected, found = trace(tmp_path / "one"), trace(tmp_path / "split")
    assert found.keys() == expected.keys() and len(expected["train/total"]) == 4
    for name, values in expected.items():
        assert found[name] == pytest.approx(values, rel=1e-3), name
    last = tmp_path / "split" / "checkpoints" / "step-00000004"
    (last / "state.json").unlink()
    on_gpu(*fsdp, *arguments(toy.data, tmp_path / "split", *SETTINGS, resume=True))
    assert trace(tmp_path / "split")["train/total"] == pytest.approx(
        expected["train/total"], rel=1e-3
    )


@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs gcdp-bench[cluster]")
def test_two_workers_share_a_gpu(toy, tmp_path):
    sweep = (
        "gcdp_bench",
        "sweep",
        "--dataset",
        toy.data,
        "--models",
        "reference,imagen",
        "--guidance",
        "1,2",
        "--num-samples",
        12,
        "--steps",
        3,
        "--device",
        "cuda",
        "--batch-size",
        4,
        "--weights",
        f"reference={toy.reference}",
        "--weights",
        f"imagen={toy.imagen}",
        *toy.extractors(),
    )
    on_gpu(*sweep, "--results", tmp_path / "alone")
    done = on_gpu(
        *sweep,
        "--results",
        tmp_path / "shared",
        "--cluster",
        "local",
        "--gpus-per-task",
        "0.5",
        "--shard-size",
        "4",
    )
    assert "workers 2" in done.stdout + done.stderr
    columns = ["model", "guidance", "metric", "class", "extractor"]
    rows = [
        read_rows(tmp_path / name).set_index(columns).sort_index() for name in ("alone", "shared")
    ]
    assert rows[0].index.equals(rows[1].index)
    assert rows[1]["value"].to_numpy() == pytest.approx(
        rows[0]["value"].to_numpy(), rel=1e-6, nan_ok=True
    )
    assert rows[1]["hardware"].str.contains("drawn on").any()

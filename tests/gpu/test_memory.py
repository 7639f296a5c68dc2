"""A GPU that is too small: sampling and scoring go on, training says what to change."""

import re

import pandas as pd
import pytest

from tests.gcdp_bench.extractors.test_inception import weights as inception  # noqa: F401

DATASET = ("--dataset", "synth-city-25")
MIB = 2**20


def test_sampling_halves_its_batch(limited, gcdp_bench, tmp_path):
    """256 images of 64x128 at a time need 4 times as much."""
    with limited(1024 * MIB):
        code, text = gcdp_bench(
            "sample",
            "reference",
            *DATASET,
            "--out",
            tmp_path / "out",
            "--num-samples",
            256,
            "--batch-size",
            256,
            "--steps",
            2,
            "--sr-steps",
            1,
            "--device",
            "cuda",
        )
    assert code == 0 and "256 samples in" in text
    assert re.search(r"out of memory with 256 images at a time \(.*?\); going on with 128", text)
    assert len(list((tmp_path / "out" / "images").glob("*.png"))) == 256


def test_scoring_halves_its_batch(limited, gcdp_bench, tmp_path, inception):  # noqa: F811
    gcdp_bench("sample", "lafite", *DATASET, "--out", tmp_path / "out", "--num-samples", 48)
    score = (
        "score",
        tmp_path / "out",
        *DATASET,
        "--features",
        "clean",
        "--inception",
        inception,
        "--device",
        "cuda",
    )
    code, whole = gcdp_bench(*score, "--out", tmp_path / "whole.csv")
    assert code == 0 and "out of memory" not in whole
    with limited(420 * MIB):
        code, parts = gcdp_bench(*score, "--out", tmp_path / "parts.csv")
    assert code == 0
    assert re.search(r"out of memory with 32 images at a time \(.*?\); going on with 16", parts)
    values = [
        pd.read_csv(tmp_path / name)["value"].to_numpy() for name in ("whole.csv", "parts.csv")
    ]
    assert values[1] == pytest.approx(values[0], rel=1e-3, nan_ok=True)


def test_one_image_that_is_too_much_ends_the_command(limited, gcdp_bench, tmp_path):
    with limited(64 * MIB):
        code, text = gcdp_bench(
            "sample",
            "reference",
            *DATASET,
            "--out",
            tmp_path / "out",
            "--num-samples",
            4,
            "--batch-size",
            4,
            "--device",
            "cuda",
        )
    assert code == 1
    assert "out of memory with one image at a time" in text and "--device cpu" in text


def test_training_says_which_settings_need_less(limited, gcdp_bench, tmp_path):
    train = (
        "train",
        "reference",
        *DATASET,
        "--stage",
        "base",
        "--set",
        "steps=2",
        "--set",
        "batch_size=512",
    )
    with limited(2048 * MIB):
        code, text = gcdp_bench(*train, "--out", tmp_path / "run")
    assert code == 1
    assert re.search(r"out of memory at step 1: 512 examples at a time were too many", text)
    settings = re.search(r"--set (batch_size=256) --set (accumulation=2)", text)
    assert settings is not None and "gradient_checkpointing=true" in text

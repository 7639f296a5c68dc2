"""Points on disk whose differences can be computed by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gcdp_bench.evaluation.features import FeatureCache
from gcdp_bench.results.layout import score_folder, write_point
from gcdp_bench.results.schema import REAL_VS_REAL
from tests.gcdp_bench.results.test_schema import record

NUM, NUM_REAL, WIDTH, NUM_CLASSES = 40, 60, 3, 3
IDS = [f"{i:03d}" for i in range(NUM)]
NAMES = ("sky", "road", "car")


def observed(num: int, shift: float, *, seed: int, layouts: bool = True) -> FeatureCache:
    """Features around `shift`; every image is one third of each class, half of them wrong."""
    random = np.random.default_rng(seed)
    counts = random.integers(1, 50, (num, NUM_CLASSES))
    confusions = np.zeros((num, NUM_CLASSES, NUM_CLASSES), np.int64)
    confusions[:, range(NUM_CLASSES), range(NUM_CLASSES)] = counts
    return FeatureCache(
        tuple(IDS[:num]) if num <= NUM else tuple(map(str, range(num))),
        tuple(f"caption {i}" for i in range(num)),
        int(counts.sum(1).max()),
        {
            "counts extractor": counts,
            "confusions extractor": confusions,
            "features hrnet": (random.normal(size=(num, WIDTH)) + shift).astype(np.float32),
            "cosines": np.zeros(num, np.float32),
            "too_long": np.zeros(num, bool),
            **({"layouts": counts} if layouts else {}),
        },
    )


@pytest.fixture
def write(tmp_path):
    """Write a point and return its row."""

    def write_one(model, guidance, seed, *, fid, gain=0.0, shift=0.0, layouts=True, **changes):
        results = changes.pop("results", tmp_path)
        few = changes.pop("few", 20)  # captions that name a car
        key = changes.pop("config_hash", f"{model}-{guidance:g}-{seed}")
        easy = np.random.default_rng(0).uniform(0.2, 0.8, NUM)  # hard captions are hard for all
        frame = pd.DataFrame(
            {
                "id": IDS,
                "caption": [f"caption {i}" for i in range(NUM)],
                "prompted": ["sky, car"] * few + ["sky"] * (NUM - few),
                "detected": ["sky, car" if gain else "sky"] * NUM,
                "recall": easy + gain,
                "precision": easy,
                "clip": easy / 10,
                "too_long": False,
            }
        )
        reference = results / "cache" / "reference.npz"
        if not reference.exists():
            observed(NUM_REAL, 0.0, seed=99).save(reference)
        seen = observed(NUM, shift, seed=7, layouts=layouts)
        seen.save(score_folder(results, key) / "observed.npz")
        write_point(results, key, results / "points" / key, reference, frame)
        return record(
            model=model,
            param_value=guidance,
            seed=seed,
            metric="fid-hrnet",
            value=fid,
            num_samples=NUM,
            config_hash=key,
            **changes,
        )

    return write_one


@pytest.fixture
def floor() -> dict:
    """Real images differ by 0.5 in FID among themselves."""
    return record(
        model=REAL_VS_REAL,
        source="real-vs-real",
        param_value=float("nan"),
        metric="fid-hrnet",
        value=0.5,
        config_hash="split",
    )


def folder(tmp_path: Path, name: str) -> Path:
    path = tmp_path / name
    path.mkdir(exist_ok=True)
    return path

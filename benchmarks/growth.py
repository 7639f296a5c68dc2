"""Time and memory against the size of the work, one thread.

    OMP_NUM_THREADS=1 python -m benchmarks.growth [points=10,100,1000] [rows=10000,100000] ...

Cases, each of which runs in a process of its own:

    points    bookkeeping of a sweep of N points: whether a point is done is asked three times, its
              170 rows are added, at the end seeds are pooled and the table is written; no image is
              drawn or looked at
    rows      tables and trade-off figures of a report on N rows; no sample grids, no comparisons,
              which grow with models and points
    images    Fréchet distance, KID, Semantic Recall and mIoU of N images whose features (480
              numbers) and areas (20 classes) are random, against as many
    classes   Semantic Recall and mIoU of 1,000 images of K classes

Lines of `results/performance/growth.csv`: CPU seconds, and the peak memory above that of the
imports. Lines that are there already are replaced.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from gcdp_bench.core.provenance import hardware
from gcdp_bench.io.atomic import replacing
from gcdp_bench.metrics.frechet import frechet_values
from gcdp_bench.metrics.kid import kid_values
from gcdp_bench.metrics.layout_iou import iou_values
from gcdp_bench.metrics.semantic_recall import recall_values
from gcdp_bench.results.compatibility import check_comparable
from gcdp_bench.results.schema import COLUMNS, to_frame
from gcdp_bench.results.seed_pooling import pool_seeds
from gcdp_bench.results.summary import summary_table
from gcdp_bench.results.table import add_point, is_measured, merge_rows, read_rows
from gcdp_bench.results.tradeoff import correspondences, tradeoff_table

OUT = Path("results/performance/growth.csv")
SIZES = {
    "points": (10, 100, 1000),
    "rows": (10_000, 100_000, 1_000_000),
    "images": (100, 1000, 10_000),
    "classes": (20, 50, 200),
}
TOTALS = ("fid-hrnet", "kid-hrnet", "semantic_recall", "semantic_precision", "miou", "clip-x100")
NUM_CLASSES, ROWS_PER_POINT, WIDTH = 20, 170, 480


def rows_of(points: range) -> pd.DataFrame:
    """Rows of points: models of ten guidance values and five seeds each."""
    one = dict.fromkeys(COLUMNS, "x") | {
        "dataset": "d",
        "split": "test",
        "protocol": "heldout",
        "source": "generated",
        "param_name": "guidance scale",
        "train_seed": 0,
        "steps": 100,
        "definition": "1",
        "class": "all",
        "value": 0.5,
        "corrected": np.nan,
        "ci_low": 0.4,
        "ci_high": 0.6,
        "ci_method": "bounded",
        "between_seed_sd": np.nan,
        "within_seed_sd": np.nan,
        "num_samples": 500,
        "num_reference": 1000,
        "image_size": "64x128",
        "resize": "none",
        "resizer": "native",
        "primary": True,
        "seconds": 1.0,
        "demo": False,
        "alarm": "none",
    }
    del one["schema_version"]
    classes = [f"class {place}" for place in range(ROWS_PER_POINT - len(TOTALS))]
    metrics = [*TOTALS, *["semantic_recall"] * len(classes)]
    template = to_frame(
        [
            {**one, "metric": metric, "class": name, "model": "m", "seed": 0, "param_value": 1.0}
            for metric, name in zip(metrics, ["all"] * len(TOTALS) + classes, strict=True)
        ]
    )
    frame = pd.concat([template] * len(points), ignore_index=True)
    place = np.repeat(np.array(points), ROWS_PER_POINT)
    names = pd.Series(place).astype("string")
    noise = np.random.default_rng(0).uniform(0.0, 0.1, len(frame))
    return frame.assign(
        config_hash=names,
        model="m" + (pd.Series(place // 50)).astype("string"),
        weights="w" + (pd.Series(place // 50)).astype("string"),
        param_value=1.0 + place // 5 % 10,
        seed=place % 5,
        value=frame["value"] + noise,
    ).astype(COLUMNS)


def keep_books(num: int) -> None:
    """A sweep of `num` points."""
    template = rows_of(range(1))
    with TemporaryDirectory() as folder:
        results = Path(folder)
        for place in range(num):
            for _ in range(3):
                is_measured(results, str(place))
            rows = template.assign(
                config_hash=str(place), model=f"m{place // 50}", param_value=float(place // 5 % 10)
            )
            add_point(results, str(place), rows.assign(seed=place % 5).astype(COLUMNS))
        merge_rows(results, pool_seeds)


def make_tables(num: int) -> None:
    """A report's tables of `num` rows."""
    rows = rows_of(range(num // ROWS_PER_POINT))
    with TemporaryDirectory() as folder:
        rows.to_parquet(Path(folder) / "results.parquet", index=False)
        rows = read_rows(Path(folder))
        check_comparable(rows)
        summary_table(rows)
        tradeoff_table(rows)
        from gcdp_bench.report.style import save, theme
        from gcdp_bench.report.tradeoff import draw_tradeoff

        with theme():
            for metric in correspondences(rows):
                if (figure := draw_tradeoff(rows, metric)) is not None:
                    save(figure, Path(folder) / metric, pdf=False)


def score_images(num: int, num_classes: int = NUM_CLASSES, *, distances: bool = True) -> None:
    """Metrics of `num` images."""
    rng = np.random.default_rng(0)
    counts = rng.integers(0, 3, (num, num_classes)) * rng.integers(0, 400, (num, num_classes))
    confusions = rng.integers(0, 9, (num, num_classes, num_classes))
    prompted = rng.random((num, num_classes)) < 0.5
    names = [f"class {place}" for place in range(num_classes)]
    recall_values(prompted, counts, 8192, names, range(num_classes))
    iou_values(confusions, names)
    if distances:
        x, y = (rng.normal(size=(num, WIDTH)) for _ in range(2))
        frechet_values("hrnet", x, y)
        kid_values("hrnet", x, y)


def score_classes(num: int) -> None:
    """Metrics of 1,000 images of `num` classes."""
    score_images(1000, num, distances=False)


CASES: dict[str, Callable[[int], None]] = {
    "points": keep_books,
    "rows": make_tables,
    "images": score_images,
    "classes": score_classes,
}


def measure(case: str, size: int) -> tuple[float, float]:
    """CPU seconds, and MiB above the imports."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    CASES[case](size)
    seconds = time.process_time() - start
    return seconds, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def main() -> None:
    """Measure the cases and write the table."""
    parser = argparse.ArgumentParser(description="Time and memory against the size of the work.")
    parser.add_argument("cases", nargs="*", metavar="CASE=SIZE,...")
    chosen = {
        name: tuple(map(int, sizes.split(",")))
        for name, _, sizes in (case.partition("=") for case in parser.parse_args().cases)
    }
    OUT.parent.mkdir(parents=True, exist_ok=True)
    context = multiprocessing.get_context("spawn")
    for case, sizes in (chosen or SIZES).items():
        for size in sizes:
            with context.Pool(1) as pool:
                seconds, mib = pool.apply(measure, (case, size))
            line = {"case": case, "size": size, "cpu_sec": round(seconds, 2), "mib": round(mib)}
            frame = pd.DataFrame([line | {"machine": hardware()}])
            print(frame.to_string(index=False), flush=True)
            if OUT.exists():
                held = pd.concat([pd.read_csv(OUT), frame])
                frame = held.drop_duplicates(["case", "size"], keep="last")
            with replacing(OUT) as temporary:
                frame.to_csv(temporary, index=False)


if __name__ == "__main__":
    main()

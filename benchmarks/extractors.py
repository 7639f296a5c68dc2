"""Reference points of the pretrained extractors: real images with own and shuffled captions, and
real vs. real.

    python -m benchmarks.extractors --dataset synth-face --num-samples 200

Prints one JSON line per row (real-own, real-shuffled, real-vs-real) with the totals of all metrics.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from gcdp_bench.core.progress import Silent
from gcdp_bench.core.types import AttributedDataset
from gcdp_bench.datasets.identities import dataset_identity
from gcdp_bench.datasets.registry import image_size_of, open_dataset
from gcdp_bench.datasets.shuffled import shuffled
from gcdp_bench.evaluation import (
    EvalOptions,
    extract_features,
    reference_statistics,
    rescore_captions,
    score_real,
)
from gcdp_bench.evaluation.metrics import derangement
from gcdp_bench.extractors.bundle import ExtractorRequest, load_extractors
from gcdp_bench.io.cache import UserCache
from gcdp_bench.results.schema import REAL_OWN, REAL_SHUFFLED, REAL_VS_REAL


def main() -> None:
    """Evaluate real images."""
    parser = argparse.ArgumentParser(description="Calibrate the extractors on real images.")
    parser.add_argument("--dataset", default="synth-face")
    parser.add_argument("--num-samples", type=int, default=200)
    parser.add_argument("--width", type=int, default=128, help="of the images, in pixels")
    parser.add_argument("--data-root", type=Path)
    options = parser.parse_args()
    num = options.num_samples
    size = image_size_of(options.dataset, options.width)
    dataset = shuffled(
        open_dataset(options.dataset, "test", size=size, data_root=options.data_root)
    )
    attributed = isinstance(dataset, AttributedDataset)
    identity = dataset_identity(options.dataset, data_root=options.data_root)
    extractors = load_extractors(ExtractorRequest(dataset=identity, use_attributes=attributed))
    extractors.check(dataset)
    reference = reference_statistics(dataset, extractors, UserCache(), Silent())
    seen = extract_features(
        dataset, extractors, EvalOptions(num=num), progress=Silent(), task="real"
    )
    others = [seen.captions[index] for index in derangement(num)]
    real = reference.observed
    parts = {
        REAL_OWN: (seen, real),
        REAL_SHUFFLED: (rescore_captions(dataset, seen, others, extractors), real),
        REAL_VS_REAL: (real.part(0, num), real.part(num, None)),
    }
    for row, (sample, rest) in parts.items():
        frame = score_real(sample, rest, reference, extractors, row).frame()
        totals = frame[frame["class"] == "all"]
        values = dict(zip(totals["metric"], totals["value"].round(4), strict=True))
        print(json.dumps({"dataset": options.dataset, "row": row, "num_samples": num, **values}))


if __name__ == "__main__":
    main()

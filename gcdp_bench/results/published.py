"""The numbers that Park et al. 2023 print, as records; measured by a protocol that is not known.

The paper has one table of numbers (Table 1). Its figures give values without print, and it
reports no study with people, so nothing else is here; nothing is read off a plot.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from gcdp_bench.results.schema import to_frame

if TYPE_CHECKING:
    import pandas as pd

SOURCE = "paper"
PROTOCOL = "unknown"
DATASET = "cityscapes"

NOTE = (
    "Table 1 of Park et al., ICCV 2023; Cityscapes, 512x256. Not stated: number of samples, "
    "reference split, resize, seed, and for FSD the classes and whose layouts"
)

PUBLISHED_METRICS = ("fid", "miou", "fsd")
"""Names without a protocol, as the paper's are; FSD is in squared percent (42.22 fits no other
scale), and shares are in [0, 1] here although the paper prints percent."""

TABLE_1: Mapping[str, tuple[float, float | None, float]] = {
    "GANformer": (24.86, None, 481.5),
    "DatasetDDPM": (55.38, 33.88, 90.31),
    "Semantic Palette": (52.13, 53.17, 48.29),
    "GCDP": (20.36, 65.80, 42.22),
}
"""Method -> FID, mIoU in percent (None where the paper has a dash), FSD, as printed."""

METHODS: Mapping[str, str] = {
    "reference": "GCDP",
    "reference-unconditional": "GCDP",
    "gansformer": "GANformer",
    "dataset-ddpm": "DatasetDDPM",
    "semantic-palette": "Semantic Palette",
}
"""Generator -> the paper's method. The paper does not say which of the two "Ours" is."""

METHOD_NOTES: Mapping[str, str] = {
    "GANformer": "unconditional; layouts by the evaluating segmenter, hence no mIoU",
    "DatasetDDPM": "unconditional",
    "Semantic Palette": "unconditional",
    "GCDP": "printed as 'Ours'; captions and guidance of the samples not stated",
}


def published_records() -> list[dict[str, str | float]]:
    """One record per printed number; a dash has none.

    Returns:
        Records with the keys dataset, model, metric ("fid", "miou", "fsd"), value (mIoU as a share
        in [0, 1]), source ("paper"), protocol ("unknown") and note.
    """
    return [
        {
            "dataset": DATASET,
            "model": model,
            "metric": metric,
            "value": round(value / 100.0, 4) if metric == "miou" else value,
            "source": SOURCE,
            "protocol": PROTOCOL,
            "note": f"{NOTE}; {METHOD_NOTES[model]}",
        }
        for model, values in TABLE_1.items()
        for metric, value in zip(PUBLISHED_METRICS, values, strict=True)
        if value is not None
    ]


def published_rows() -> pd.DataFrame:
    """The same as tidy rows with `source` "paper", so that they can be put beside ours.

    A fact that the paper does not state is "unknown", or missing where the column is a number; 0
    samples stands for an unknown count.
    """
    unknown = dict.fromkeys(
        (
            "image_size",
            "resizer",
            "reference",
            "captions",
            "weights",
            "extractors",
            "git_commit",
            "versions",
            "hardware",
            "precision",
            "extractor",
            "split",
            "trained_on",
            "param_name",
            "definition",
        ),
        PROTOCOL,
    )
    missing = dict.fromkeys(
        (
            "param_value",
            "corrected",
            "ci_low",
            "ci_high",
            "between_seed_sd",
            "within_seed_sd",
            "seconds",
        ),
        math.nan,
    )
    return to_frame(
        [
            {
                **{
                    name: record[name]
                    for name in ("dataset", "model", "metric", "value", "source", "protocol")
                },
                **unknown,
                **missing,
                "class": "all",
                "train_seed": None,
                "steps": None,
                "seed": None,
                "resize": "none",
                "ci_method": "none",
                "num_samples": 0,
                "num_reference": 0,
                "primary": True,
                "config_hash": f"paper-{record['model']}",
                "demo": False,
                "alarm": "none",
            }
            for record in published_records()
        ]
    )

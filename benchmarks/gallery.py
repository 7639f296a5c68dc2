"""Draw the picture of the embedded data in the tutorial: the first test items with their layouts.

python -m benchmarks.gallery docs/images/synth.webp
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from PIL import Image

from gcdp_bench.core.palette import colourise, image_grid
from gcdp_bench.datasets.registry import open_dataset
from gcdp_bench.io.atomic import replacing

STRIPS = (("synth-city", (128, 256), 4), ("synth-face", (128, 128), 8))
"""Dataset, size and number of items of each strip; all strips are as wide."""


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description="Draw the embedded data.")
    parser.add_argument("picture", type=Path)
    options = parser.parse_args()
    rows = []
    for name, size, num in STRIPS:
        dataset = open_dataset(name, "test", size=size, data_root=None)
        triplets = [dataset[index] for index in range(num)]
        images = torch.stack([triplet.image for triplet in triplets])  # (B, 3, H, W)
        layouts = torch.stack([triplet.layout for triplet in triplets])  # (B, H, W)
        rows += [
            image_grid(pictures, num, gap_px=0)
            for pictures in (images, colourise(layouts, dataset.class_names))
        ]
    canvas = torch.cat(rows, 1).permute(1, 2, 0).contiguous()  # (H, W, 3)
    with replacing(options.picture) as temporary:
        Image.fromarray(canvas.numpy()).save(temporary, "WEBP", quality=88, method=6)
    print(f"{options.picture}: {options.picture.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()

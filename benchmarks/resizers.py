"""Differences between the three resizes of Inception-v3's input.

    python -m benchmarks.resizers

Prints one JSON line per source size: mean |difference| from the resize of `fid-tf1`, in grey levels
of 255, of a picture with the spectrum of photographs.
"""

from __future__ import annotations

import json

from gcdp_bench.diagnostics.verify.resizing import one_over_f
from gcdp_bench.extractors.resizers import clean_bicubic, tf1_bilinear, torch_bilinear

SIZES = ((32, 32), (128, 128), (256, 256), (299, 299), (256, 512), (1024, 1024))


def main() -> None:
    """Compare them at every size."""
    for height, width in SIZES:
        image = one_over_f(height, width)  # (1, 3, H, W)
        plain = tf1_bilinear(image)
        case = {
            "source": f"{height}x{width}",
            "clean": round(float((clean_bicubic(image) - plain).abs().mean()), 2),
            "torch": round(float((torch_bilinear(image) - plain).abs().mean()), 2),
        }
        print(json.dumps(case), flush=True)


if __name__ == "__main__":
    main()

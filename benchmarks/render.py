"""Images per second of each procedural renderer, one thread.

    python -m benchmarks.render [--dataset synth-face] [--seconds 4]

Prints one JSON line per renderer and size. `per_cpu_second` counts the CPU time of the process, so
that it does not depend on what else the machine does.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable

import cv2

from gcdp_bench.datasets.synth_city.scene import render as render_city
from gcdp_bench.datasets.synth_face.portrait import render as render_face

RENDERERS: dict[str, tuple[Callable[[int, tuple[int, int]], object], tuple[tuple[int, int], ...]]]
RENDERERS = {
    "synth-city": (render_city, ((32, 64), (64, 128), (128, 256))),
    "synth-face": (render_face, ((32, 32), (64, 64), (128, 128))),
}
WARM_UP = 20


def main() -> None:
    """Time every renderer."""
    parser = argparse.ArgumentParser(description="Speed of the procedural renderers.")
    parser.add_argument("--seconds", type=float, default=4.0, help="of each case")
    parser.add_argument("--dataset", choices=sorted(RENDERERS), help="one of them; default all")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    for name in [options.dataset] if options.dataset else RENDERERS:
        render, sizes = RENDERERS[name]
        for size in sizes:
            for seed in range(WARM_UP):
                render(seed, size)
            num, wall, cpu = 0, time.perf_counter(), time.process_time()
            while time.perf_counter() - wall < options.seconds:
                render(num, size)
                num += 1
            case = {
                "renderer": name,
                "size": list(size),
                "images": num,
                "per_second": round(num / (time.perf_counter() - wall), 1),
                "per_cpu_second": round(num / (time.process_time() - cpu), 1),
            }
            print(json.dumps(case), flush=True)


if __name__ == "__main__":
    main()

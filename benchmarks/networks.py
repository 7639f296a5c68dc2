"""Loading a network, and folding its batch norm: seconds before and after.

    OMP_NUM_THREADS=1 python -m benchmarks.networks [--pairs 3]

- load: the pretrained base stage of synth-city-25, the first and the second time in a process,
  without and with an outline that chooses no weights (`training.loading`).
- evaluate: networks with random weights, as they are trained and as they evaluate
  (`for_evaluation`).

CPU seconds of one thread, `before` without and `after` with it, in new processes or alternating
pairs.
The table is `results/performance/networks.csv`.
"""

from __future__ import annotations

import argparse
import multiprocessing
from collections.abc import Callable
from contextlib import nullcontext
from copy import deepcopy
from functools import partial
from pathlib import Path
from unittest import mock

import pandas as pd
import torch
from torch import nn

from benchmarks.pairs import alternate, compared, cpu_sec
from gcdp_bench.core.images import Size
from gcdp_bench.core.provenance import hardware
from gcdp_bench.extractors.hrnet import TINY, W48, HRNetSegmenter
from gcdp_bench.extractors.inference import for_evaluation
from gcdp_bench.io.atomic import replacing
from gcdp_bench.training import loading
from reference_model.stage import load_stage

OUT = Path("results/performance/networks.csv")
STAGE = Path(__file__).parents[1] / "reference_model/pretrained/synth-city-25/base"
Build = Callable[[], nn.Module]


def load_sec(*, chooses_weights: bool) -> tuple[float, float]:
    """CPU seconds of the first and of a further load of this process."""
    torch.set_num_threads(1)
    outline = nullcontext if chooses_weights else loading._WithoutValues
    with mock.patch.object(loading, "_WithoutValues", outline):
        return cpu_sec(lambda: load_stage(STAGE)), cpu_sec(lambda: load_stage(STAGE))


def loads() -> list[dict[str, object]]:
    """Lines of loading, each side in a process of its own."""
    context, seconds = multiprocessing.get_context("spawn"), []
    for chooses in (True, False):
        with context.Pool(1) as pool:
            seconds.append(pool.apply(load_sec, kwds={"chooses_weights": chooses}))
    return [
        {
            "case": f"load, {which} of a process",
            "before_sec": round(before, 3),
            "after_sec": round(after, 3),
            "factor": round(before / after, 2),
        }
        for which, before, after in zip(("first", "second"), *seconds, strict=True)
    ]


def evaluating() -> dict[str, tuple[Build, int, Size]]:
    """Network -> how it is built, images in a batch, their size."""
    from torchvision.models import shufflenet_v2_x0_5

    return {
        "small segmenter": (lambda: HRNetSegmenter(TINY, 20), 8, (64, 128)),
        "attribute classifier": (shufflenet_v2_x0_5, 8, (64, 64)),
        "HRNet-W48": (lambda: HRNetSegmenter(W48, 19), 1, (512, 1024)),
    }


@torch.no_grad()
def evaluations(pairs: int) -> list[dict[str, object]]:
    """Lines of evaluating networks."""
    lines = []
    for name, (build, num, size) in evaluating().items():
        torch.manual_seed(0)
        plain = build().eval()
        ready = for_evaluation(deepcopy(plain), torch.device("cpu"))
        images = torch.rand(num, 3, *size)
        seconds = alternate(partial(ready, images), partial(plain, images), pairs)
        found = compared(*seconds, digits=3)
        lines.append(
            {
                "case": f"evaluate, {name}, {num} of {size[0]}x{size[1]}",
                "before_sec": found["theirs_sec"],
                "after_sec": found["ours_sec"],
                "factor": found["ratio"],
            }
        )
    return lines


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description="Loading and folding of networks.")
    parser.add_argument("--pairs", type=int, default=3)
    torch.set_num_threads(1)
    table = pd.DataFrame([*loads(), *evaluations(parser.parse_args().pairs)])
    table = table.assign(machine=hardware())
    print(table.to_string(index=False))
    with replacing(OUT) as temporary:
        table.to_csv(temporary, index=False)


if __name__ == "__main__":
    main()

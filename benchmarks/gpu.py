"""Speed on one GPU at the paper's size, in under eight minutes; it has not been run on a GPU.

    python -m benchmarks.gpu [--out results/local/gpu.csv] [--authors PATH] [--minutes 8]
    python -m benchmarks.gpu --tiny

`--tiny` runs every case on the CPU with tiny networks, to show that they work: its numbers mean
nothing, and what is compiled is traced alone. `--authors` is a checkout of the authors' program,
whose sampling of the base stages is measured too; it needs their packages (kornia, einops_exts,
ema_pytorch, pytorch_warmup). HRNet and the difference of FID need mmsegmentation, mmcv and
mmengine, the latter open_clip too.

Every value is a line of the file, added as soon as it is measured, so that a killed run keeps what
it has. The cases of most worth come first; a case that would begin after `--minutes` is left out,
as is one that runs out of memory or lacks a package, each with a line that says so. Networks have
random weights, but in the case `fid`. float32 is PyTorch's default: convolutions round to TF32.
The cases are:

==============  ================================================================================
labels          achieved share of the bandwidth of a copy: bytes of inputs and outputs, each once
sampling        a stage with guidance 2 (super-resolution: 1): images per second at 100 steps
authors         the same of the authors' program
host            of a sampling step in bf16: what the host does and how often it waits
training        step with moving average: seconds, peak memory, and the largest batch that fits
evaluators      images per second of the networks alone
fid             FID of bf16 minus FID of float32 samples of the pretrained cascade, with interval
==============  ================================================================================
"""

from __future__ import annotations

import argparse
import csv
import gc
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from benchmarks.gpu_cases import (
    PRECISIONS,
    Lines,
    authors,
    fid,
    host,
    hrnet,
    inception,
    labels,
    sampling,
    training,
)
from benchmarks.gpu_setup import DATASETS, Setup
from gcdp_bench.core.provenance import hardware
from gcdp_bench.io.validation import reason

COLUMNS = ("case", "setting", "batch", "precision", "compiled", "value", "unit", "device", "torch")


@dataclass(frozen=True)
class Case:
    """Something to measure, independent of the others: `run(setup, *arguments)`."""

    name: str
    run: Callable[..., Lines]
    arguments: tuple[Any, ...] = ()

    def __str__(self) -> str:
        return " ".join(map(str, (self.name, self.run.__name__, *self.arguments)))


def cases(setup: Setup) -> list[Case]:
    """All of them, those of most worth first."""
    batches, one = setup.of((1, 8, 16), (2,)), setup.of((8,), (2,))
    celeba, stages = "paper-celeba", ("base", "sr")
    places = [(name, stage) for name in DATASETS for stage in stages]
    found = [Case("labels", labels)]
    found += [
        Case("sampling", sampling, (*place, precision, batches, False))
        for place in places
        for precision in PRECISIONS
    ]
    if setup.authors is not None:
        found += [Case("authors", authors, (name,)) for name in DATASETS]
    found += [
        Case("sampling", sampling, (celeba, "base", "bf16", one, True)),
        *(Case("host", host, (celeba, stage, setup.of(8, 2))) for stage in stages),
        *(Case("training", training, (celeba, "base", p, False)) for p in PRECISIONS),
        Case("evaluators", inception),
        Case("evaluators", hrnet),
        Case("fid", fid),
        Case("training", training, (celeba, "base", "bf16", True)),
    ]
    if not setup.tiny:  # minutes of compilation each
        found += [Case("sampling", sampling, (*p, "bf16", one, True)) for p in places[1:]]
        found += [
            Case("training", training, (celeba, "sr", "bf16", False)),
            Case("training", training, (celeba, "base", "float32", True)),
            Case("sampling", sampling, (celeba, "base", "float32", one, True)),
            Case("sampling", sampling, (celeba, "base", "bf16", (16, 1), True)),
        ]
    return found


def measure(wanted: Sequence[Case], setup: Setup, out: Path, minutes: float) -> bool:
    """Run cases and add their lines to a file.

    Returns:
        Whether none failed in another way than for want of memory, a package or time.
    """
    machine, started, good = hardware(setup.device), time.perf_counter(), True
    out.parent.mkdir(parents=True, exist_ok=True)
    if not out.exists():
        out.write_text(",".join(COLUMNS) + "\n")
    for case in wanted:
        spent = (time.perf_counter() - started) / 60
        if spent > minutes:
            print(f"{case}: left out, {spent:.1f} of {minutes:g} minutes are over", flush=True)
            continue
        print(f"{case}: begins after {spent:.1f} minutes", flush=True)
        try:
            for line in case.run(setup, *case.arguments):
                with out.open("a", newline="") as file:
                    csv.writer(file).writerow((case.name, *line, machine, torch.__version__))
                print("  ", *line, flush=True)
        except (ImportError, OSError, torch.OutOfMemoryError) as error:
            print(f"{case}: left out, {type(error).__name__}: {reason(error)}", flush=True)
        except Exception:  # noqa: BLE001 - the other cases are independent of it
            print(f"{case}: failed\n{traceback.format_exc()}", flush=True)
            good = False
        torch.compiler.reset()  # lets go of the weights of compiled networks
        gc.collect()
        if setup.device == "cuda":
            torch.cuda.empty_cache()
    return good


def main() -> None:
    """Measure; the exit status is 1 if a case failed."""
    parser = argparse.ArgumentParser(description="Speed on one GPU at the paper's size.")
    parser.add_argument("--tiny", action="store_true", help="every case on the CPU, at tiny sizes")
    parser.add_argument("--out", type=Path, default=Path("results/local/gpu.csv"))
    parser.add_argument("--authors", type=Path, help="a checkout of the authors' program")
    parser.add_argument("--minutes", type=float, default=8.0, help="after which no case begins")
    options = parser.parse_args()
    if not options.tiny and not torch.cuda.is_available():
        parser.error("expected a GPU of CUDA, found none; give --tiny to try it on the CPU")
    setup = Setup("cpu" if options.tiny else "cuda", options.tiny, options.authors)
    sys.exit(not measure(cases(setup), setup, options.out, options.minutes))


if __name__ == "__main__":
    main()

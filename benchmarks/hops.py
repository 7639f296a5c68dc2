"""Calls that lead from a command to the numerics: functions of this project on the stack.

    python -m benchmarks.hops

Runs `train`, `sample`, `evaluate` and `sweep` on rendered data with the pretrained networks until
each calls the function in question for the first time. Writes results/hops.csv with the columns
target, command, calls, functions and chain. `calls` counts the arrows, as one counts those of
NVlabs/edm2, `cmdline > generate_images > edm_sampler > Precond.forward`, as 3; `functions` counts
the names of the chain, of which the command's own function is the first, and is one more.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pandas as pd
from click.testing import CliRunner

from gcdp_bench.cli import main as gcdp_bench

PROJECT = Path(__file__).resolve().parents[1]
PACKAGES = tuple(str(PROJECT / name) for name in ("gcdp_bench", "reference_model", "baselines"))
DATA = ("--dataset", "synth-city-25")
FAST = ("--steps", "1", "--sr-steps", "1")


class Reached(BaseException):
    """The function was called."""


def calls_to(function: Any, arguments: Sequence[str]) -> list[str]:
    """Names of the project's functions from the command's to `function`, when it is first called.

    Raises:
        RuntimeError: the command ends without calling it.
    """
    found: list[str] = []
    code: CodeType = function.__code__

    def watch(frame: FrameType, event: str, argument: object) -> None:
        if event == "call" and frame.f_code is code:
            sys.setprofile(None)
            found.extend(_own_functions(frame))
            raise Reached

    sys.setprofile(watch)
    try:
        result = CliRunner().invoke(gcdp_bench, list(arguments))
    except Reached:
        return found
    finally:
        sys.setprofile(None)
    raise RuntimeError(f"{arguments[0]} does not call {function.__name__}: {result.output}")


def _own_functions(frame: FrameType | None) -> list[str]:
    """Names of the project's functions on the stack, from the command's on, which is called
    `command`; comprehensions and click's dispatch are no functions of it."""
    names: list[str] = []
    while frame is not None:
        code = frame.f_code
        if code.co_filename.startswith(PACKAGES) and not code.co_name.endswith(("comp>", "expr>")):
            names.append(code.co_qualname)
        frame = frame.f_back
    names.reverse()
    return names[names.index("command") :]


def main() -> None:
    """Count, print, write."""
    from gcdp_bench.metrics.frechet import frechet_values
    from gcdp_bench.metrics.semantic_recall import recall_values
    from reference_model.joint import loss_terms, reverse_step

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sample = ["sample", "reference", *DATA, *FAST, "--num-samples", "4"]
        CliRunner().invoke(
            gcdp_bench, [*sample, "--out", str(folder / "s")], catch_exceptions=False
        )
        sweep = ["sweep", *DATA, *FAST, "--models", "reference", "--guidance", "1"]
        sweep += ["--num-samples", "4", "--results", str(folder / "results")]
        train = ["train", "reference", *DATA, "--stage", "base", "--out", str(folder / "run")]
        evaluate = ["evaluate", str(folder / "s"), *DATA]
        lines = []
        for target, commands in {
            loss_terms: [train],
            reverse_step: [[*sample, "--out", str(folder / "t")], sweep],
            recall_values: [evaluate, sweep],
            frechet_values: [evaluate, sweep],
        }.items():
            for arguments in commands:
                chain = calls_to(target, arguments)
                counts = len(chain) - 1, len(chain)
                lines.append((target.__name__, arguments[0], *counts, " > ".join(chain)))
                print(*lines[-1], sep=", ")
    table = pd.DataFrame(lines, columns=["target", "command", "calls", "functions", "chain"])
    table.to_csv(PROJECT / "results" / "hops.csv", index=False)


if __name__ == "__main__":
    main()

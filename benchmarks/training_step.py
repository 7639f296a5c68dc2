"""Where a training step's time and memory go: parts in two forms, in alternating pairs.

    OMP_NUM_THREADS=1 python -m benchmarks.training_step [--repeat 8]

Writes `results/performance/training.csv`: for each stage of two presets the median CPU seconds of
forward and backward pass and the peak of their memory, with autograd's own blocks (`plain`) and
with `normed_conv` (`ours`); and the moving average by `AveragedModel` and by `MovingAverage`,
clipping, and the optimizer. Losses and gradients of both forms are compared to the bit.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel
from torch.profiler import profile

from benchmarks.pairs import cpu_sec
from gcdp_bench.core.provenance import hardware
from gcdp_bench.core.rng import generator
from gcdp_bench.io.atomic import replacing
from gcdp_bench.train import Request, plan
from gcdp_bench.training.ema import MovingAverage
from gcdp_bench.training.networks import STAGES
from gcdp_bench.training.steps import weighted_total
from gcdp_bench.training.task import AdversarialTask
from reference_model.unet import blocks
from reference_model.unet.normed_conv import normed_conv

OUT = Path("results/performance/training.csv")
DECAY = 0.999
CASES = {"tiny": (), "small": ("stage.unet.dim=24", "batch_size=4")}
"""Presets and their overrides: 3.6 and 4.8 million parameters in the base stage."""


def plain_conv(
    x: Tensor, norm: nn.GroupNorm, scale_shift: tuple[Tensor, Tensor] | None, conv: nn.Conv2d
) -> Tensor:
    """`normed_conv`, one operation after the other."""
    y = norm(x)
    if scale_shift is not None:
        scale, shift = scale_shift
        y = y * (scale + 1) + shift
    return conv(F.silu(y))


def plain_average(network: nn.Module) -> AveragedModel:
    """The same average by torch's class."""

    def update(averages, parameters, num_averaged) -> None:
        torch._foreach_lerp_(averages, parameters, 1.0 - DECAY)  # pyright: ignore[reportPrivateImportUsage]

    return AveragedModel(network, multi_avg_fn=torch.no_grad()(update))


@dataclass(frozen=True)
class Pass:
    """Forward and backward pass of a stage."""

    network: nn.Module
    loss: Callable[[], Tensor]
    stage: str
    preset: str
    batch_size: int

    @classmethod
    def of(cls, preset: str, stage: str) -> Pass:
        """At the preset's batch size, on synth-city-25."""
        request = Request(
            model="reference",
            dataset="synth-city-25",
            stage=stage,
            preset=preset,
            assignments=CASES[preset],
        )
        resolved = plan(request)
        task, num = resolved.task, resolved.training.batch_size
        assert not isinstance(task, AdversarialTask)
        torch.manual_seed(0)
        network, batch = task.build().train(), task.batch(range(num), generator("benchmark"))

        def loss() -> Tensor:
            return weighted_total(task.losses(network, batch), task.loss_weights)

        return cls(network, loss, stage, preset, num)

    def run(self) -> None:
        """Gradients of the loss."""
        self.network.zero_grad()
        self.loss().backward()

    def gradients(self) -> list[Tensor]:
        """Of every parameter."""
        return [
            weight.grad.clone() for weight in self.network.parameters() if weight.grad is not None
        ]


def peak_mib(run: Callable[[], object]) -> float:
    """Most memory that torch's tensors take above what they took before."""
    with profile(profile_memory=True) as profiler:
        run()
    assert profiler.profiler is not None and profiler.profiler.kineto_results is not None
    now = most = 0
    for event in profiler.profiler.kineto_results.events():
        if event.name() == "[memory]":
            now += event.nbytes()  # pyright: ignore[reportAttributeAccessIssue]
            most = max(most, now)
    return most / 2**20


def pairs(forms: Mapping[str, Callable[[], object]], repeat: int) -> dict[str, float]:
    """Median CPU seconds of each form, all run in turn after a warm-up."""
    found = {name: [] for name in forms}
    for turn in range(repeat + 1):
        for name, run in forms.items():
            seconds = cpu_sec(run)
            if turn:
                found[name].append(seconds)
    return {name: median(values) for name, values in found.items()}


def lines_of(case: Pass, repeat: int) -> list[dict[str, object]]:
    """Rows of the table."""

    def form(function: Callable[..., Tensor]) -> Callable[[], None]:
        def run() -> None:
            blocks.normed_conv = function
            case.run()

        return run

    forms = {"plain": form(plain_conv), "ours": form(normed_conv)}
    seconds = pairs(forms, repeat)
    memory, gradients = {}, {}
    for name, run in forms.items():
        case.network.zero_grad()
        memory[name] = peak_mib(run)
        gradients[name] = case.gradients()
    assert all(map(torch.equal, *gradients.values())), "the forms differ"

    network = case.network
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-9, fused=True)
    averages = {"plain": plain_average(network), "ours": MovingAverage(network, DECAY)}
    rest = {
        "moving average": {
            name: lambda average=average: average.update_parameters(network)
            for name, average in averages.items()
        },
        "clip": {
            "ours": lambda: nn.utils.clip_grad_norm_(network.parameters(), 1.0),
        },
        "optimizer": {"ours": optimizer.step},
    }
    parts = {part: pairs(forms, 5 * repeat) for part, forms in rest.items()}
    rows = {"forward and backward": seconds} | parts
    return [
        {
            "preset": case.preset,
            "stage": case.stage,
            "batch_size": case.batch_size,
            "parameters": sum(weight.numel() for weight in network.parameters()),
            "part": part,
            **{f"{name}_ms": round(1e3 * value, 1) for name, value in found.items()},
            **({f"{k}_mib": round(v, 1) for k, v in memory.items()} if found is seconds else {}),
            "machine": hardware(),
        }
        for part, found in rows.items()
    ]


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description="Parts of a training step.")
    parser.add_argument("--repeat", type=int, default=8)
    repeat = parser.parse_args().repeat
    torch.set_num_threads(1)
    cases = [Pass.of(preset, stage) for preset in CASES for stage in STAGES]
    table = pd.DataFrame([line for case in cases for line in lines_of(case, repeat)])
    print(table.drop(columns="machine").to_string(index=False))
    with replacing(OUT) as temporary:
        table.to_csv(temporary, index=False)


if __name__ == "__main__":
    main()

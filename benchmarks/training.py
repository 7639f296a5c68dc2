"""Training speed: steps of the loop without its bookkeeping.

    python -m benchmarks.training [--steps 10] [--paper]

Prints one JSON line per network: seconds per step (forward, backward, optimizer, moving average)
and examples per second, at the preset's batch size on synth-city-25; `--paper` adds one step of
the paper-size networks at batch size 1 (needs 20 GB of memory).
"""

from __future__ import annotations

import argparse
import json
import time

import torch

from benchmarks.cascades import CASCADES
from gcdp_bench.core.rng import generator
from gcdp_bench.train import Request, plan
from gcdp_bench.training.ema import MovingAverage
from gcdp_bench.training.networks import STAGES
from gcdp_bench.training.steps import step_indices, weighted_total
from gcdp_bench.training.task import AdversarialTask

DATASET = "synth-city-25"


def main() -> None:
    """Time every network."""
    parser = argparse.ArgumentParser(description="Speed of training.")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--paper", action="store_true", help="also the paper-size networks")
    options = parser.parse_args()
    for model in CASCADES:
        for stage in STAGES:
            _time(Request(model=model, dataset=DATASET, stage=stage), options.steps)
    for extractor in ("segmenter", "clip"):
        _time(Request(model=extractor, dataset=DATASET), options.steps)
    if options.paper:
        text = ("stage.text.encoder=hash-ngram", "batch_size=1", "precision=no")
        for stage in STAGES:
            _time(
                Request(
                    model="reference",
                    dataset=DATASET,
                    stage=stage,
                    assignments=text,
                    preset="paper-cityscapes",
                ),
                1,
            )


def _time(request: Request, num_steps: int) -> None:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    resolved = plan(request)
    task, config = resolved.task, resolved.training
    assert not isinstance(task, AdversarialTask), "one loss per step is timed"
    network = task.build().to(device).train()
    average = MovingAverage(network, config.ema_max_decay)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-5, fused=True)
    batches = []
    for step in range(num_steps + 1):
        indices = step_indices(step, config.batch_size, task.num_examples, config.seed)
        batches.append(task.batch(indices, generator("benchmark", step)))
    started = 0.0
    for step, batch in enumerate(batches):
        if step == 1:  # the first step warms up
            started = time.perf_counter()
        moved = {name: value.to(device) for name, value in batch.items()}
        total = weighted_total(task.losses(network, moved), task.loss_weights)
        total.backward()
        optimizer.step()
        optimizer.zero_grad()
        average.update_parameters(network)
        total.item()  # waits for the device
    seconds = (time.perf_counter() - started) / num_steps
    case = {
        "model": request.model,
        "preset": request.preset,
        "stage": request.stage,
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "batch_size": config.batch_size,
        "sec_per_step": round(seconds, 4),
        "examples_per_sec": round(config.batch_size / seconds, 2),
        "device": str(device),
        "threads": torch.get_num_threads(),
    }
    print(json.dumps(case), flush=True)


if __name__ == "__main__":
    main()

"""Cost of the label chain on integer labels, against the log-one-hot form.

    python -m benchmarks.label_chain [--batch 8 --classes 20 --height 256 --width 512]

Prints one JSON line per case: the operation, the form (`index` is `reference_model.categorical`;
`one_hot` is below), time_sec (median of --repeats runs, one thread) and peak_mib (highest resident
memory during the first run, above what the inputs occupy). Each case runs in a process of its own.
Random numbers are drawn within the operation, because their number depends on the form. Linux only.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import re
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from reference_model import categorical, categorical_fused
from reference_model.schedules import Schedule, ScheduleConfig

OPERATIONS = ("forward_noising", "reverse_draw", "kl_forward", "kl_forward_backward")
FORMS = ("index", "one_hot")


class Inputs(NamedTuple):
    """Inputs of an operation."""

    t: Tensor  # long (B,), below T
    y_0: Tensor  # long (B, H, W)
    y_t: Tensor  # long (B, H, W)
    logits: Tensor  # float32 (B, K, H, W)
    alpha_t: Tensor  # float64 (B, 1, 1)
    alpha_bar_s: Tensor  # float64 (B, 1, 1)


def main() -> None:
    """Run every case and print its JSON line."""
    parser = argparse.ArgumentParser(
        description="Cost of the label chain, index against log-one-hot form."
    )
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--classes", type=int, default=20)
    parser.add_argument("--height", type=int, default=256)
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    sizes = (options.batch, options.classes, options.height, options.width)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn, max_tasks_per_child=1) as pool:
        for operation in OPERATIONS:
            for form in FORMS:
                case = pool.submit(measure, operation, form, sizes, options.repeats)
                print(json.dumps(case.result()), flush=True)


def measure(operation: str, form: str, sizes: tuple[int, int, int, int], repeats: int) -> dict:
    """One case, in this process: time and peak memory."""
    torch.set_num_threads(1)
    operations = index_operations() if form == "index" else _one_hot_operations()
    run = operations[operation]
    small = min(sizes[2], 8), min(sizes[3], 8)
    run(make_inputs(sizes[0], sizes[1], *small))  # loads libraries before memory is counted
    inputs = make_inputs(*sizes)
    peak_mib = _peak_mib(lambda: run(inputs))
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run(inputs)
        times.append(time.perf_counter() - start)
    batch, num_classes, height, width = sizes
    return {
        "op": operation,
        "form": form,
        "time_sec": round(statistics.median(times), 4),
        "peak_mib": round(peak_mib, 1),
        "batch": batch,
        "classes": num_classes,
        "height": height,
        "width": width,
    }


def make_inputs(batch: int, num_classes: int, height: int, width: int) -> Inputs:
    """Random layouts and logits; steps spread over the whole chain."""
    source = torch.Generator().manual_seed(0)
    schedule = Schedule(ScheduleConfig(), normalized=True)
    t = torch.linspace(1, schedule.num_steps - 1, batch).round().long()  # (B,)
    alpha_bar_s = schedule.at(t - 1, ndim=3)  # (B, 1, 1)
    y_0, y_t = torch.randint(num_classes, (2, batch, height, width), generator=source)
    logits = torch.randn(batch, num_classes, height, width, generator=source)
    return Inputs(t, y_0, y_t, logits, schedule.at(t, ndim=3) / alpha_bar_s, alpha_bar_s)


def index_operations() -> dict[str, Callable[[Inputs], Tensor]]:
    """The operations on integer labels, by name."""
    return {
        "forward_noising": _index_q_sample,
        "reverse_draw": _index_draw,
        "kl_forward": _index_kl,
        "kl_forward_backward": _with_gradient(_index_kl),
    }


def _one_hot_operations() -> dict[str, Callable[[Inputs], Tensor]]:
    return {
        "forward_noising": _one_hot_q_sample,
        "reverse_draw": _one_hot_draw,
        "kl_forward": _one_hot_kl,
        "kl_forward_backward": _with_gradient(_one_hot_kl),
    }


def _with_gradient(kl: Callable[[Inputs], Tensor]) -> Callable[[Inputs], Tensor]:
    def kl_and_gradient(inputs: Inputs) -> Tensor:
        logits = inputs.logits.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(kl(inputs._replace(logits=logits)).mean(), logits)
        return gradient

    return kl_and_gradient


# --- integer labels ------------------------------------------------------------------------------


def _index_q_sample(inputs: Inputs) -> Tensor:
    uniform = torch.rand(inputs.y_0.shape)  # (B, H, W)
    return categorical.q_sample(inputs.y_0, inputs.alpha_bar_s, inputs.logits.shape[1], uniform)


def _index_draw(inputs: Inputs) -> Tensor:
    uniform = torch.rand(inputs.y_t.shape)  # (B, H, W)
    return categorical_fused.sample_posterior(
        inputs.y_t, inputs.logits, inputs.alpha_t, inputs.alpha_bar_s, uniform
    )


def _index_kl(inputs: Inputs) -> Tensor:
    return categorical_fused.kl_posterior(
        inputs.y_t, inputs.y_0, inputs.logits, inputs.alpha_t, inputs.alpha_bar_s
    )


# --- the same with a (B, K, H, W) tensor of log-probabilities for every layout -------------------


def _log_one_hot(labels: Tensor, num_classes: int) -> Tensor:
    one_hot = torch.nn.functional.one_hot(labels, num_classes).movedim(-1, 1)  # (B, K, H, W)
    return one_hot.float().clamp_min(1e-30).log()


def _mixed(log_p: Tensor, keep: Tensor) -> Tensor:
    """log(keep p + (1 - keep) / K)."""
    keep = keep[:, None]  # (B, 1, 1, 1)
    other = (1.0 - keep).clamp_min(1e-30).log() - math.log(log_p.shape[1])
    return torch.logaddexp(log_p + keep.log().float(), other.float())


def _log_posterior(log_p_0: Tensor, inputs: Inputs) -> Tensor:
    likelihood = _mixed(_log_one_hot(inputs.y_t, log_p_0.shape[1]), inputs.alpha_t)
    joint = likelihood + _mixed(log_p_0, inputs.alpha_bar_s)  # (B, K, H, W)
    return joint - joint.logsumexp(1, keepdim=True)


def _gumbel_argmax(log_p: Tensor) -> Tensor:
    noise = -torch.log(-torch.log(torch.rand(log_p.shape) + 1e-30) + 1e-30)  # (B, K, H, W)
    return (log_p + noise).argmax(1)  # (B, H, W)


def _one_hot_q_sample(inputs: Inputs) -> Tensor:
    log_y_0 = _log_one_hot(inputs.y_0, inputs.logits.shape[1])
    return _gumbel_argmax(_mixed(log_y_0, inputs.alpha_bar_s))


def _one_hot_draw(inputs: Inputs) -> Tensor:
    return _gumbel_argmax(_log_posterior(inputs.logits.log_softmax(1), inputs))


def _one_hot_kl(inputs: Inputs) -> Tensor:
    true = _log_posterior(_log_one_hot(inputs.y_0, inputs.logits.shape[1]), inputs)
    predicted = _log_posterior(inputs.logits.log_softmax(1), inputs)
    return (true.exp() * (true - predicted)).sum(1)  # (B, H, W)


# --- memory --------------------------------------------------------------------------------------


def _peak_mib(run: Callable[[], object]) -> float:
    """Highest resident memory while `run` runs, above the memory before it."""
    Path("/proc/self/clear_refs").write_text("5")  # resets VmHWM to VmRSS
    before = _status_kib("VmHWM")
    run()
    return (_status_kib("VmHWM") - before) / 1024


def _status_kib(field: str) -> int:
    found = re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    if found is None:
        raise OSError(f"/proc/self/status: expected a line {field}, found none; run on Linux")
    return int(found[1])


if __name__ == "__main__":
    main()

"""One optimizer step: which examples, which part of them, and the loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from gcdp_bench.core.rng import generator
from gcdp_bench.training import processes
from gcdp_bench.training.settings import TrainingConfig
from gcdp_bench.training.task import AdversarialTask, Task

if TYPE_CHECKING:
    from accelerate import Accelerator
    from accelerate.optimizer import AcceleratedOptimizer


def step_indices(step: int, batch_size: int, num_examples: int, seed: int) -> list[int]:
    """Examples of batch number `step`: a seeded permutation per epoch, read end to end."""
    indices = []
    permutations: dict[int, Tensor] = {}
    for position in range(step * batch_size, (step + 1) * batch_size):
        epoch, place = divmod(position, num_examples)
        if epoch not in permutations:
            permutations[epoch] = torch.randperm(
                num_examples, generator=generator(seed, "epoch", epoch)
            )  # (N,)
        indices.append(int(permutations[epoch][place]))
    return indices


def shown_examples(task: Task | AdversarialTask, config: TrainingConfig, step: int) -> list[int]:
    """Examples of all micro-batches of optimizer step `step`, from 0."""
    batch_size = config.batch_size * config.accumulation
    return step_indices(step, batch_size, task.num_examples, config.seed)


def make_step(
    task: Task | AdversarialTask,
    config: TrainingConfig,
    step: int,
    accelerator: Accelerator,
    network: nn.Module,
    optimizer: AcceleratedOptimizer,
) -> dict[str, float]:
    """Optimizer step `step` (from 0) over this process's micro-batches, in all its phases; returns
    the terms, averaged over the examples of all processes, and their sum as "total", or as
    "PHASE_total". A phase without terms rests.
    """
    batches = _micro_batches(task, config, step, accelerator)
    means: dict[str, float] = {}
    for phase in task.phases if isinstance(task, AdversarialTask) else ("",):
        if phase:
            _require_gradients_of(accelerator.unwrap_model(network), phase)
        for micro in batches:
            batch = {name: value.to(accelerator.device) for name, value in micro.items()}
            with accelerator.accumulate(network):
                with accelerator.autocast():
                    if isinstance(task, AdversarialTask):
                        terms = task.phase_losses(network, batch, phase, step)
                    else:
                        terms = task.losses(network, batch)
                if not terms:
                    break
                total = weighted_total(terms, task.loss_weights)
                accelerator.backward(total)
                if accelerator.sync_gradients and config.max_grad_norm is not None:
                    accelerator.clip_grad_norm_(network.parameters(), config.max_grad_norm)
                optimizer.step()
                optimizer.zero_grad()
            for name, value in {**terms, f"{phase}_total" if phase else "total": total}.items():
                means[name] = means.get(name, 0.0) + float(value.detach()) / len(batches)
    return processes.mean(means, accelerator)


def _micro_batches(
    task: Task | AdversarialTask, config: TrainingConfig, step: int, accelerator: Accelerator
) -> list[dict[str, Tensor]]:
    """This process's part of the `accumulation` micro-batches of a step, on the CPU."""
    batches = []
    for number in range(step * config.accumulation, (step + 1) * config.accumulation):
        indices = step_indices(number, config.batch_size, task.num_examples, config.seed)
        batch = task.batch(indices, generator(config.seed, "batch", number))
        batches.append(processes.share(batch, accelerator.process_index, accelerator.num_processes))
    return batches


def _require_gradients_of(network: nn.Module, phase: str) -> None:
    """Gradients for one child alone: the optimizer leaves weights without them as they are."""
    for name, child in network.named_children():
        child.requires_grad_(name == phase)


def weighted_total(terms: Mapping[str, Tensor], weights: Mapping[str, float]) -> Tensor:
    """The one place where loss terms are added: sum over terms of weight x term."""
    return torch.stack([weights[name] * term for name, term in terms.items()]).sum()

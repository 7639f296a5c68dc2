"""The training loop, on Hugging Face accelerate. It knows a task and nothing of its network."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from gcdp_bench.core.config import from_dict, to_dict
from gcdp_bench.core.device import require_compiler
from gcdp_bench.core.finite import NotFinite
from gcdp_bench.core.progress import Progress, Silent
from gcdp_bench.core.rng import derive_seed
from gcdp_bench.core.types import Dataset
from gcdp_bench.datasets.identity import IDENTITY, DatasetIdentity, identity_record
from gcdp_bench.profiling.training_cost import Meter, Spent, read_cost, write_cost
from gcdp_bench.training import checkpoint, processes, run_folder, sharding
from gcdp_bench.training.ema import MovingAverage
from gcdp_bench.training.failures import Diverged, enough_memory, not_finite
from gcdp_bench.training.read_ahead import ReadsAhead, first_uses
from gcdp_bench.training.settings import TrainingConfig
from gcdp_bench.training.steps import make_step, shown_examples
from gcdp_bench.training.task import AdversarialTask, Task

if TYPE_CHECKING:
    from accelerate import Accelerator
    from accelerate.optimizer import AcceleratedOptimizer


@dataclass(frozen=True, kw_only=True)
class Source:
    """Facts about the data of a training, beside their name."""

    identity: DatasetIdentity | None = None  # for `config.json`, by which the run is found
    left_out: Mapping[str, Any] | None = None  # what they lack of the dataset, for `config.json`
    resize: str = "none"  # how images came to their size, for the same
    items: Dataset | None = None  # example i of the task is item i of them; None: of no single one


def train(
    task: Task | AdversarialTask,
    config: TrainingConfig,
    run_dir: Path,
    *,
    resume: bool,
    progress: Progress,
    part: str,
    dataset: str,
    source: Source | None = None,
    num_workers: int = 0,
    compiled: bool = False,
) -> Path:
    """Train until `config.steps` and return `run_dir`, which then holds `config.json`, the averaged
    weights (`model.safetensors`, or what the task exports) and what they cost in `cost.json`.

    Started in several processes by a launcher, they share every batch, and the first of them writes
    and shows progress. A resumed run may have another number of them.

    Args:
        task: what is learned, from which data.
        config: how.
        run_dir: folder of the run.
        resume: continue the run in the folder.
        progress: told of every step.
        part: what is trained, for `cost.json`: "base", "ldm", ...
        dataset: on what, for the same.
        source: what else is known of the data.
        num_workers: processes that read or render the first epoch's items, for tasks that can
            (`ReadsAhead`); the numbers are the same with any.
        compiled: compile the network with inductor, which takes minutes; losses differ by rounding.
            A resumed run may have another choice.

    Raises:
        FileExistsError: the folder holds a run and `resume` is off.
        ValueError: the run to resume has another configuration or other data, or several processes
            would not learn what one does; see `processes.check`.
        OSError: `run_dir` cannot be written.
        Diverged: a loss or a weight is not finite; names the step, the batch's examples and the
            last checkpoint.
        MemoryError: a GPU has no memory left; names the settings to change.
    """
    record = {"task": task.metadata(), "training": to_dict(config)}
    source = Source() if source is None else source
    if source.resize != "none":
        record["resize"] = source.resize
    if source.identity is not None:
        record[IDENTITY] = to_dict(identity_record(source.identity))
    if source.left_out is not None:
        record["left_out"] = to_dict(source.left_out)
    if compiled:
        check_compiled(task)
        record["compile"] = True
    last = run_folder.to_continue(run_dir, record, resume=resume)
    accelerator = processes.start(config, run_dir)
    processes.check(task, config.batch_size, accelerator.num_processes)
    if accelerator.is_main_process:
        run_folder.prepare(run_dir, record)
    else:
        progress = Silent()
    accelerator.wait_for_everyone()

    learner, state = _begin(task, config, accelerator, last, compiled=compiled)
    step, spent = state["step"], from_dict(Spent, state["spent"], where=str(last))
    meter = Meter(spent, device=accelerator.device, num_processes=accelerator.num_processes)
    batch_size = config.batch_size * config.accumulation

    def publish() -> None:
        """Write the averaged weights, then what they cost, which tells that both are there."""
        network = sharding.whole(learner.average.module, task.build)
        if accelerator.is_main_process:
            run_folder.write_weights(task, network, run_dir)
            cost = meter.cost(
                part=part,
                dataset=dataset,
                steps=step,
                examples_seen=step * batch_size,
                num_parameters=sum(weight.numel() for weight in learner.plain.parameters()),
            )
            write_cost(run_dir, cost)
        accelerator.wait_for_everyone()

    if last is not None and step >= config.steps and not _published(run_dir, step):
        publish()
    if num_workers and step < config.steps and isinstance(task, ReadsAhead):
        task.read_ahead(first_uses(config, task.num_examples, step), num_workers)
    # a killed run has logged steps after its last checkpoint: they are made, and logged, again
    accelerator.init_trackers("tensorboard", init_kwargs={"tensorboard": {"purge_step": step + 1}})
    progress.start("train", config.steps, done=step, unit="step")
    while step < config.steps:
        learner.network.train()
        for group in learner.optimizer.param_groups:
            group["lr"] = config.learning_rate_at(step)
        with enough_memory(run_dir, step + 1, config, accelerator.num_processes):
            with meter.step(step, batch_size):
                terms = make_step(
                    task, config, step, accelerator, learner.network, learner.optimizer
                )
            if not all(map(math.isfinite, terms.values())):
                what = f"loss terms are {terms}"
                shown = shown_examples(task, config, step)
                raise Diverged(run_dir, step + 1, what, shown, source.items)
            learner.average.update_parameters(learner.plain)
            step += 1

            accelerator.log({f"train/{name}": value for name, value in terms.items()}, step=step)
            progress.advance(values=terms)
            _look(task, config, step, accelerator, learner.average, run_dir, source.items)
        if step % config.checkpoint_every == 0 or step == config.steps:
            tensors = learner.tensors()
            broken = not_finite(tensors["network"])
            if broken is not None:
                what = f"{broken} is not finite"
                shown = shown_examples(task, config, step - 1)
                raise Diverged(run_dir, step, what, shown, source.items)
            if accelerator.is_main_process:
                spent = to_dict(meter.spent)
                checkpoint.save_checkpoint(run_dir, step, tensors, {**record, "spent": spent})
            publish()
    for tracker in accelerator.trackers:
        tracker.finish()
    progress.finish()
    return run_dir


def check_compiled(task: Task | AdversarialTask) -> None:
    """Refuse to compile where it cannot be done, or would do nothing.

    Raises:
        ValueError: the task calls parts of its network, or there is no compiler.
    """
    if isinstance(task, AdversarialTask):
        raise ValueError(
            "--compile: expected a network that is called as a whole, got one that learns in "
            f"turns ({', '.join(task.phases)}); leave it out"
        )
    require_compiler()


@dataclass(frozen=True)
class _Learner:
    """State that a training step changes."""

    network: nn.Module  # as accelerate wraps it
    plain: nn.Module  # without the wrapper
    average: MovingAverage
    optimizer: AcceleratedOptimizer

    def tensors(self) -> dict[str, dict[str, Tensor]]:
        """All of it, whole, as checkpoints hold it; all processes must call this."""
        return {
            "network": sharding.full(self.plain.state_dict()),
            "averaged": sharding.full(self.average.state_dict()),
            "optimizer": sharding.full(checkpoint.optimizer_tensors(self.optimizer.optimizer)),
        }


def _begin(
    task: Task | AdversarialTask,
    config: TrainingConfig,
    accelerator: Accelerator,
    last: Path | None,
    *,
    compiled: bool,
) -> tuple[_Learner, dict[str, Any]]:
    """A fresh network, or that of the checkpoint `last` with its stored state."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(config.seed, "initialise"))
        network = task.build()
    average = MovingAverage(network, config.ema_max_decay)
    if last is not None:
        checkpoint.load_networks(last, network=network, averaged=average)
    average.to(accelerator.device)
    optimizer = torch.optim.AdamW(
        network.parameters(),
        lr=0.0,
        betas=config.betas,
        weight_decay=config.weight_decay,
        fused=True,
    )
    if compiled:
        network.compile(dynamic=False)
    network, optimizer = accelerator.prepare(network, optimizer)
    plain = accelerator.unwrap_model(network)
    sharding.shard_like(average.module, plain)
    state = {"step": 0, "spent": to_dict(Spent())}
    if last is not None:
        checkpoint.load_optimizer(last, optimizer.optimizer)
        state = checkpoint.read_state(last)
    return _Learner(network, plain, average, optimizer), state


def _look(
    task: Task | AdversarialTask,
    config: TrainingConfig,
    step: int,
    accelerator: Accelerator,
    average: MovingAverage,
    run_dir: Path,
    items: Dataset | None,
) -> None:
    """Validation and preview of the averaged network where they are due, by the first process."""
    last = step == config.steps
    validated = last or step % config.validate_every == 0
    previewed = last or step % config.preview_every == 0
    if not validated and not previewed:
        return
    average.eval()
    network = sharding.whole(average.module, task.build).eval()
    if accelerator.is_main_process and validated:
        values = task.validation(network)
        accelerator.log({f"validation/{name}": v for name, v in values.items()}, step=step)
    if accelerator.is_main_process and previewed:
        try:
            run_folder.write_preview(task, network, run_dir, step)
        except NotFinite as error:
            examples = shown_examples(task, config, step - 1)
            raise Diverged(run_dir, step, f"preview: {error}", examples, items) from error
    accelerator.wait_for_everyone()


def _published(run_dir: Path, step: int) -> bool:
    """Whether the weights of the last step were written before the run was killed."""
    cost = read_cost(run_dir)
    return cost is not None and cost.steps == step

"""The training loop, on Hugging Face accelerate. It knows a task and nothing of its network."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from gcdp_bench.config import digest, from_dict, to_dict, write_json
from gcdp_bench.costs import Meter, Spent, write_cost
from gcdp_bench.files import output_folder
from gcdp_bench.images import write_image
from gcdp_bench.progress import Progress
from gcdp_bench.seeds import derive_seed, generator
from gcdp_bench.training import checkpoint
from gcdp_bench.training.ema import averaged as averaged_copy
from gcdp_bench.training.task import Exporting, Learning, Task, TurnTask

CADENCE = ("steps", "checkpoint_every", "validate_every", "preview_every")
"""Settings that a resumed run may change. A new length bends the rest of a cosine decay."""


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """How a network is trained; what it learns is the task's."""

    steps: int
    batch_size: int = 16  # examples per micro-batch, over all processes
    accumulation: int = 1  # micro-batches per optimizer step
    learning_rate: float = 3e-4
    decay: Literal["constant", "cosine"] = "constant"  # after the warm-up, to zero at `steps`
    warmup_steps: int = 500
    betas: tuple[float, float] = (0.9, 0.99)
    weight_decay: float = 0.0
    max_grad_norm: float | None = 1.0
    precision: Literal["no", "fp16", "bf16"] = "no"
    ema_max_decay: float = 0.999
    seed: int = 0
    checkpoint_every: int = 1000
    validate_every: int = 1000
    preview_every: int = 1000

    def __post_init__(self):
        for name in ("steps", "batch_size", "accumulation", "checkpoint_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: expected at least 1, got {getattr(self, name)}")
        if self.learning_rate <= 0:
            raise ValueError(f"learning_rate: expected above 0, got {self.learning_rate}")

    def learning_rate_at(self, step: int) -> float:
        """Rate of optimizer step `step` (from 0): linear warm-up, then constant or cosine."""
        if step < self.warmup_steps:
            return self.learning_rate * (step + 1) / self.warmup_steps
        if self.decay == "constant":
            return self.learning_rate
        progress = (step - self.warmup_steps) / max(1, self.steps - self.warmup_steps)
        return self.learning_rate * 0.5 * (1.0 + math.cos(math.pi * min(1.0, progress)))


def train(
    task: Task | TurnTask,
    config: TrainingConfig,
    run_dir: Path,
    *,
    resume: bool,
    progress: Progress,
    part: str,
    dataset: str,
    left_out: Mapping[str, Any] | None = None,
) -> Path:
    """Train until `config.steps` and return `run_dir`, which then holds `config.json`, the averaged
    weights (`model.safetensors`, or what the task exports) and what they cost in `cost.json`.

    Args:
        task: what is learned, from which data.
        config: how.
        run_dir: folder of the run.
        resume: continue the run in the folder.
        progress: told of every step.
        part: what is trained, for `cost.json`: "base", "ldm", ...
        dataset: on what, for the same.
        left_out: what the data lack of the dataset, for `config.json`; None: nothing.

    Raises:
        FileExistsError: the folder holds a run and `resume` is off.
        ValueError: the run to resume has another configuration, or several processes would learn
            in turns.
        OSError: `run_dir` cannot be written.
        FloatingPointError: a loss or a weight is not finite; names the step and the last
            checkpoint.
    """
    from accelerate import Accelerator

    record = {"task": task.metadata(), "training": to_dict(config)}
    if left_out is not None:
        record["left_out"] = to_dict(left_out)
    last = _open_run(run_dir, record, resume=resume)
    accelerator = Accelerator(
        mixed_precision=config.precision,
        gradient_accumulation_steps=config.accumulation,
        log_with="tensorboard",
        project_dir=str(run_dir),
    )
    if isinstance(task, TurnTask) and accelerator.num_processes > 1:
        raise ValueError(
            f"learning in turns runs in one process, got {accelerator.num_processes}; "
            "start it without a launcher"
        )
    accelerator.init_trackers("tensorboard")

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(config.seed, "initialise"))
        network = task.build()
    ema = averaged_copy(network, config.ema_max_decay).to(accelerator.device)
    optimizer = torch.optim.AdamW(
        network.parameters(),
        lr=0.0,
        betas=config.betas,
        weight_decay=config.weight_decay,
        fused=True,
    )
    step, spent = 0, Spent()
    if last is not None:
        state = checkpoint.load_checkpoint(last, network=network, averaged=ema, optimizer=optimizer)
        step, spent = state["step"], from_dict(Spent, state["spent"], where=str(last))
    network, optimizer = accelerator.prepare(network, optimizer)
    plain = accelerator.unwrap_model(network)
    meter = Meter(spent, device=accelerator.device, num_processes=accelerator.num_processes)
    batch_size = config.batch_size * config.accumulation

    progress.start("train", config.steps, done=step, unit="step")
    while step < config.steps:
        network.train()
        for group in optimizer.param_groups:
            group["lr"] = config.learning_rate_at(step)
        terms = {}
        with meter.step(step, batch_size):
            batches = _micro_batches(task, config, step, accelerator)
            for turn in task.turns if isinstance(task, TurnTask) else (None,):
                terms |= _optimizer_step(
                    task, config, batches, step, accelerator, network, optimizer, turn
                )
        if not all(map(math.isfinite, terms.values())):
            raise FloatingPointError(_diverged(run_dir, step + 1, f"loss terms are {terms}"))
        ema.update_parameters(plain)
        step += 1

        accelerator.log({f"train/{name}": value for name, value in terms.items()}, step=step)
        progress.advance(values=terms)
        if step % config.validate_every == 0 or step == config.steps:
            ema.eval()
            values = task.validation(ema.module)
            accelerator.log({f"validation/{name}": v for name, v in values.items()}, step=step)
        if step % config.preview_every == 0 or step == config.steps:
            _write_preview(task, ema.module, run_dir / "previews" / f"step-{step:08d}.png")
        if accelerator.is_main_process and (
            step % config.checkpoint_every == 0 or step == config.steps
        ):
            broken = _not_finite(plain)
            if broken is not None:
                raise FloatingPointError(_diverged(run_dir, step, f"{broken} is not finite"))
            checkpoint.save_checkpoint(
                run_dir,
                step,
                network=plain,
                averaged=ema,
                optimizer=optimizer.optimizer,
                state={**record, "spent": to_dict(meter.spent)},
            )
            cost = meter.cost(
                part=part,
                dataset=dataset,
                steps=step,
                examples_seen=step * batch_size,
                num_parameters=sum(weight.numel() for weight in plain.parameters()),
            )
            write_cost(run_dir, cost)
            _write_weights(task, ema.module, run_dir)
    accelerator.end_training()
    progress.finish()
    return run_dir


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


def _micro_batches(
    task: Task | TurnTask, config: TrainingConfig, step: int, accelerator: Any
) -> list[dict[str, Tensor]]:
    """This process's part of the `accumulation` micro-batches of a step, on the CPU."""
    batches = []
    for number in range(step * config.accumulation, (step + 1) * config.accumulation):
        indices = step_indices(number, config.batch_size, task.num_examples, config.seed)
        batch = task.batch(indices, generator(config.seed, "batch", number))
        batches.append(_share(batch, accelerator.process_index, accelerator.num_processes))
    return batches


def _optimizer_step(
    task: Task | TurnTask,
    config: TrainingConfig,
    batches: Sequence[dict[str, Tensor]],
    step: int,
    accelerator: Any,
    network: nn.Module,
    optimizer: Any,
    turn: str | None,
) -> dict[str, float]:
    """One step, or one turn of it, over its micro-batches; returns the averaged terms.

    The sum of the terms is added as "total", or "TURN_total".
    """
    sums: dict[str, float] = {}
    if turn is not None:
        _require_gradients_of(accelerator.unwrap_model(network), turn)
    for micro in batches:
        batch = {name: value.to(accelerator.device) for name, value in micro.items()}
        with accelerator.accumulate(network):
            with accelerator.autocast():
                if isinstance(task, TurnTask):
                    assert turn is not None
                    terms = task.turn_losses(network, batch, turn, step)
                else:
                    terms = task.losses(network, batch)
            if not terms:
                return {}
            total = weighted_total(terms, task.loss_weights)
            accelerator.backward(total)
            if accelerator.sync_gradients and config.max_grad_norm is not None:
                accelerator.clip_grad_norm_(network.parameters(), config.max_grad_norm)
            optimizer.step()
            optimizer.zero_grad()
        named = {**terms, "total" if turn is None else f"{turn}_total": total}
        for name, value in named.items():
            sums[name] = sums.get(name, 0.0) + float(value.detach()) / len(batches)
    return sums


def _require_gradients_of(network: nn.Module, turn: str) -> None:
    """Gradients for one child alone: the optimizer leaves weights without them as they are."""
    for name, child in network.named_children():
        child.requires_grad_(name == turn)


def weighted_total(terms: Mapping[str, Tensor], weights: Mapping[str, float]) -> Tensor:
    """The one place where loss terms are added: sum over terms of weight x term."""
    return torch.stack([weights[name] * term for name, term in terms.items()]).sum()


def _share(batch: dict[str, Tensor], rank: int, num_processes: int) -> dict[str, Tensor]:
    """This process's part of a global batch."""
    return {name: value[rank::num_processes] for name, value in batch.items()}


def _open_run(run_dir: Path, record: dict[str, Any], *, resume: bool) -> Path | None:
    """Create the run folder, or check that it can be continued; returns the checkpoint to load."""
    existing = checkpoint.checkpoints(run_dir)
    if existing and not resume:
        raise FileExistsError(
            f"{run_dir} holds a run; continue it with --resume or choose another --out"
        )
    if existing:
        stored = checkpoint.read_state(existing[-1])
        old, new = (
            {
                "task": run["task"],
                "training": _without_cadence(run["training"]),
                "left_out": run.get("left_out"),
            }
            for run in (stored, record)
        )
        if digest(old) != digest(new):
            raise ValueError(
                f"{run_dir}: the run to resume has another configuration; differing: "
                f"{', '.join(differing_keys(old, new))}; use the same settings or another --out"
            )
    output_folder(run_dir)
    write_json(run_dir / "config.json", record)
    return existing[-1] if existing else None


def differing_keys(old: Any, new: Any, prefix: str = "") -> list[str]:
    """Dotted keys at which two JSON trees differ."""
    if isinstance(old, dict) and isinstance(new, dict):
        keys = sorted(old.keys() | new.keys())
        nested = (differing_keys(old.get(k), new.get(k), f"{prefix}{k}.") for k in keys)
        return [key for part in nested for key in part]
    return [] if to_dict(old) == to_dict(new) else [prefix.rstrip(".")]


def _without_cadence(training: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in training.items() if name not in CADENCE}


def _not_finite(network: nn.Module) -> str | None:
    """Name of a weight that is NaN or infinite."""
    for name, weight in network.state_dict().items():
        if weight.is_floating_point() and not bool(torch.isfinite(weight).all()):
            return name
    return None


def _diverged(run_dir: Path, step: int, what: str) -> str:
    newest = checkpoint.checkpoints(run_dir)
    return (
        f"diverged at step {step}: {what}; the last good checkpoint is "
        f"{newest[-1] if newest else 'none'}; train anew into another --out with a lower "
        "learning_rate or with precision=no: a run resumes with its own settings alone"
    )


def _write_weights(task: Learning, network: nn.Module, run_dir: Path) -> None:
    """The network as it is loaded later."""
    if isinstance(task, Exporting):
        task.export(network, run_dir)
    else:
        checkpoint.save_weights(run_dir / "model.safetensors", network.state_dict())


def _write_preview(task: Learning, network: nn.Module, path: Path) -> None:
    sheet = task.preview(network)
    if sheet is not None:
        write_image(path, sheet)

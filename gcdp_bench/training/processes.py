"""Training in several processes: one batch, one set of numbers, one end."""

from __future__ import annotations

import atexit
import logging
import os
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import torch
from torch import Tensor

from gcdp_bench.training.settings import TrainingConfig
from gcdp_bench.training.task import AdversarialTask, BatchCoupled, Task

if TYPE_CHECKING:
    from accelerate import Accelerator

logger = logging.getLogger(__name__)

PRECISION_VARIABLE = "ACCELERATE_MIXED_PRECISION"
PATIENCE = timedelta(hours=2)  # of processes that wait for a validation, preview or checkpoint


def start(config: TrainingConfig, run_dir: Path) -> Accelerator:
    """Join the processes of the launcher, or be the only one.

    Raises:
        ValueError: a launcher has started several processes that do not find each other, or wants
            weights to be split in a way that is not known here.
    """
    from accelerate import Accelerator, InitProcessGroupKwargs
    from accelerate.utils import DistributedType

    # every process builds or reads the same weights; by default FSDP takes them from the first one
    # alone, which fails for weights and buffers of a network's root
    os.environ["FSDP_CPU_RAM_EFFICIENT_LOADING"] = "false"
    check_precision(config.precision)
    accelerator = Accelerator(
        mixed_precision=config.precision,
        gradient_accumulation_steps=config.accumulation,
        cpu=not torch.accelerator.is_available(),
        log_with="tensorboard",
        project_dir=str(run_dir),
        kwargs_handlers=[InitProcessGroupKwargs(timeout=PATIENCE)],
    )
    started = int(os.environ.get("WORLD_SIZE", "1"))
    if started != accelerator.num_processes:
        raise ValueError(
            f"the launcher started {started} processes, but {accelerator.num_processes} train "
            f"together on {accelerator.device.type}; start with `accelerate launch` or `torchrun` "
            "on GPUs of CUDA or on CPUs"
        )
    unknown = (DistributedType.DEEPSPEED, DistributedType.MEGATRON_LM)
    old_fsdp = accelerator.distributed_type == DistributedType.FSDP and not accelerator.is_fsdp2
    if accelerator.distributed_type in unknown or old_fsdp:
        raise ValueError(
            f"expected DDP or FSDP of version 2, got {accelerator.distributed_type.value}"
            f"{' of version 1' if old_fsdp else ''}; choose another with `accelerate config`"
        )
    return accelerator


def check_precision(precision: str) -> None:
    """Refuse a precision that would not be used: the run's configuration says which one is.

    Raises:
        ValueError: accelerate was told another one, or fp16 would be float32 without a GPU.
    """
    if precision == "fp16" and not torch.accelerator.is_available():
        raise ValueError(
            "precision: expected no or bf16 without a GPU, got fp16, which would train in float32; "
            "pass --set precision=no, or train on a GPU"
        )
    told = os.environ.get(PRECISION_VARIABLE, "").lower()
    if told in ("", "no"):
        other = told or _precision_of_file()
        if other not in ("", precision):
            logger.warning(
                "accelerate says mixed_precision %s; the run's settings decide and say %s "
                "(--set precision=%s for the other)",
                other,
                precision,
                other,
            )
    elif told not in ("fp16", "bf16"):
        raise ValueError(
            f"accelerate was told the precision {told}, expected one of no, fp16 and bf16; pass "
            "`accelerate launch --mixed_precision no` and --set precision=bf16"
        )
    elif told != precision:
        raise ValueError(
            f"accelerate was told the precision {told} (`accelerate launch --mixed_precision`, its "
            f"configuration or {PRECISION_VARIABLE}), the run's settings say {precision}; pass "
            f"--set precision={told}, or `accelerate launch --mixed_precision no`"
        )


def _precision_of_file() -> str:
    """Precision in the file of `accelerate config`, which only `accelerate launch` passes on; else
    "".
    """
    from accelerate.commands.config.config_args import default_config_file, load_config_from_file

    try:
        config = load_config_from_file(None) if Path(default_config_file).is_file() else None
    except Exception:  # a damaged file is the business of `accelerate launch`
        return ""
    return str(getattr(config, "mixed_precision", None) or "").lower()


def check(task: Task | AdversarialTask, batch_size: int, num_processes: int) -> None:
    """Refuse what would give other numbers than one process.

    Raises:
        ValueError: the task learns in turns, the loss of a batch is not the mean over its parts, or
            the batch cannot be divided evenly.
    """
    if num_processes == 1:
        return
    if isinstance(task, AdversarialTask):
        raise ValueError(
            f"learning in turns runs in one process, got {num_processes}; "
            "start it without a launcher"
        )
    if isinstance(task, BatchCoupled):
        raise ValueError(
            f"{num_processes} processes would learn something else than one: "
            f"{task.mixes_examples}; start it without a launcher"
        )
    if batch_size % num_processes:
        raise ValueError(
            f"batch_size: expected a multiple of the {num_processes} processes, got {batch_size}; "
            f"set batch_size={-(-batch_size // num_processes) * num_processes}"
        )


def share(batch: dict[str, Tensor], rank: int, num_processes: int) -> dict[str, Tensor]:
    """Process `rank`'s part of a global batch, as large as every other's."""
    return {name: value[rank::num_processes] for name, value in batch.items()}


def mean(terms: Mapping[str, float], accelerator: Accelerator) -> dict[str, float]:
    """Means of numbers over the processes, the same in each; all processes must call this."""
    if accelerator.num_processes == 1:
        return dict(terms)
    values = torch.tensor([*terms.values()], dtype=torch.float64, device=accelerator.device)
    reduced = accelerator.reduce(values, reduction="mean")
    assert isinstance(reduced, Tensor)
    return dict(zip(terms, reduced.tolist(), strict=True))


def leave() -> None:
    """End the work with the other processes, after the last training of a command."""
    from accelerate import PartialState

    PartialState().destroy_process_group()


def joined() -> bool:
    """Whether this process has joined others of a launcher, even if it has left them again."""
    from accelerate.state import DistributedType, PartialState, is_initialized

    return is_initialized() and PartialState().distributed_type != DistributedType.NO


def end(error: BaseException) -> NoReturn:
    """End this process as the interpreter would after `error`, but without the interpreter's end.

    Gloo's threads outlive the process group while anything refers to it (DDP, a device mesh). Such
    a thread may hold the last reference to the tensors of a finished collective; freeing them takes
    the interpreter's lock in a destructor. Once the interpreter is ending, CPython answers by
    unwinding the thread, and C++ aborts the process for it: SIGABRT, "terminate called without an
    active exception", after all is written. So nothing here ends the interpreter: what `atexit`
    holds is run, files are flushed, and the process ends at once.

    Args:
        error: that would leave the command; of a `SystemExit` the exit code is kept.
    """
    if isinstance(error, SystemExit) and (error.code is None or isinstance(error.code, int)):
        code = error.code or 0
    else:
        sys.excepthook(type(error), error, error.__traceback__)
        code = 1
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def is_first() -> bool:
    """Whether the launcher counts this process first, or started no other; before they join."""
    return os.environ.get("RANK", "0") == "0"


def is_main() -> bool:
    """Whether this process writes and prints; call it after a training."""
    from accelerate import PartialState

    return PartialState().is_main_process

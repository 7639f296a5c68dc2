"""Checkpoints: folders of safetensors and one JSON, complete or absent."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from gcdp_bench.core.config import read_table, write_json
from gcdp_bench.io.atomic import remove_folder, replacing, replacing_folder
from gcdp_bench.io.validation import reason, shown
from gcdp_bench.training.sharding import like

NUM_KEPT = 2
DTYPES = frozenset(
    {
        torch.float64,
        torch.float32,
        torch.float16,
        torch.bfloat16,
        torch.int64,
        torch.int32,
        torch.int16,
        torch.int8,
        torch.uint8,
        torch.bool,
    }
)
"""Numbers that weights may be stored as."""
REMEDY = "load them with the configuration they were saved with"
CHECKPOINTS = "checkpoints"  # their folder in a run
FILES = ("network.safetensors", "averaged.safetensors", "optimizer.safetensors", "state.json")


def save_weights(path: Path, weights: Mapping[str, Tensor]) -> None:
    """Write tensors as safetensors, complete or not at all.

    Raises:
        OSError: they cannot be written.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    with replacing(path) as temporary:
        try:
            save_file(tensors, temporary)
        except SafetensorError as error:
            raise OSError(f"{path}: {reason(error)}") from error


def load_weights(path: Path) -> dict[str, Tensor]:
    """Read safetensors.

    Raises:
        FileNotFoundError: no such file.
        ValueError: the file is truncated or not safetensors.
    """
    if not path.exists():
        raise FileNotFoundError(
            f"{path}: expected model weights, found none; train the model first"
        )
    try:
        return load_file(path)
    except (SafetensorError, OSError, KeyError, RuntimeError) as error:  # KeyError: of a new dtype
        raise ValueError(
            f"{path}: expected safetensors, got {reason(error)}; restore the file"
        ) from error


def load_into(
    network: nn.Module, weights: Mapping[str, Tensor], *, source: Path, remedy: str = REMEDY
) -> None:
    """Fill `network` strictly; half-precision weights are widened to the network's type.

    Raises:
        ValueError: as `check_fit`.
    """
    check_fit(network, weights, source=source, remedy=remedy)
    network.load_state_dict(dict(weights), strict=True)


def check_fit(
    network: nn.Module, weights: Mapping[str, Tensor], *, source: Path, remedy: str = REMEDY
) -> None:
    """Refuse weights that `network` cannot be filled with; it may be on the meta device.

    Args:
        network: to be filled.
        weights: by name.
        source: what messages name.
        remedy: what to do about weights of another network, for the message.

    Raises:
        ValueError: names, shapes or kinds of numbers differ, or a weight is NaN or infinite; the
            first few are listed.
    """
    own = network.state_dict()
    problems = [f"missing {name}" for name in own.keys() - weights.keys()]
    problems += [f"unexpected {name}" for name in weights.keys() - own.keys()]
    problems += [
        f"{name} is {tuple(weights[name].shape)}, expected {tuple(own[name].shape)}"
        for name in own.keys() & weights.keys()
        if own[name].shape != weights[name].shape
    ]
    problems += [
        f"{name} is of {weights[name].dtype}, expected {own[name].dtype}"
        for name in own.keys() & weights.keys()
        if weights[name].dtype not in DTYPES
        or own[name].is_floating_point() != weights[name].is_floating_point()
    ]
    if problems:
        raise ValueError(
            f"{source}: weights are of another configuration: {'; '.join(sorted(problems)[:5])}"
            f" ({len(problems)} differences); {remedy}"
        )
    broken = [name for name, weight in weights.items() if not bool(weight.isfinite().all())]
    if broken:
        raise ValueError(
            f"{source}: expected finite weights, got NaN or infinity in {', '.join(broken[:5])} "
            f"({len(broken)} of {len(weights)} tensors); take an earlier checkpoint"
        )


def save_checkpoint(
    run_dir: Path,
    step: int,
    tensors: Mapping[str, Mapping[str, Tensor]],
    state: Mapping[str, Any],
) -> Path:
    """Write `run_dir/checkpoints/step-XXXXXXXX`, then drop all but the newest `NUM_KEPT`.

    Args:
        run_dir: of the run.
        step: that was made last, from 1.
        tensors: "network", "averaged" and "optimizer", whole; see `optimizer_tensors`.
        state: what else is needed to go on.
    """
    folder = run_dir / CHECKPOINTS / f"step-{step:08d}"
    with replacing_folder(folder) as temporary:
        for name, values in tensors.items():
            save_weights(temporary / f"{name}.safetensors", values)
        write_json(temporary / "state.json", {"step": step, **state})
    for old in checkpoints(run_dir)[:-NUM_KEPT]:
        remove_folder(old)
    return folder


def checkpoints(run_dir: Path) -> list[Path]:
    """Complete checkpoints of a run, oldest first."""
    folders = sorted((run_dir / CHECKPOINTS).glob("step-*"))
    return [folder for folder in folders if all((folder / name).is_file() for name in FILES)]


def remove_partial(run_dir: Path) -> None:
    """Remove what killed processes left of checkpoints; nobody may be training in `run_dir`."""
    for folder in (run_dir / CHECKPOINTS).glob(".step-*.tmp"):
        shutil.rmtree(folder)


def load_networks(folder: Path, *, network: nn.Module, averaged: nn.Module) -> None:
    """Restore both in place, before they are split over processes."""
    for module, name in ((network, "network"), (averaged, "averaged")):
        path = folder / f"{name}.safetensors"
        load_into(module, load_weights(path), source=path)


def load_optimizer(folder: Path, optimizer: torch.optim.Optimizer) -> None:
    """Restore an optimizer in place; its state is split over processes as its parameters are.

    Raises:
        ValueError: the file is damaged or of another network.
    """
    source = folder / "optimizer.safetensors"
    state = _optimizer_state(load_weights(source), optimizer, source)
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})


def read_state(folder: Path) -> dict[str, Any]:
    """State of a checkpoint's run: the step, the configuration, the time spent.

    Raises:
        FileNotFoundError, ValueError: the file is missing or damaged.
    """
    path = folder / "state.json"
    state = read_table(path)
    kinds = {"step": int, "task": dict, "training": dict, "spent": dict}
    wrong = [name for name, kind in kinds.items() if type(state.get(name)) is not kind]
    if wrong:
        raise ValueError(
            f"{path}: expected {', '.join(kinds)} of a run, got no {', '.join(wrong)}; remove "
            f"{folder} to continue from the checkpoint before"
        )
    return state


def _optimizer_state(
    tensors: Mapping[str, Tensor], optimizer: torch.optim.Optimizer, source: Path
) -> dict[int, dict[str, Tensor]]:
    """The state by the place of each parameter, from names such as `3.exp_avg`."""
    parameters = [weight for group in optimizer.param_groups for weight in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        place, _, name = key.partition(".")
        index = int(place) if place.isascii() and place.isdigit() and len(place) < 10 else -1
        if not (0 <= index < len(parameters) and tensor.shape in (parameters[index].shape, ())):
            raise ValueError(
                f"{source}: expected the state of {len(parameters)} parameters, got {shown(key)} "
                f"of shape {tuple(tensor.shape)}; restore the file"
            )
        state.setdefault(index, {})[name] = like(tensor, parameters[index])
    return state


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """State of an optimizer: "INDEX.NAME" of a parameter's place and what is kept of it."""
    state = optimizer.state_dict()["state"]
    return {f"{i}.{name}": value for i, entry in state.items() for name, value in entry.items()}

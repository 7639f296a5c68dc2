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

from gcdp_bench.config import write_json
from gcdp_bench.files import remove_folder, replacing, replacing_folder
from gcdp_bench.training.sharding import like

NUM_KEPT = 2
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
            raise OSError(f"{path}: {error}") from error


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
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{path}: expected safetensors, got {error}; restore the file") from error


def load_into(network: nn.Module, weights: Mapping[str, Tensor], *, source: Path) -> None:
    """Fill `network` strictly; half-precision weights are widened to the network's type.

    Raises:
        ValueError: names or shapes differ; the first few are listed.
    """
    own = network.state_dict()
    problems = [f"missing {name}" for name in own.keys() - weights.keys()]
    problems += [f"unexpected {name}" for name in weights.keys() - own.keys()]
    problems += [
        f"{name} is {tuple(weights[name].shape)}, expected {tuple(own[name].shape)}"
        for name in own.keys() & weights.keys()
        if own[name].shape != weights[name].shape
    ]
    if problems:
        raise ValueError(
            f"{source}: weights are of another configuration: {'; '.join(sorted(problems)[:5])}"
            f" ({len(problems)} differences); load them with the configuration they were saved with"
        )
    network.load_state_dict(dict(weights), strict=True)


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
    """Restore an optimizer in place; its state is split over processes as its parameters are."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in load_weights(folder / "optimizer.safetensors").items():
        index, name = key.split(".", 1)
        state.setdefault(int(index), {})[name] = like(tensor, parameters[int(index)])
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """State of an optimizer: "INDEX.NAME" of a parameter's place and what is kept of it."""
    state = optimizer.state_dict()["state"]
    return {f"{i}.{name}": value for i, entry in state.items() for name, value in entry.items()}

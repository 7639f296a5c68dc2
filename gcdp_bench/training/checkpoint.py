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

from gcdp_bench.config import read_json, write_json
from gcdp_bench.files import replacing, replacing_folder

NUM_KEPT = 2
CHECKPOINTS = "checkpoints"  # their folder in a run


def save_weights(path: Path, weights: Mapping[str, Tensor]) -> None:
    """Write tensors as safetensors, complete or not at all."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    with replacing(path) as temporary:
        save_file(tensors, temporary)


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
    *,
    network: nn.Module,
    averaged: nn.Module,
    optimizer: torch.optim.Optimizer,
    state: Mapping[str, Any],
) -> Path:
    """Write `run_dir/checkpoints/step-XXXXXXXX`, then drop all but the newest `NUM_KEPT`."""
    folder = run_dir / CHECKPOINTS / f"step-{step:08d}"
    with replacing_folder(folder) as temporary:
        save_weights(temporary / "network.safetensors", network.state_dict())
        save_weights(temporary / "averaged.safetensors", averaged.state_dict())
        save_weights(temporary / "optimizer.safetensors", _optimizer_tensors(optimizer))
        write_json(temporary / "state.json", {"step": step, **state})
    for old in checkpoints(run_dir)[:-NUM_KEPT]:
        shutil.rmtree(old)
    return folder


def checkpoints(run_dir: Path) -> list[Path]:
    """Complete checkpoints of a run, oldest first."""
    return sorted((run_dir / CHECKPOINTS).glob("step-*"))


def load_checkpoint(
    folder: Path,
    *,
    network: nn.Module,
    averaged: nn.Module,
    optimizer: torch.optim.Optimizer,
) -> dict[str, Any]:
    """Restore the three in place and return the stored state."""
    for module, name in ((network, "network"), (averaged, "averaged")):
        path = folder / f"{name}.safetensors"
        load_into(module, load_weights(path), source=path)
    tensors = load_weights(folder / "optimizer.safetensors")
    optimizer_state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        index, name = key.split(".", 1)
        optimizer_state.setdefault(int(index), {})[name] = tensor
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": optimizer_state, "param_groups": groups})
    return read_json(folder / "state.json")


def _optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    state = optimizer.state_dict()["state"]
    return {f"{i}.{name}": value for i, entry in state.items() for name, value in entry.items()}

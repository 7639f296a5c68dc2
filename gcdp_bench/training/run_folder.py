"""The folder of a run: who may continue it, and what is written beside its checkpoints."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from gcdp_bench.core.config import digest, to_dict, write_json
from gcdp_bench.core.images import write_image
from gcdp_bench.datasets.identity import IDENTITY
from gcdp_bench.io.atomic import output_folder, remove_leftovers
from gcdp_bench.training import checkpoint
from gcdp_bench.training.task import Exporting, Learning

CADENCE = ("steps", "checkpoint_every", "validate_every", "preview_every")
"""Settings that a resumed run may change. A new length bends the rest of a cosine decay."""
NOT_FOUND = "(commands do not look there; name it, as in gcdp-bench sweep --weights MODEL=PATH)"
"""Part of messages about a run in a folder of the user's choice."""

PREVIEWS = "previews"  # their folder in a run


def to_continue(run_dir: Path, record: dict[str, Any], *, resume: bool) -> Path | None:
    """The checkpoint to go on from; None: from the start. Nothing is written.

    Args:
        run_dir: of the run; need not exist.
        record: configuration that the run is to have, as in its `config.json`.
        resume: go on from the newest complete checkpoint, if there is one.

    Raises:
        FileExistsError: there is a checkpoint and `resume` is off.
        ValueError: the run has another configuration, or was trained on other data.
    """
    existing = checkpoint.checkpoints(run_dir)
    if not existing:
        return None
    if not resume:
        raise FileExistsError(
            f"{run_dir} holds a run; continue it with --resume or choose another --out {NOT_FOUND}"
        )
    stored = checkpoint.read_state(existing[-1])
    _refuse_other_data(run_dir, stored, record)
    old, new = (
        {
            "task": run["task"],
            "training": _without_cadence(run["training"]),
            "left_out": run.get("left_out"),
            "resize": run.get("resize", "none"),
        }
        for run in (stored, record)
    )
    if digest(old) != digest(new):
        raise ValueError(
            f"{run_dir}: the run to resume has another configuration; differing: "
            f"{', '.join(differing_keys(old, new))}; use the same settings or another --out "
            f"{NOT_FOUND}"
        )
    return existing[-1]


def _refuse_other_data(run_dir: Path, stored: Mapping[str, Any], record: Mapping[str, Any]) -> None:
    """Raises ValueError: both say which data, and they are not the same."""
    old, new = (run.get(IDENTITY) for run in (stored, record))
    if not isinstance(old, dict) or new is None or old.get("digest") == new["digest"]:
        return
    was, now = (
        f"{data.get('name')} with {data.get('num_training')} training images and digest "
        f"{data.get('digest')}"
        for data in (old, new)
    )
    raise ValueError(
        f"{run_dir}: the run to resume was trained on {was}, now it is {now}; restore the data, or "
        f"train anew in another --out {NOT_FOUND}"
    )


def prepare(run_dir: Path, record: dict[str, Any]) -> None:
    """Make the folder of a run, without what killed processes left, and write `config.json`.

    Raises:
        OSError: it cannot be written.
    """
    output_folder(run_dir)
    remove_leftovers(run_dir / PREVIEWS)
    checkpoint.remove_partial(run_dir)
    write_json(run_dir / "config.json", record)


def write_weights(task: Learning, network: nn.Module, run_dir: Path) -> None:
    """The network as it is loaded later."""
    if isinstance(task, Exporting):
        task.export(network, run_dir)
    else:
        checkpoint.save_weights(run_dir / "model.safetensors", network.state_dict())


def write_preview(task: Learning, network: nn.Module, run_dir: Path, step: int) -> None:
    """The image grid of a step, if the task has any."""
    image_grid = task.preview(network)
    if image_grid is not None:
        write_image(run_dir / PREVIEWS / f"step-{step:08d}.png", image_grid)


def differing_keys(old: Any, new: Any, prefix: str = "") -> list[str]:
    """Dotted keys at which two JSON trees differ."""
    if isinstance(old, dict) and isinstance(new, dict):
        keys = sorted(old.keys() | new.keys())
        nested = (differing_keys(old.get(k), new.get(k), f"{prefix}{k}.") for k in keys)
        return [key for part in nested for key in part]
    return [] if to_dict(old) == to_dict(new) else [prefix.rstrip(".")]


def _without_cadence(training: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in training.items() if name not in CADENCE}

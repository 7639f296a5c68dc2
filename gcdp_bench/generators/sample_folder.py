"""A folder of samples, which is itself a dataset: filled once, by one process or by several."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from gcdp_bench.core.batching import Batches
from gcdp_bench.core.config import read_table, write_json
from gcdp_bench.core.progress import Progress
from gcdp_bench.core.provenance import drawn_on
from gcdp_bench.core.types import Batch
from gcdp_bench.datasets.folder_writer import FolderWriter, Sample
from gcdp_bench.io.atomic import output_folder
from gcdp_bench.io.locks import exclusive
from gcdp_bench.io.validation import shown

UNKNOWN_HARDWARE = "not recorded"  # in folders of versions that did not write it
CPU_BATCH = 8
"""Samples that the CPU always draws at once. Its kernels choose the order of their sums by the
shape of a batch: with one shape, a sample does not depend on the batch that it is drawn in.
"""


class FolderRequest(Protocol):
    """What the samples of a folder were made with; stored in it as `samples.json`."""

    @property
    def dataset(self) -> str:
        """What the samples are of."""
        ...

    @property
    def split(self) -> str:
        """Of that dataset."""
        ...

    @property
    def hash(self) -> str:
        """Short digest of all of it."""
        ...


@dataclass(frozen=True)
class SamplingRecord:
    """How the samples of a folder came about, over all runs that filled it."""

    seconds: float
    hardware: str  # of every run, separated by " and "


def write_samples(
    folder: Path,
    request: FolderRequest,
    names: Sequence[str],
    draw: Callable[[Sequence[int]], Batch],
    *,
    class_names: Sequence[str],
    batch_size: int,
    progress: Progress,
    task: str,
    device: str,
    part: range | None = None,
    wait: bool = True,
) -> bool:
    """Draw samples into `folder`, a `folder` dataset; those already there are kept.

    Several processes may fill a folder at once, each one part of it. The files are the same
    whoever drew what; on the CPU, whatever the size of the batch too (see `CPU_BATCH`).

    Args:
        folder: to write to.
        request: everything that the samples depend on.
        names: of all samples.
        draw: samples at the given places of `names`.
        class_names: of the layouts.
        batch_size: samples drawn at once on a GPU.
        progress: told of every batch.
        task: what the progress bar says.
        device: where they are drawn.
        part: places of `names` to draw; None: all.
        wait: for another process that draws this part, and draw what it left.

    Returns:
        Whether the part is there; False: another process is drawing it.

    Raises:
        ValueError: the folder holds samples of another request, or images of another origin.
        MemoryError: the device has no room for one sample.
        OSError: it cannot be written.
    """
    part = range(len(names)) if part is None else part
    _check_record(output_folder(folder), request)
    lock = folder / f"part-{part.start}-{part.stop}"
    with exclusive(lock, wait=wait, waiting=lambda: announce_wait(progress, task)) as mine:
        if not mine:
            return False
        writer = FolderWriter(
            folder,
            class_names=class_names,
            dataset=request.dataset,
            split=request.split,
            shared=True,
        )
        todo = [place for place in part if not writer.holds(names[place])]
        if todo:
            _add_to_record(folder, hardware=drawn_on(device))
        progress.start(task, len(part), done=len(part) - len(todo), unit="image")
        batches = Batches(CPU_BATCH if device == "cpu" else batch_size, task)
        for places, batch, seconds in batches.run(todo, partial(_record, draw, device)):
            layouts = [None] * len(batch) if batch.layouts is None else batch.layouts
            writer.write_all(
                [
                    Sample(names[place], image, layout, caption)
                    for place, image, layout, caption in zip(
                        places, batch.images, layouts, batch.captions, strict=True
                    )
                ]
            )
            _add_to_record(folder, seconds=seconds)
            progress.advance(len(places))
        if all(writer.holds(name) for name in names):
            writer.put_in_order()
        progress.finish()
    return True


def announce_wait(progress: Progress, task: str) -> None:
    """Show that another process does the work."""
    progress.start(f"wait for another process: {task}", 1, unit="task")


def read_record(folder: Path) -> SamplingRecord:
    """How the samples of a folder came about.

    Raises:
        FileNotFoundError: it is no folder of samples.
        ValueError: its record is damaged.
    """
    record = _read_record(folder / "samples.json")
    return SamplingRecord(record["seconds"], " and ".join(record["hardware"]))


def _record(
    draw: Callable[[Sequence[int]], Batch], device: str, places: Sequence[int]
) -> tuple[Sequence[int], Batch, float]:
    """A batch with its places and the seconds it took; on the CPU, a full one whose rest is left
    out."""
    spare = CPU_BATCH - len(places) if device == "cpu" else 0
    started = time.perf_counter()
    batch = draw([*places, *[places[-1]] * spare])
    return places, batch.first(len(places)), time.perf_counter() - started


def _check_record(folder: Path, request: FolderRequest) -> None:
    """Make `samples.json` of a folder (the request, its hash, and how the samples were drawn:
    `seconds`, `hardware`), or compare the one that is there with the request."""
    path = folder / "samples.json"
    with exclusive(path):
        if path.exists():
            record = _read_record(path)
            if record.get("hash") != request.hash:
                raise ValueError(
                    f"{folder} holds samples of another configuration "
                    f"({shown(record.get('request'))}); remove it or choose another folder"
                )
            return
        if (folder / "images").exists() or (folder / "captions.jsonl").exists():
            raise ValueError(
                f"{folder}: expected an empty folder or one of samples, found images or captions "
                "that no samples.json belongs to; choose another folder"
            )
        record = {"request": request, "hash": request.hash, "seconds": 0.0, "hardware": []}
        write_json(path, record)


def _add_to_record(folder: Path, *, seconds: float = 0.0, hardware: str | None = None) -> None:
    """Add to how the samples were drawn."""
    path = folder / "samples.json"
    with exclusive(path):
        record = _read_record(path)
        record["seconds"] += seconds
        names = [*record["hardware"], *([] if hardware is None else [hardware])]
        record["hardware"] = list(dict.fromkeys(names))
        write_json(path, record)


def _read_record(path: Path) -> dict[str, Any]:
    record = {"hardware": [UNKNOWN_HARDWARE], **read_table(path)}
    if not isinstance(record.get("seconds"), float) or not isinstance(record["hardware"], list):
        raise ValueError(
            f"{path}: expected seconds and hardware of the samples, got something else; remove "
            "the folder and sample again"
        )
    return record

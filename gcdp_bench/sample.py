"""Generator and captions to a folder of samples, which is itself a dataset."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gcdp_bench.catalog import GENERATORS, check_dataset, generator_folder, lookup
from gcdp_bench.config import digest, read_table, write_json
from gcdp_bench.datasets.folder import FolderWriter
from gcdp_bench.files import output_folder
from gcdp_bench.progress import Progress
from gcdp_bench.protocols import GUIDANCE, Batch, Dataset, Generator
from gcdp_bench.provenance import hardware
from gcdp_bench.sampling import SamplingConfig
from gcdp_bench.seeds import derive_seed
from gcdp_bench.texts import shown

DEFAULT_GUIDANCE = 2.0
UNKNOWN_HARDWARE = "not recorded"  # in folders of versions that did not write it


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


@dataclass(frozen=True, kw_only=True)
class SampleRequest:
    """Which samples a folder holds; stored in it as `samples.json`."""

    model: str
    weights: str  # digest of the generator's weights and sampling settings
    dataset: str
    split: str
    num_samples: int
    captions: str  # digest of the captions asked for, in order
    guidance: float  # value of the generator's knob
    seed: int

    @property
    def hash(self) -> str:
        """Short digest that names the folder."""
        return digest(self)


@dataclass(frozen=True)
class Drawn:
    """How the samples of a folder came about, over all runs that filled it."""

    seconds: float
    hardware: str  # of every run, separated by " and "


def sample_folder(
    generator: Generator,
    dataset: Dataset,
    request: SampleRequest,
    folder: Path,
    *,
    batch_size: int,
    progress: Progress,
    device: str = "cpu",
) -> Drawn:
    """Sample the first captions of `dataset` into `folder`; samples already there are kept.

    The dataset is given in the order of its prompts: see `datasets.shuffled`. `device` is where the
    generator runs, for the record.

    Raises:
        ValueError: the folder holds samples of another request, N exceeds the dataset, or the
            generator's knob has no such value.
        OSError: the folder cannot be written.
    """
    if not 1 <= request.num_samples <= len(dataset):
        raise ValueError(
            f"num_samples: expected 1 to {len(dataset)} (captions of {dataset.name} "
            f"{dataset.split}), got {request.num_samples}"
        )
    if generator.knob is not None:
        generator.knob.check(request.guidance)
    return fill_folder(
        folder,
        request,
        [sample_id(index) for index in range(request.num_samples)],
        lambda indices: generator.sample(
            [dataset[index].caption for index in indices],
            guidance=request.guidance,
            seeds=[derive_seed(request.seed, index) for index in indices],
        ),
        class_names=generator.class_names,
        batch_size=batch_size,
        progress=progress,
        device=device,
        task=f"sample {request.model}, guidance {request.guidance:g}, seed {request.seed}",
    )


def fill_folder(
    folder: Path,
    request: FolderRequest,
    names: Sequence[str],
    draw: Callable[[Sequence[int]], Batch],
    *,
    class_names: Sequence[str],
    batch_size: int,
    progress: Progress,
    task: str,
    device: str = "cpu",
) -> Drawn:
    """Draw samples into `folder`, a `folder` dataset; those already there are kept.

    Args:
        folder: to write to.
        request: everything that the samples depend on.
        names: of all samples.
        draw: samples at the given places of `names`.
        class_names: of the layouts.
        batch_size: samples drawn at once.
        progress: told of every batch.
        task: what the progress bar says.
        device: where they are drawn, for the record.

    Raises:
        ValueError: the folder holds samples of another request, or images of another origin.
        OSError: it cannot be written.
    """
    record = _open(output_folder(folder), request)
    writer = FolderWriter(folder, class_names=class_names, dataset=request.dataset,
                          split=request.split)  # fmt: skip
    todo = [place for place, name in enumerate(names) if not writer.holds(name)]
    if todo:
        record["hardware"] = list(dict.fromkeys([*record["hardware"], hardware(device)]))
    progress.start(task, len(names), done=len(names) - len(todo), unit="image")
    for start in range(0, len(todo), batch_size):
        places = todo[start : start + batch_size]
        started = time.perf_counter()
        batch = draw(places)
        record["seconds"] += time.perf_counter() - started
        layouts = [None] * len(batch) if batch.layouts is None else batch.layouts
        for place, image, layout, caption in zip(
            places, batch.images, layouts, batch.captions, strict=True
        ):
            writer.write(names[place], image, layout, caption)
        write_json(folder / "samples.json", record)
        progress.advance(len(places))
    progress.finish()
    return Drawn(record["seconds"], " and ".join(record["hardware"]))


def load_generator(
    name: str, dataset: str, folder: Path | None, sampling: SamplingConfig
) -> tuple[Generator, str]:
    """A trained generator, and the digest of everything its samples depend on.

    Raises:
        ValueError: unknown generator or dataset, or damaged weights.
        FileNotFoundError: it has not been trained; says how to.
    """
    spec = lookup(GENERATORS, name, "generator")
    check_dataset(dataset)
    generator = spec.load(generator_folder(name, dataset, folder), sampling)
    return generator, digest({"weights": generator.digest, "sampling": generator.settings})


def knob_value(generator: Generator, given: Mapping[str, float | None]) -> float:
    """Value to sample at: the given one of the generator's knob, else a usual one.

    Args:
        generator: decides which knob is meant.
        given: by the knob's name; None: not given.

    Raises:
        ValueError: a value is given for a knob that it does not have.
    """
    own = None if generator.knob is None else generator.knob.name
    for name, value in given.items():
        if value is not None and name != own:
            raise ValueError(
                f"{name}: {generator.name} has {'no knob' if own is None else f'a {own} instead'}; "
                "leave the option out"
            )
    value = None if own is None else given[own]
    if value is not None:
        return value
    return DEFAULT_GUIDANCE if generator.knob == GUIDANCE else 1.0


def captions_digest(captions: Sequence[str]) -> str:
    """Short hash of captions in their order."""
    return digest(list(captions))


def sample_id(index: int) -> str:
    """Name of sample `index`: the place of its caption in the order of the prompts."""
    return f"{index:06d}"


def _open(folder: Path, request: FolderRequest) -> dict:
    """`samples.json` of a folder, made if it is not there: the request, its hash, and how the
    samples were drawn (`seconds`, `hardware`)."""
    path = folder / "samples.json"
    if path.exists():
        record = {"hardware": [UNKNOWN_HARDWARE], **read_table(path)}
        if record.get("hash") != request.hash:
            raise ValueError(
                f"{folder} holds samples of another configuration ({shown(record.get('request'))}"
                "); remove it or choose another folder"
            )
        if not isinstance(record.get("seconds"), float) or not isinstance(record["hardware"], list):
            raise ValueError(
                f"{path}: expected seconds and hardware of the samples, got something else; remove "
                "the folder and sample again"
            )
        return record
    if (folder / "images").exists() or (folder / "captions.jsonl").exists():
        raise ValueError(
            f"{folder}: expected an empty folder or one of samples, found images or captions that "
            "no samples.json belongs to; choose another folder"
        )
    record = {"request": request, "hash": request.hash, "seconds": 0.0, "hardware": []}
    write_json(path, record)
    return record

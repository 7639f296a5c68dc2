"""Generator and captions to samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gcdp_bench.core.config import digest
from gcdp_bench.core.device import check_device, compile_networks, place, use_bf16
from gcdp_bench.core.images import PNG_LEVEL
from gcdp_bench.core.members import as_generator
from gcdp_bench.core.progress import Progress
from gcdp_bench.core.rng import derive_seed
from gcdp_bench.core.sampling_config import SamplingConfig
from gcdp_bench.core.types import GUIDANCE, Dataset, Generator
from gcdp_bench.datasets.framing import resize_of
from gcdp_bench.datasets.identities import dataset_identity
from gcdp_bench.generators.generate import Prompt, generate
from gcdp_bench.generators.registry import find_generators, generator_spec
from gcdp_bench.generators.sample_folder import SampleWriter
from gcdp_bench.io.atomic import output_folder
from gcdp_bench.training.runs import Run, Weights

DEFAULT_GUIDANCE = 2.0


@dataclass(frozen=True, kw_only=True)
class SampleRequest:
    """The samples of a folder; stored in it as `samples.json`."""

    model: str
    weights: str  # digest of the generator's weights and sampling settings
    dataset: str
    split: str
    num_samples: int
    captions: str  # digest of the captions prompted, in order
    guidance: float  # value of the generator's sampling parameter
    seed: int

    @property
    def hash(self) -> str:
        """Short digest that names the folder."""
        return digest(self)

    def point(self, generator: Generator) -> str:
        """Model, and value of its sampling parameter if it has one: "lafite, truncation psi 1"."""
        parameter = generator.parameter
        value = "" if parameter is None else f", {parameter.name} {self.guidance:g}"
        return f"{self.model}{value}"


def sample_folder(
    generator: Generator,
    dataset: Dataset,
    request: SampleRequest,
    folder: Path,
    *,
    batch_size: int,
    progress: Progress,
    part: range | None = None,
    png_level: int = PNG_LEVEL,
) -> None:
    """Sample the first captions of `dataset` into `folder`; samples already there are kept.

    Of several processes that fill a folder, each has the claim of its own part (`part_of`).

    Args:
        generator: to sample from.
        dataset: in the order of its prompts, see `datasets.shuffled`.
        request: which samples the whole folder has.
        folder: to write to, see `sample_folder.SampleWriter`.
        batch_size: samples drawn at once on a GPU.
        progress: told of every batch.
        part: places of the captions to sample; None: all.
        png_level: see `images.write_image`.

    Raises:
        ValueError: the folder holds samples of another request, N exceeds the dataset, or the
            generator's sampling parameter has no such value; or as `generate.check_batch`.
        MemoryError: the device has no room for one sample.
        FloatingPointError: as `Generator.sample`.
        OSError: the folder cannot be written.
    """
    if not 1 <= request.num_samples <= len(dataset):
        raise ValueError(
            f"num_samples: expected 1 to {len(dataset)} (captions of {dataset.name} "
            f"{dataset.split}), got {request.num_samples}"
        )
    if generator.parameter is not None:
        generator.parameter.check(request.guidance)
    part = range(request.num_samples) if part is None else part
    with SampleWriter(
        folder,
        request,
        class_names=generator.class_names,
        device=generator.device,
        png_level=png_level,
    ) as writer:
        prompts = [
            Prompt(sample_id(place), dataset[place].caption, derive_seed(request.seed, place))
            for place in part
            if not writer.holds(sample_id(place))
        ]
        for batch, seconds in generate(
            generator,
            prompts,
            name=request.model,
            guidance=request.guidance,
            batch_size=batch_size,
            progress=progress,
            task=f"sample {request.point(generator)}, seed {request.seed}",
            num_done=len(part) - len(prompts),
        ):
            writer.write(batch, seconds)
        writer.finish([sample_id(place) for place in range(request.num_samples)])


def part_of(folder: Path, part: range) -> Path:
    """The path that stands for a part of a folder's samples, see `progress.claim`.

    Raises:
        OSError: the folder cannot be written.
    """
    return output_folder(folder) / f"part-{part.start}-{part.stop}"


def find_generator(
    name: str, dataset: str, weights: Weights = None, *, data_root: Path | None = None
) -> Run:
    """The run of a trained generator; see `runs.find_run`.

    Args:
        name: a registered name.
        dataset: name or folder.
        weights: see `runs.Weights`.
        data_root: `--data-root`; None: the environment variable.

    Raises:
        ValueError: unknown generator or dataset, or its run is of other data.
        FileNotFoundError: it has not been trained; says how to.
    """
    identity = dataset_identity(dataset, data_root=data_root)
    return find_generators([name], {name: weights}, identity)[name]


def load_generator(run: Run, sampling: SamplingConfig) -> tuple[Generator, str]:
    """A trained generator, and the digest of everything its samples depend on.

    Args:
        run: see `find_generator`.
        sampling: how it is sampled.

    Raises:
        ValueError: unknown device, damaged weights, or what was made is no generator.
        FileNotFoundError: a file of it is missing.
    """
    check_device(sampling.device)
    spec = generator_spec(run.network, run.code)
    generator = as_generator(spec.load(spec.name, run.folder, sampling), str(run))
    place(generator, sampling.device)
    weights = generator.digest
    if not isinstance(weights, str):
        raise ValueError(f"{run}: digest: expected a text, got {weights!r}; correct it")
    settings = dict(generator.settings)
    if sampling.compile:
        compile_networks(generator, str(run))
        settings["compile"] = True  # samples differ by rounding
    if sampling.precision == "bf16":
        use_bf16(generator, str(run))
        settings["precision"] = "bf16"
    try:
        return generator, digest({"weights": weights, "sampling": settings})
    except TypeError as error:
        raise ValueError(
            f"{run}: settings: expected texts, numbers, lists and tables, got {error}; correct them"
        ) from error


def check_resize(run: Run, dataset: Dataset) -> None:
    """Refuse images that came to their size in another way than those of a generator's training.

    Raises:
        ValueError: one was padded or stretched and the other was not.
    """
    now = resize_of(dataset)
    for record in run.records.values():
        if record.resize != now and not {record.resize, now} <= {"none", "crop"}:
            raise ValueError(
                f"{run.network} ({run.folder}): was trained with --resize {record.resize}, "
                f"{dataset.name} is used with --resize {now}; use the same, or train it again"
            )


def parameter_value(model: str, generator: Generator, given: Mapping[str, float | None]) -> float:
    """Value to sample at: the given one of the generator's sampling parameter, else a usual one.

    Args:
        model: name of the generator, as the user gave it.
        generator: decides which sampling parameter is meant.
        given: by the sampling parameter's name; None: not given.

    Raises:
        ValueError: a value is given for a sampling parameter that it does not have.
    """
    own = None if generator.parameter is None else generator.parameter.name
    for name, value in given.items():
        if value is not None and name != own:
            raise ValueError(
                f"{name}: {model} has "
                f"{'no sampling parameter' if own is None else f'a {own} instead'}; "
                "leave the option out"
            )
    value = None if own is None else given[own]
    if value is not None:
        return value
    return DEFAULT_GUIDANCE if generator.parameter == GUIDANCE else 1.0


def captions_digest(captions: Sequence[str], reading: str = "") -> str:
    """Short hash of captions in their order, and of how they are read (`reading.reading_of`)."""
    return digest([list(captions), reading] if reading else list(captions))


def sample_id(index: int) -> str:
    """Name of sample `index`: the place of its caption in the order of the prompts."""
    return f"{index:06d}"

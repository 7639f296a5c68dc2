"""Find the trained network of a dataset: a run, a pretrained one, or a given folder.

A dataset is known by its own name and a digest of its training data, wherever it lies. Training
writes both into `config.json`; runs from before are known by name and classes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gcdp_bench.datasets.identity import DatasetIdentity, family
from gcdp_bench.training.networks import (
    PROJECT,
    RUNS_VARIABLE,
    Code,
    Network,
    Record,
    read_records,
    runs_folder,
    train_command,
)

PRETRAINED: Literal["pretrained"] = "pretrained"
"""Stands for the weights that the project ships, where a folder may be given."""

_OTHER_DATA = "other data called"


Weights = Path | Code | Literal["pretrained"] | None
"""A folder (or file) that the user gives, the code that makes a generator, `PRETRAINED`, or None:
the run of the dataset."""


def as_weights(text: str | None) -> Weights:
    """Weights that an option or setting names; a folder named "pretrained" is ./pretrained."""
    if text is None:
        return None
    return PRETRAINED if text == PRETRAINED else Path(text)


@dataclass(frozen=True, kw_only=True)
class Run:
    """A trained network that was found, or the code that makes a generator."""

    network: str
    folder: Path  # or file; of origin "code": what makes the generator, see `Code`
    origin: Literal["given", "run", "pretrained", "published", "code"]
    records: Mapping[str, Record]  # by stage; of a network that is trained as a whole, by its name
    code: Code | None = None  # given for this command; None: none, or of an installed package
    elsewhere: tuple[str, ...] = ()  # folders of the training data, if not the one in use
    note: str = ""

    @property
    def dataset(self) -> str | None:
        """Name of the dataset that it was trained on; None: it does not say."""
        return next(iter(self.records.values())).dataset if self.records else None

    @property
    def seed(self) -> int | None:
        """Seed of the first stage's training; None: not recorded."""
        return next(iter(self.records.values())).seed if self.records else None

    @property
    def is_found(self) -> bool:
        """Whether it is the one of the dataset, and nobody named it."""
        return self.origin in ("run", PRETRAINED)

    @property
    def weights(self) -> Weights:
        """Weights that find the same network in other processes and on other machines too."""
        if self.origin == "code":
            return self.code
        return PRETRAINED if self.origin == PRETRAINED else self.folder

    def trained_on(self, dataset: DatasetIdentity) -> str | None:
        """The name of the training data for rows of `dataset`; None: as the network says it.

        Other data of the same name are told apart by their digest: "cv@0123456789ab".
        """
        record = next(iter(self.records.values()), None)
        if record is None or record.digest is None or record.dataset != dataset.name:
            return None
        if record.digest == dataset.digest or difference_from(self.records, dataset) is None:
            return None
        return f"{record.dataset}@{record.digest}"

    def __str__(self) -> str:
        """One line: path, steps trained, dataset."""
        if self.origin == "published":
            return f"{self.network}: {self.folder}, published weights"
        if self.origin == "code":
            return f"{self.network}: made by {self.folder}"
        steps = " + ".join(
            f"{'unknown' if record.steps is None else record.steps} steps"
            + (f" ({stage})" if len(self.records) > 1 else "")
            for stage, record in self.records.items()
        )
        origin = f"{self.origin} " if self.origin == PRETRAINED else ""
        trained = f"{steps or 'unknown steps'}, trained on {self.dataset or 'unknown data'}"
        places = ", ".join(place for place in self.elsewhere if place not in self.note)
        trained += f" ({places})" if places else ""
        return f"{self.network}: {origin}{self.folder}, {trained}{self.note}"


def find_run(network: Network, dataset: DatasetIdentity, given: Weights = None) -> Run:
    """The trained network of a dataset.

    A given folder is taken as it is. Else the dataset's run below `runs_folder()` is taken,
    else pretrained weights of the dataset; of an evaluating network, else one of the same family
    that has the same classes.

    Args:
        network: that is looked for.
        dataset: that the network shall have been trained on, see `identities.dataset_identity`.
        given: see `Weights`.

    Raises:
        FileNotFoundError: there is none; says where was looked and how to train one.
        ValueError: a run of that name was trained on other data, or is not finished; says how to
            use it anyway.
    """
    if isinstance(given, Path):
        return _given(network, given, dataset)
    skipped: list[str] = []  # folders of the dataset's name that are of other data
    own = [] if given == PRETRAINED else own_folders(network, dataset)
    pretrained = _pretrained(network, dataset)
    for folder in own:
        records = read_records(network, folder)
        if not records:
            continue
        difference = difference_from(records, dataset)
        if difference is None:
            _check_finished(network, folder, dataset)
            return _found(network, folder, "run", records, dataset)
        if folder.name not in dataset.aliases:
            skipped.append(f"{folder} was trained on {difference}")
    for folder in pretrained:
        records = read_records(network, folder)
        if records and (given == PRETRAINED or difference_from(records, dataset) is None):
            note = f" ({'; '.join(skipped)})" if skipped else ""
            return _found(network, folder, PRETRAINED, records, dataset, note)
    if skipped:
        raise ValueError(_refusal(network, dataset, skipped))
    siblings = _siblings(network, dataset) if given is None else []
    for folder, origin in siblings:
        records = read_records(network, folder)
        if not records or not _is_sibling(records, dataset):
            continue
        _check_finished(network, folder, dataset)
        return _found(network, folder, origin, records, dataset)
    looked = dict.fromkeys([*own, *(folder for folder, _ in siblings), *pretrained])
    raise FileNotFoundError(_missing(network, dataset, looked))


def find_runs(
    networks: Iterable[Network], given: Mapping[str, Weights], dataset: DatasetIdentity
) -> dict[str, Run]:
    """Several of them, by name; see `find_run`.

    Raises:
        FileNotFoundError: some are missing; names all of them.
        ValueError: some runs are of other data; what is missing is said too.
    """
    found: dict[str, Run] = {}
    problems: list[FileNotFoundError | ValueError] = []
    for network in networks:
        try:
            found[network.name] = find_run(network, dataset, given.get(network.name))
        except (FileNotFoundError, ValueError) as error:
            problems.append(error)
    refuse_all(problems)
    return found


def refuse_all(problems: Sequence[FileNotFoundError | ValueError]) -> None:
    """Raise one error with the lines of all, if there are any."""
    if problems:
        refused = any(isinstance(problem, ValueError) for problem in problems)
        kind = ValueError if refused else FileNotFoundError
        raise kind("\n".join(map(str, problems)))


def own_folders(network: Network, dataset: DatasetIdentity) -> list[Path]:
    """Possible run folders of a dataset, in search order."""
    names = [*_names(dataset), *dataset.aliases]
    return [runs_folder() / network.name / name for name in names]


def new_folder(
    network: Network, dataset: DatasetIdentity, stage: str | None = None, *, resume: bool = False
) -> Path:
    """The folder of a dataset's run: runs/NETWORK/NAME, with one folder per stage of a cascade.

    Where runs/NETWORK/NAME holds a run of another dataset with that name, or of the same one before
    it changed: runs/NETWORK/NAME-DIGEST. A run from before that lies elsewhere stays there.

    Args:
        network: that is trained.
        dataset: to train on.
        stage: of a cascade.
        resume: a run in the folder is to be continued.

    Raises:
        ValueError: there is nothing to resume but a run on other data, or no name is free.
    """
    others = []
    own = [runs_folder() / network.name / name for name in _names(dataset)]
    for folder in own_folders(network, dataset):
        records = read_records(network, folder)
        if records and difference_from(records, dataset) is None:
            return folder / stage if stage else folder
        if records and folder in own:
            others.append(f"{folder} was trained on {difference_from(records, dataset)}")
    free = [folder for folder in own if not read_records(network, folder)]
    if others and (resume or not free):
        raise ValueError(
            f"{network.name}: expected a run on {dataset.place}, but {'; '.join(others)}; "
            + (
                "leave out --resume to train anew"
                if free
                else "choose another folder with --out, which commands find "
                f"only with {_option(network, 'PATH')}"
            )
        )
    return free[0] / stage if stage else free[0]


def difference_from(records: Mapping[str, Record], dataset: DatasetIdentity) -> str | None:
    """Training data of a network, if it is not `dataset`; else None.

    Training ids are compared where both are known, classes where both are; of a run from before
    identities were recorded, the name and the classes decide.
    """
    for record in records.values():
        if record.dataset != dataset.name and record.dataset is not None:
            return f"{record.dataset}"
        if record.digest is None or (dataset.digest is None and dataset.kind == "catalogue"):
            if None not in (record.class_names, dataset.class_names) and (
                record.class_names != dataset.class_names
            ):
                return f"{_OTHER_DATA} {dataset.name}: {_classes(record, dataset)}"
        elif record.digest != dataset.digest:
            return f"{_OTHER_DATA} {dataset.name}: {_details(record, dataset)}"
    return None


def _names(dataset: DatasetIdentity) -> list[str]:
    """Names of the folders in which runs of a dataset are kept."""
    with_digest = [] if dataset.digest is None else [f"{dataset.name}-{dataset.digest}"]
    return [dataset.name, *with_digest]


def _given(network: Network, path: Path, dataset: DatasetIdentity) -> Run:
    first = path / network.stages[0] if network.stages else path
    if path.is_file() or any((first / name).is_file() for name in network.files):
        records = {} if path.is_file() else read_records(network, path)
        difference = difference_from(records, dataset)
        namesake = difference is not None and difference.startswith(_OTHER_DATA)
        note = f" ({difference})" if namesake else ""
        return _found(network, path, "given", records, dataset, note)
    raise FileNotFoundError(_missing(network, dataset, [path]))


def _found(
    network: Network,
    folder: Path,
    origin: Literal["given", "run", "pretrained"],
    records: Mapping[str, Record],
    dataset: DatasetIdentity,
    note: str = "",
) -> Run:
    places = dict.fromkeys(record.place for record in records.values())
    return Run(
        network=network.name,
        folder=folder,
        origin=origin,
        records=records,
        elsewhere=tuple(place for place in places if place not in (None, dataset.place)),
        note=note,
    )


def _pretrained(network: Network, dataset: DatasetIdentity) -> list[Path]:
    return [
        PROJECT / pattern.format(dataset=dataset.name, family=dataset.family)
        for pattern in network.pretrained
    ]


def _siblings(
    network: Network, dataset: DatasetIdentity
) -> list[tuple[Path, Literal["run", "pretrained"]]]:
    """Networks of other datasets of the family, for one that evaluates."""
    if not network.evaluates:
        return []
    names = dict.fromkeys([f"{dataset.family}-100", dataset.family])
    runs: list[tuple[Path, Literal["run", "pretrained"]]] = [
        (runs_folder() / network.name / name, "run") for name in names if name != dataset.name
    ]
    if dataset.kind == "catalogue":
        runs.extend((folder, PRETRAINED) for folder in _pretrained(network, dataset))
    return runs


def _is_sibling(records: Mapping[str, Record], dataset: DatasetIdentity) -> bool:
    return all(
        record.dataset is not None
        and record.dataset != dataset.name
        and family(record.dataset) == dataset.family
        and record.kind in (None, dataset.kind)
        and (
            record.class_names is None
            or dataset.class_names is None
            or record.class_names == dataset.class_names
        )
        for record in records.values()
    )


def _check_finished(network: Network, folder: Path, dataset: DatasetIdentity) -> None:
    """Refuse a run that has not written its weights.

    Raises:
        ValueError: says how to continue it and what to take instead.
    """
    parts = [folder / stage for stage in network.stages if (folder / stage).is_dir()] or [folder]
    for part in parts:
        missing = [name for name in network.files if not (part / name).is_file()]
        if missing:
            raise ValueError(
                f"{part}: expected a finished training of {network.name}, found no "
                f"{', '.join(missing)}; continue it with `{train_command(network, dataset)} "
                f"--resume`, or give another one with {_option(network, 'PATH')} (PATH may be "
                f"{PRETRAINED})"
            )


def _details(record: Record, dataset: DatasetIdentity) -> str:
    """Differences of data with one name."""
    if dataset.digest is None:
        return (
            f"{_size(record)}; {dataset.place} has no training split by which to tell whether it "
            "is the same"
        )
    if None not in (record.class_names, dataset.class_names) and (
        record.class_names != dataset.class_names
    ):
        return _classes(record, dataset)
    return (
        f"{_size(record)}, now {dataset.num_training} with digest {dataset.digest} in "
        f"{dataset.place}"
    )


def _size(record: Record) -> str:
    place = f" in {record.place}" if record.place else ""
    return f"{record.num_training} training images with digest {record.digest}{place}"


def _classes(record: Record, dataset: DatasetIdentity) -> str:
    old, new = record.class_names or (), dataset.class_names or ()
    differing = sorted({*old} ^ {*new}) or ["their order"]
    return (
        f"{len(old)} classes, now {len(new)} in {dataset.place}; differing: "
        f"{', '.join(differing[:5])}"
    )


def _refusal(network: Network, dataset: DatasetIdentity, skipped: Sequence[str]) -> str:
    folder = skipped[0].partition(" was trained on ")[0]
    return (
        f"{network.name}: {'; '.join(skipped)}. Either the data changed since, or two datasets "
        f"have this name; train one on these data with `{train_command(network, dataset)}`, or use "
        f"that one all the same with {_option(network, folder)}"
    )


def _missing(network: Network, dataset: DatasetIdentity, looked: Iterable[Path]) -> str:
    networks = (*network.parts, network)
    commands = " and ".join(f"`{train_command(one, dataset)}`" for one in networks)
    return (
        f"no trained {network.name} for {dataset.place}: looked in "
        f"{', '.join(map(_seen_from_here, looked))} ({RUNS_VARIABLE} names another folder of "
        f"runs); train it with {commands}, or give one with "
        f"{_option(network, 'PATH')}"
    )


def _seen_from_here(path: Path) -> str:
    return str(path if path.is_absolute() else Path.cwd() / path)


def _option(network: Network, path: str) -> str:
    return network.option.format(network=network.name, path=path)

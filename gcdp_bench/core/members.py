"""Generators and datasets of others: whether they have the members that their protocols ask for."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from types import FunctionType
from typing import Any, cast

from gcdp_bench.core.types import (
    GUIDANCE,
    IGNORE_ID,
    TRUNCATION,
    Dataset,
    Generator,
    ListedDataset,
    Triplet,
)


def takes(function: object, num: int) -> bool:
    """Whether something can be called with so many arguments."""
    if not callable(function):
        return False
    try:
        inspect.signature(function).bind(*range(num))
    except TypeError:
        return False
    except ValueError:  # built in, without a signature
        return True
    return True


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 1


def is_size(value: Any) -> bool:
    """Whether it is a (height, width)."""
    return isinstance(value, tuple) and len(value) == 2 and all(map(_is_count, value))


def _is_names(value: Any) -> bool:
    return isinstance(value, tuple) and 0 < len(value) <= IGNORE_ID and all(map(_is_text, value))


MEMBERS: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "name": ("a text", _is_text),
    "trained_on": ("a text", _is_text),
    "split": ("a text", _is_text),
    "class_names": (f"a tuple of 1 to {IGNORE_ID} texts", _is_names),
    "image_size": ("a tuple (height, width) of whole numbers", is_size),
    "settings": ("a mapping", lambda value: isinstance(value, Mapping)),
    "device": ("a text", _is_text),
    "num_steps": ("a whole number from 1 on", _is_count),
    "makes_layouts": ("True or False", lambda value: type(value) is bool),
    "reads_captions": ("True or False", lambda value: type(value) is bool),
    "parameter": (
        "GUIDANCE or TRUNCATION of gcdp_bench.core.types, or None",
        lambda value: value in (None, GUIDANCE, TRUNCATION),
    ),
    "clip_digest": ("a text or None", lambda value: value is None or _is_text(value)),
    "num_labelled_images": (
        "a whole number or None",
        lambda value: value is None or type(value) is int,
    ),
}
"""Member of a generator or of a dataset -> what it is, and the check of that. The digest, which
takes long to compute, is checked where it is used."""


def as_generator(made: object, where: str) -> Generator:
    """The object itself, if it has every member of `Generator`, inherited or of its own.

    Args:
        made: by a loader or a factory.
        where: what made it, for the message.

    Raises:
        ValueError: members are missing, or of another kind; all of them are named.
    """
    given = vars(Generator)
    lacking = _lacking(Generator, (*Generator.__annotations__, "sample"), made)
    if lacking:
        usual = [name for name in lacking if name in given and name != "sample"]
        remedy = f", or inherit {', '.join(usual)} from gcdp_bench.core.types.Generator"
        raise ValueError(
            f"{where}: expected a generator, but {type(made).__name__} lacks "
            f"{', '.join(lacking)}; define them{remedy if usual else ''}"
        )
    problems = [
        f"{name}: expected {expected}, got {value!r}"
        for name, (expected, is_right) in MEMBERS.items()
        if name in Generator.__annotations__ and not is_right(value := getattr(made, name))
    ]
    if problems:
        raise ValueError(f"{where}: {'; '.join(problems)}; correct {type(made).__name__}")
    return cast(Generator, made)


def as_dataset(made: object, where: str, size: tuple[int, int]) -> Dataset:
    """The object itself, if it has every member of `Dataset`, and its first item is a right one.

    Args:
        made: by a dataset's entry in the registry.
        where: what made it, for the message.
        size: (height, width) that was asked for.

    Raises:
        ValueError: members are missing, or of another kind; all of them are named.
    """
    members = [name for name in vars(Dataset) if not name.startswith("_")]
    lacking = _lacking(Dataset, (*members, "__len__", "__getitem__"), made)
    if lacking:
        raise ValueError(
            f"{where}: expected a dataset, but {type(made).__name__} lacks {', '.join(lacking)}; "
            "define them, see gcdp_bench.core.types.Dataset"
        )
    dataset = cast(Dataset, made)
    problems = [
        f"{name}: expected {expected}, got {value!r}"
        for name, (expected, is_right) in MEMBERS.items()
        if name in members and not is_right(value := getattr(dataset, name))
    ]
    if dataset.image_size != size:
        problems.append(f"image_size: expected {size}, as asked for, got {dataset.image_size!r}")
    if problems or not len(dataset):
        raise ValueError(
            f"{where}: {'; '.join(problems) or 'expected items, got none'}; correct "
            f"{type(made).__name__}"
        )
    if isinstance(dataset, ListedDataset) and len(set(dataset.ids)) != len(dataset):
        raise ValueError(
            f"{where}: ids: expected {len(dataset)} different ones, got {len(set(dataset.ids))} of "
            f"{len(dataset.ids)}; correct {type(made).__name__}"
        )
    if problem := _fault_of_item(dataset):
        raise ValueError(f"{where}: item 0: {problem}; correct {type(made).__name__}")
    return dataset


def _fault_of_item(dataset: Dataset) -> str:
    """Expected and actual kind of the first wrong item; "": there is none."""
    item, num_classes = dataset[0], len(dataset.class_names)
    if not isinstance(item, Triplet):
        return f"expected a gcdp_bench.core.types.Triplet, got {described(item)}"
    for what, shape in (("image", (3, *dataset.image_size)), ("layout", dataset.image_size)):
        expected, got = f"torch.uint8 {shape}", described(getattr(item, what))
        if got != expected:
            return f"{what}: expected {expected}, got {got}"
    beyond = item.layout[(item.layout >= num_classes) & (item.layout != IGNORE_ID)]
    if len(beyond):
        return f"layout: expected {ids_of(num_classes)}, got {int(beyond.max())}"
    for what in ("id", "caption"):
        if not isinstance(text := getattr(item, what), str):
            return f"{what}: expected a text, got {text!r}"
    named = dataset.caption_classes(item.caption)
    if not set(named) <= set(range(num_classes)):
        return (
            f"caption_classes({item.caption!r}): expected ids of its {num_classes} classes, 0 to "
            f"{num_classes - 1}, got {named!r}"
        )
    return ""


def described(value: object) -> str:
    """Type and shape of an array, else the type: "torch.uint8 (3, 4, 8)", "ndarray uint8 (2,)"."""
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    if shape is None or dtype is None:
        return "None" if value is None else type(value).__name__
    kind = "" if str(dtype).startswith("torch.") else f"{type(value).__name__} "
    return f"{kind}{dtype} {tuple(shape)}"


def ids_of(num_classes: int) -> str:
    """Values that a layout may have, in words."""
    return f"ids of its {num_classes} classes, 0 to {num_classes - 1}, or {IGNORE_ID}"


def _lacking(protocol: type, members: Sequence[str], made: object) -> list[str]:
    """Members that an object does not have, or has from the protocol, without a body; properties
    are not computed."""
    absent, empty = object(), (FunctionType, property)
    found = {name: inspect.getattr_static(made, name, absent) for name in members}
    own = vars(protocol)
    return [
        name
        for name, value in found.items()
        if value is absent or (value is own.get(name) and isinstance(value, empty))
    ]

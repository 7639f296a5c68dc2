"""Read, override, print and save any frozen dataclass; knows no field by name.

A configuration is a tree of frozen dataclasses. It is written as JSON beside every result, read
back strictly (unknown and missing keys are errors) and overridden from the command line by dotted
`key=value` pairs.
"""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import json
import math
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar, Union

from gcdp_bench.io.atomic import replacing
from gcdp_bench.io.validation import parse_json, read_text, shown

C = TypeVar("C")


def to_dict(config: Any) -> Any:
    """JSON-able form of a dataclass tree: tuples become lists."""
    if dataclasses.is_dataclass(config) and not isinstance(config, type):
        return {f.name: to_dict(getattr(config, f.name)) for f in dataclasses.fields(config)}
    if isinstance(config, Mapping):
        return {key: to_dict(value) for key, value in config.items()}
    if isinstance(config, tuple | list):
        return [to_dict(value) for value in config]
    return config


def from_dict(cls: type[C], data: Any, *, where: str = "") -> C:
    """Build dataclass `cls` from `to_dict`'s form.

    Raises:
        ValueError: a key is unknown or missing, or a value has the wrong type; the message gives
            the dotted key, what was expected and what came.
    """
    return _convert(cls, data, where or cls.__name__)


def override(config: C, assignments: Sequence[str]) -> C:
    """Replace fields by `dotted.key=value`; values are JSON, or plain text for strings.

    `config` is a dataclass, or a table of dataclasses by name.

    The first parts of a dotted key may be left out where its last ones tell which is meant:
    `text.path` is `stage.text.path` of one model and `ldm.text.path` of another.

    Raises:
        ValueError: malformed assignment, unknown key (the nearest one is suggested), one that
            several settings end with, wrong type.
    """
    data = to_dict(config)
    for assignment in assignments:
        key, separator, text = assignment.partition("=")
        if not separator or not key:
            raise ValueError(
                f"expected key=value, got {shown(assignment)}; example: --set steps=1000"
            )
        *parents, leaf = _whole_key(data, key)
        node = data
        for depth, name in enumerate([*parents, leaf]):
            if not isinstance(node, dict) or name not in node:
                known = sorted(node) if isinstance(node, dict) else []
                raise ValueError(_unknown(".".join(parents[:depth]), name, known))
            if depth < len(parents):
                node = node[name]
        node[leaf] = _parse_value(text, key)
    if isinstance(config, Mapping):
        tables = {
            key: from_dict(type(config[key]), data[key], where=f"--set.{key}") for key in data
        }
        return typing.cast(C, tables)
    return from_dict(type(config), data, where="--set")


def digest(config: Any) -> str:
    """First 12 hex digits of the SHA-256 of the canonical JSON of a dataclass or mapping."""
    text = json.dumps(to_dict(config), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def write_json(path: Path, data: Any) -> None:
    """Write `data` (dataclasses allowed) as indented JSON, complete or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(to_dict(data), indent=2) + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """Parse a JSON file.

    Raises:
        FileNotFoundError: no such file.
        ValueError: the file is not JSON; the message names it and the place of the fault.
    """
    text = read_text(path)
    try:
        return parse_json(text)
    except ValueError as error:
        raise ValueError(f"{path}: expected JSON, got: {error}; restore or remove it") from error


def read_table(path: Path) -> dict[str, Any]:
    """The table of a JSON file.

    Raises:
        FileNotFoundError, ValueError: as `read_json`, or it holds something else.
    """
    data = read_json(path)
    if not isinstance(data, dict):
        raise ValueError(f"{path}: expected a JSON table, got {shown(data)}; restore or remove it")
    return data


def read_task(path: Path, key: str | None = None) -> dict[str, Any]:
    """The "task" of a run's `config.json`, or the table `key` of it.

    Raises:
        FileNotFoundError, ValueError: as `read_table`, or the configuration is of something else.
    """
    task = read_table(path).get("task", {})
    if not isinstance(task, dict):
        raise ValueError(f"{path}: expected a table as task, got {shown(task)}; restore the file")
    if key is None:
        return task
    if key not in task:
        raise ValueError(
            f"{path}: expected the configuration of a {key}, got one of "
            f"{shown(task.get('kind', 'something else'))}; give another folder"
        )
    return task[key]


def _whole_key(data: Any, key: str) -> list[str]:
    """Parts of the one key of `data` that is `key` or, where it has a dot, ends with it."""
    parts = key.split(".")
    if len(parts) == 1 or parts[0] in data:
        return parts
    found = [path for path in _paths(data) if path[-len(parts) :] == parts]
    if len(found) > 1:
        raise ValueError(
            f"key {shown(key)}: expected one setting that ends with it, got "
            f"{', '.join('.'.join(path) for path in found)}; write one of them"
        )
    return found[0] if found else parts


def _paths(data: Any) -> Iterator[list[str]]:
    """Keys of all tables inside each other, as lists of their parts."""
    if isinstance(data, dict):
        for name, value in data.items():
            yield [name]
            yield from ([name, *path] for path in _paths(value))


def _parse_value(text: str, key: str) -> Any:
    try:
        return parse_json(text)
    except json.JSONDecodeError:
        return text
    except ValueError as error:
        raise ValueError(f"--set {key}: {error}") from error


def _unknown(where: str, name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    place = f"{where}: " if where else ""
    return f"{place}unknown key {shown(name)}; {hint}known keys: {', '.join(known) or 'none'}"


def _convert(kind: Any, data: Any, where: str) -> Any:
    origin = typing.get_origin(kind)
    if origin in (Union, types.UnionType):
        return _convert_union(typing.get_args(kind), data, where)
    if origin is Literal:
        allowed = typing.get_args(kind)
        if data not in allowed:
            raise ValueError(
                f"{where}: expected one of {', '.join(map(repr, allowed))}, got {shown(data)}"
            )
        return data
    if origin is tuple:
        return _convert_tuple(typing.get_args(kind), data, where)
    if dataclasses.is_dataclass(kind):
        return _convert_dataclass(kind, data, where)
    return _convert_scalar(kind, data, where)


def _convert_union(members: tuple[Any, ...], data: Any, where: str) -> Any:
    if data is None and type(None) in members:
        return None
    problems = []
    for member in members:
        if member is type(None):
            continue
        try:
            return _convert(member, data, where)
        except ValueError as problem:
            problems.append(problem)
    raise problems[-1]


def _convert_tuple(members: tuple[Any, ...], data: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(data, list | tuple):
        raise ValueError(f"{where}: expected a list, got {shown(data)}")
    if len(members) == 2 and members[1] is Ellipsis:
        members = (members[0],) * len(data)
    if len(data) != len(members):
        raise ValueError(f"{where}: expected {len(members)} values, got {len(data)}")
    pairs = enumerate(zip(members, data, strict=True))
    return tuple(_convert(member, value, f"{where}[{i}]") for i, (member, value) in pairs)


def _convert_dataclass(kind: Any, data: Any, where: str) -> Any:
    if isinstance(data, kind):
        return data
    if not isinstance(data, Mapping):
        raise ValueError(f"{where}: expected a table of {kind.__name__}, got {shown(data)}")
    hints = typing.get_type_hints(kind)
    fields = {f.name: f for f in dataclasses.fields(kind) if f.init}
    for name in data:
        if name not in fields:
            raise ValueError(_unknown(where, name, sorted(fields)))
    values = {}
    for name, field in fields.items():
        if name in data:
            values[name] = _convert(hints[name], data[name], f"{where}.{name}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise ValueError(f"{where}: expected key {name!r}, got none; add it")
    try:
        return kind(**values)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error
    except (ArithmeticError, TypeError, LookupError) as error:
        raise ValueError(
            f"{where}: expected values of {kind.__name__} that fit each other, got "
            f"{type(error).__name__}: {error}; correct them"
        ) from error


def _convert_scalar(kind: Any, data: Any, where: str) -> Any:
    if kind is Any:
        return data
    if kind is float and isinstance(data, int) and not isinstance(data, bool):
        return _float(data, where)
    if kind is int and isinstance(data, float) and data.is_integer():
        return int(data)
    if type(data) is not kind:
        raise ValueError(f"{where}: expected {kind.__name__}, got {shown(data)}")
    return _float(data, where) if kind is float else data


def _float(data: int | float, where: str) -> float:
    try:
        value = float(data)
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        raise ValueError(f"{where}: expected a finite number, got {shown(data)}")
    return value

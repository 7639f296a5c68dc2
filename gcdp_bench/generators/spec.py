"""What is known of a generator before it is loaded, and the code that a name stands for."""

from __future__ import annotations

import importlib.util
import inspect
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, Literal

from gcdp_bench.core import plugins
from gcdp_bench.core.sampling_config import SamplingConfig
from gcdp_bench.core.types import GUIDANCE, TRUNCATION, Generator, SamplingParameter
from gcdp_bench.training.networks import Code, Network

RESERVED = ("diffusers", "folder")
"""Schemes of NAME=SCHEME:... that later releases read."""
Param = Literal["guidance", "truncation", "none"]
FORMS = "NAME=module:factory or NAME=path/to/file.py:factory"


@dataclass(frozen=True, kw_only=True)
class GeneratorSpec(Network):
    """A generator: how it is loaded, and what is known of it before that."""

    summary: str
    load: Callable[[str, Path, SamplingConfig], Generator]  # name, folder of its weights
    makes_layouts: bool = False
    reads_captions: bool = True
    param: Param = "guidance"  # of sampling
    published: tuple[str, ...] = ()  # weights of the registry that its paper-* presets read


def as_spec(found: Any, name: str, where: str, *, entry: bool = True) -> GeneratorSpec:
    """The entry of a generator by what its package or its user names.

    Args:
        found: a `GeneratorSpec`; or a generator's class or a function, which is called with the
            `SamplingConfig` and makes the generator, weights and all.
        name: of the generator.
        where: it was found, for messages.
        entry: whether it may be a `GeneratorSpec`.

    Raises:
        ValueError: neither of them.
    """
    if entry and isinstance(found, GeneratorSpec):
        return replace(found, name=name)
    if not callable(found) or not _takes_one_argument(found):
        raise ValueError(
            f"{where}: expected a generator's class or a function, called with the SamplingConfig "
            f"alone{', or a GeneratorSpec' if entry else ''}; got {found!r}"
        )
    factory: Any = found
    parameter = _constant(found, "parameter", SamplingParameter, None)
    params: dict[SamplingParameter, Param] = {GUIDANCE: "guidance", TRUNCATION: "truncation"}
    return GeneratorSpec(
        name=name,
        summary=(inspect.getdoc(found) or where).partition("\n")[0],
        load=lambda name, folder, sampling: factory(sampling),
        makes_layouts=_constant(found, "makes_layouts", bool, Generator.makes_layouts),
        reads_captions=_constant(found, "reads_captions", bool, Generator.reads_captions),
        param=params.get(parameter, "none"),
        files=(),
    )


def check_code(name: str, code: Code) -> None:
    """Refuse what cannot be a generator's code; nothing is imported.

    Raises:
        ValueError: a name that cannot name a folder, or another form of the place.
    """
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", name):
        raise ValueError(
            f"{name}={code.place}: expected letters, digits, dots, dashes and underscores before "
            f"=, got {name!r}"
        )
    scheme = code.place.partition(":")[0]
    if scheme in RESERVED:
        raise ValueError(
            f"{name}={code.place}: the scheme {scheme!r} is reserved for a later "
            f"release; give {FORMS}"
        )
    place, _, factory = code.place.rpartition(":")
    if not place or not factory.replace(".", "_").isidentifier():
        raise ValueError(f"expected {FORMS}, got {name}={code.place}")


def load_code(name: str, code: Code) -> Any:
    """The object that a user named.

    Raises:
        ValueError: it cannot be imported; says why.
        FileNotFoundError: no such file.
    """
    check_code(name, code)
    place, _, factory = code.place.rpartition(":")
    if place.endswith(".py"):
        place = _import_file(Path(place))
    return plugins.load_entry(EntryPoint(name=name, value=f"{place}:{factory}", group=""))


def _import_file(path: Path) -> str:
    """Import a file as a module of its own; the module's name."""
    if not path.is_file():
        raise FileNotFoundError(f"{path}: expected a file of Python, found none")
    name = re.sub(r"\W", "_", str(path.resolve()))
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except Exception as error:  # a user's file may raise anything
            del sys.modules[name]
            raise ValueError(f"{path}: {type(error).__name__}: {error}; mend the file") from error
    return name


def _takes_one_argument(function: Callable[..., Any]) -> bool:
    try:
        inspect.signature(function).bind(SamplingConfig())
    except TypeError:
        return False
    except ValueError:  # built in, without a signature
        return True
    return True


def _constant(found: Any, name: str, kind: type, usual: Any) -> Any:
    """A class's constant; of a function, or where it is a property, the usual value."""
    value = getattr(found, name, usual)
    return value if isinstance(value, kind) else usual

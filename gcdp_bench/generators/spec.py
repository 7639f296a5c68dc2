"""Facts about a generator before it is loaded, and the code that a name stands for."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from gcdp_bench.core import plugins
from gcdp_bench.core.config import digest
from gcdp_bench.core.members import is_size, takes
from gcdp_bench.core.sampling_config import SamplingConfig
from gcdp_bench.core.types import GUIDANCE, TRUNCATION, Generator, SamplingParameter
from gcdp_bench.training.networks import Code, Network

RESERVED = ("diffusers", "folder")
"""Schemes of NAME=SCHEME:... that later releases read."""
Param = Literal["guidance", "truncation", "none"]
FORMS = "NAME=module:factory or NAME=path/to/file.py:factory"


@dataclass(frozen=True, kw_only=True)
class Look:
    """How figures and tables show a generator."""

    title: str
    colour: str  # #rrggbb; generators also differ in lightness, for print without colour
    marker: str  # of matplotlib


@dataclass(frozen=True, kw_only=True)
class Flops:
    """GFLOPs of one sample of 64x128 at the tiny preset."""

    step: float = 0.0  # one evaluation of the network; guidance asks twice
    sr_step: float = 0.0  # of the second stage
    once: float = 0.0


@dataclass(frozen=True, kw_only=True)
class GeneratorSpec(Network):
    """A generator: how it is loaded, and what is known of it before that."""

    summary: str
    load: Callable[[str, Path, SamplingConfig], Generator]  # name, folder of its weights
    makes_layouts: bool = False
    reads_captions: bool = True
    param: Param = "guidance"  # of sampling
    image_size: tuple[int, int] | None = None  # of samples; None: not known before it is loaded
    published: tuple[str, ...] = ()  # weights of the registry that its paper-* presets read
    look: Look | None = None  # None: its name, with a colour of its own
    flops: Flops | None = None  # None: not counted


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
    if not takes(found, 1):
        raise ValueError(
            f"{where}: expected a generator's class or a function, called with the SamplingConfig "
            f"alone{', or a GeneratorSpec' if entry else ''}; got {found!r}"
        )
    factory: Any = found
    parameter = _constant(found, "parameter", SamplingParameter, None)
    size = _constant(found, "image_size", tuple, None)
    params: dict[SamplingParameter, Param] = {GUIDANCE: "guidance", TRUNCATION: "truncation"}
    return GeneratorSpec(
        name=name,
        summary=(inspect.getdoc(found) or where).partition("\n")[0],
        load=lambda name, folder, sampling: factory(sampling),
        makes_layouts=_constant(found, "makes_layouts", bool, Generator.makes_layouts),
        reads_captions=_constant(found, "reads_captions", bool, Generator.reads_captions),
        param=params.get(parameter, "none"),
        image_size=size if is_size(size) else None,
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
    refuse_reserved(name)
    scheme = code.place.partition(":")[0]
    if scheme in RESERVED:
        raise ValueError(
            f"{name}={code.place}: the scheme {scheme!r} is reserved for a later "
            f"release; give {FORMS}"
        )
    place, _, factory = code.place.rpartition(":")
    if not place or not factory.replace(".", "_").isidentifier():
        raise ValueError(f"expected {FORMS}, got {name}={code.place}")


def refuse_reserved(name: str) -> None:
    """Refuse a generator by a name that rows of real images and of controls have.

    Raises:
        ValueError: names it.
    """
    if name in ("none", "control") or name.startswith(("real-", "control-")):
        raise ValueError(
            f"{name}: expected a name of its own, got one of real images or controls in the "
            "tables (none, control, real-..., control-...); choose another"
        )


def load_code(name: str, code: Code) -> Any:
    """The object that a user named; its file finds those beside it, as a script does, and a module
    is looked for in the working directory first.

    Raises:
        ValueError: it cannot be imported; says why.
        FileNotFoundError: no such file.
    """
    check_code(name, code)
    place, _, factory = code.place.rpartition(":")
    path = Path(place) if place.endswith(".py") else None
    if path is not None and not path.is_file():
        raise FileNotFoundError(f"{name}={code.place}: expected a file {path}, found none")
    folder = str((path.parent if path is not None else Path()).resolve())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        module = importlib.import_module(place) if path is None else _import_file(path)
    except (Exception, SystemExit) as error:  # a user's code may raise anything
        raise ValueError(
            f"{name}={code.place}: expected code to import, got {plugins.failure(error)}; "
            f"correct it, or give {FORMS}"
        ) from error
    found: Any = module
    for attribute in factory.split("."):
        if not hasattr(found, attribute):
            raise ValueError(f"{name}={code.place}: {place} has no {factory}{_makers(module)}")
        found = getattr(found, attribute)
    return found


def _import_file(path: Path) -> ModuleType:
    """Import a file as a module of its own."""
    name = f"{path.stem}_{digest(str(path.resolve()))}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _makers(module: ModuleType) -> str:
    """Names in a module that could make a generator, for messages."""
    names = [
        name
        for name, value in vars(module).items()
        if getattr(value, "__module__", None) == module.__name__ and takes(value, 1)
    ]
    return f"; it has {', '.join(names)}" if names else "; it defines no class and no function"


def _constant(found: Any, name: str, kind: type, usual: Any) -> Any:
    """A class's constant; of a function, or where it is a property, the usual value."""
    value = getattr(found, name, usual)
    return value if isinstance(value, kind) else usual

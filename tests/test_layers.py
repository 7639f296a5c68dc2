"""Imports point one way: no package imports from a higher one, and no module is in a circle."""

import ast
import re
from itertools import takewhile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("gcdp_bench", "reference_model", "baselines")
TOP_LEVEL = ("reference_model", "baselines")


def table(document: str) -> list[str]:
    """Rows of the table of packages."""
    lines = (ROOT / document).read_text().splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("| packages"))
    return list(takewhile(lambda line: line.startswith("|"), lines[start:]))


def levels() -> list[tuple[str, ...]]:
    """Packages between the arrows of the table, from the ground up."""
    cells = " ".join(row.split("|")[1] for row in table("CONTRIBUTING.md")[2:])
    found = [re.findall(r"`(\w+)/?`", part) for part in cells.split("→")]
    return [
        tuple(name if name in TOP_LEVEL else f"gcdp_bench.{name}" for name in names)
        for names in found
    ]


LEVELS = [*levels(), ("gcdp_bench.__main__",)]
"""A package imports from lower levels."""

MAX_LOOSE = 4
"""Modules in `gcdp_bench/` that belong to no package."""

HEAVY = {"torch", "pandas", "matplotlib", "seaborn", "open_clip", "mmseg", "transformers"}
LIGHT = (  # what --help imports
    "gcdp_bench.cli",
    "gcdp_bench.core.lookup",
    "gcdp_bench.datasets.registry",
    "gcdp_bench.datasets.identities",
    "gcdp_bench.datasets.outlines",
    "gcdp_bench.generators.registry",
)


def modules() -> dict[str, Path]:
    found = {}
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def imports(path: Path, *, top_level: bool = False, for_types: bool = False) -> set[str]:
    """Modules that a file imports, on demand too; of imports for type checking `for_types`."""
    tree = ast.parse(path.read_text())
    nodes = tree.body if top_level else list(ast.walk(tree))
    hidden = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    found = set()
    for node in nodes:
        if id(node) in hidden and not for_types:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def level(module: str) -> int:
    for index, packages in enumerate(LEVELS):
        if any(module == name or module.startswith(f"{name}.") for name in packages):
            return index
    raise AssertionError(f"{module}: give its package a place in the table of CONTRIBUTING.md")


def package(module: str) -> str:
    names = [name for names in LEVELS for name in names]
    return next(name for name in names if module == name or module.startswith(f"{name}."))


def own(path: Path, *, for_types: bool = False) -> set[str]:
    return {name for name in imports(path, for_types=for_types) if name in MODULES}


@pytest.mark.parametrize("module", sorted(set(MODULES) - set(PACKAGES) | {"reference_model"}))
def test_a_module_imports_only_from_lower_packages(module):
    for name in own(MODULES[module], for_types=True) - set(PACKAGES):
        if package(name) != package(module):
            assert level(name) < level(module), f"{module} imports {name}, which is not lower"


def test_the_top_of_the_package_stays_short():
    loose = [path.stem for path in (ROOT / "gcdp_bench").glob("*.py")]
    assert len(loose) <= MAX_LOOSE, loose


def test_every_package_has_one_place():
    names = [name for names in LEVELS for name in names]
    assert len(names) == len(set(names))
    assert set(names) == {package(module) for module in set(MODULES) - set(PACKAGES)}


def test_the_readme_has_the_same_table():
    assert table("README.md") == table("CONTRIBUTING.md")


def test_no_circles():
    graph = {module: own(path) - {module} for module, path in MODULES.items()}
    state: dict[str, str] = {}

    def visit(module: str, trail: list[str]) -> None:
        if state.get(module) == "done":
            return
        assert state.get(module) != "open", " -> ".join([*trail, module])
        state[module] = "open"
        for name in sorted(graph[module]):
            if not module.startswith(f"{name}."):  # a package is loaded before its modules
                visit(name, [*trail, module])
        state[module] = "done"

    for module in sorted(graph):
        visit(module, [])


@pytest.mark.parametrize("module", [m for m in sorted(MODULES) if m.startswith(LIGHT)])
def test_help_imports_nothing_heavy(module):
    names = {name.partition(".")[0] for name in imports(MODULES[module], top_level=True)}
    assert not names & HEAVY


def test_files_stay_readable():
    long = {m: n for m, p in MODULES.items() if (n := len(p.read_text().splitlines())) > 400}
    assert not long

"""Imports point one way: the order of CONTRIBUTING.md holds, and no module is in a circle."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("gcdp_bench", "reference_model", "baselines")
LAYERS = (
    ("gcdp_bench.protocols", "gcdp_bench.files", "gcdp_bench.config", "gcdp_bench.seeds",
     "gcdp_bench.progress", "gcdp_bench.sampling", "gcdp_bench.texts", "gcdp_bench.locks",
     "gcdp_bench.batches", "gcdp_bench.storage", "gcdp_bench.finite", "gcdp_bench.identity",
     "gcdp_bench.networks", "gcdp_bench.runs"),
    ("gcdp_bench.images", "gcdp_bench.palette", "gcdp_bench.rows", "gcdp_bench.alarms",
     "gcdp_bench.points",
     "gcdp_bench.published", "gcdp_bench.provenance", "gcdp_bench.flops", "gcdp_bench.costs",
     "gcdp_bench.cost_rows", "gcdp_bench.parquet",
     "gcdp_bench.arrays", "gcdp_bench.cache", "gcdp_bench.pickles", "gcdp_bench.stored_tables"),
    ("gcdp_bench.training",),
    ("gcdp_bench.datasets", "gcdp_bench.metrics"),
    ("gcdp_bench.extractors",),
    ("reference_model",),
    ("baselines",),
    ("gcdp_bench.catalog",),
    ("gcdp_bench.filling", "gcdp_bench.sample", "gcdp_bench.known", "gcdp_bench.outpaint",
     "gcdp_bench.evaluate", "gcdp_bench.sweep", "gcdp_bench.kinds", "gcdp_bench.train",
     "gcdp_bench.training_sizes", "gcdp_bench.missing", "gcdp_bench.estimate",
     "gcdp_bench.data",
     "gcdp_bench.tables", "gcdp_bench.compare", "gcdp_bench.report", "gcdp_bench.analyze",
     "gcdp_bench.ship", "gcdp_bench.inventory", "gcdp_bench.defaults", "gcdp_bench.doctor",
     "gcdp_bench.verify", "gcdp_bench.memorisation",
     "gcdp_bench.pooling", "gcdp_bench.comparable", "gcdp_bench.agreement",
     "gcdp_bench.tradeoff"),
    ("gcdp_bench.cli", "gcdp_bench.__main__"),
)  # fmt: skip
HEAVY = {"torch", "pandas", "matplotlib", "seaborn", "open_clip", "mmseg", "transformers"}
LIGHT = ("gcdp_bench.cli", "gcdp_bench.catalog")  # what --help imports


def modules() -> dict[str, Path]:
    found = {}
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def imports(path: Path, *, top_level: bool = False) -> set[str]:
    """Modules that a file imports, for type checking excepted."""
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
        if id(node) in hidden:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def layer(module: str) -> int | None:
    for index, names in enumerate(LAYERS):
        if any(module == name or module.startswith(f"{name}.") for name in names):
            return index
    return None


def own(path: Path) -> set[str]:
    return {name for name in imports(path) if name in MODULES}


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_module_imports_only_from_its_layer_or_below(module):
    if module in PACKAGES:
        return
    place = layer(module)
    assert place is not None, f"{module}: name its layer in LAYERS and CONTRIBUTING.md"
    for name in own(MODULES[module]):
        below = layer(name)
        assert below is None or below <= place, f"{module} imports {name} from a higher layer"


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

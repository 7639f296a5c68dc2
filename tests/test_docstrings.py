"""Names between backticks in docstrings exist."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("gcdp_bench", "reference_model", "baselines", "benchmarks")
NAME = re.compile(r"`([A-Za-z_][\w.]*\w)`(?!\()")
FOREIGN = {
    *("prompt_embeds", "negative_prompt_embeds", "fcn_hr18s", "rng_seed", "nn.MultiheadAttention"),
    *("FlopCounterMode", "MEASURE_low", "MEASURE_high", "METRIC_low", "METRIC_high"),
    *("METRIC_corrected", "paper_fid", "paper_miou", "paper_fsd"),
}
"""Names of libraries, and patterns of columns."""


def files() -> Iterator[Path]:
    for package in PACKAGES:
        yield from (ROOT / package).rglob("*.py")


def is_docstring(node: ast.AST) -> bool:
    """Whether it is a docstring of a module, class, function or constant."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def words(tree: ast.AST) -> Iterator[str]:
    """Names that a file defines or uses, and the words of its short strings."""
    skipped = {id(node.value) for node in ast.walk(tree) if is_docstring(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from () if id(node) in skipped else re.findall(r"\w+", node.value)
        for field in ("id", "attr", "arg", "name"):
            if isinstance(name := getattr(node, field, None), str):
                yield name


def test_names_in_docstrings_exist():
    trees = {path: ast.parse(path.read_text()) for path in files()}
    known = {part for path in trees for part in (*path.parts, path.stem)}
    known |= {word for tree in trees.values() for word in words(tree)}
    wrong = {
        f"{path.relative_to(ROOT)}: {name}"
        for path, tree in trees.items()
        for node in ast.walk(tree)
        if is_docstring(node)
        for name in NAME.findall(node.value.value)
        if name not in FOREIGN and any(part not in known for part in name.split("."))
    }
    assert sorted(wrong) == []

"""Names between backticks in docstrings and comments exist."""

import ast
import io
import re
import tokenize
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("gcdp_bench", "reference_model", "baselines", "benchmarks")
NAME = re.compile(r"`([A-Za-z_][\w.]*\w)`(?!\()")
FOREIGN = {
    *("prompt_embeds", "negative_prompt_embeds", "fcn_hr18s", "rng_seed", "nn.MultiheadAttention"),
    *("fcn_hr48", "resize_bilinear", "torch.jit.load", "data.pkl", "FlopCounterMode"),
    *("MEASURE_low", "MEASURE_high", "METRIC_low", "METRIC_high", "METRIC_corrected"),
    *("paper_miou", "ldm.text.path"),
}
"""Names of libraries, and patterns of columns."""


@cache
def files() -> tuple[Path, ...]:
    return tuple(path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py")))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(tree(path)))


def is_docstring(node: ast.AST) -> bool:
    """Whether it is a docstring of a module, class, function or constant."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def defined(node: ast.AST) -> Iterator[str]:
    """Names that the body of a module or a class defines or imports, and `self` attributes."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.FunctionDef | ast.ClassDef):
            yield inner.name
        elif isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
            yield inner.id
        elif isinstance(inner, ast.Attribute) and isinstance(inner.ctx, ast.Store):
            yield inner.attr
        elif isinstance(inner, ast.alias):
            yield (inner.asname or inner.name).partition(".")[0]


@cache
def members() -> Mapping[str, set[str]]:
    """Module (by its own name or that of its package) or class -> names in it."""
    found: dict[str, set[str]] = defaultdict(set)
    bases: list[tuple[str, str]] = []
    for path in files():
        name = path.parent.name if path.stem == "__init__" else path.stem
        found[name] |= set(defined(tree(path)))
        parts = path.relative_to(ROOT).with_suffix("").parts
        for package, module in pairwise(parts):
            found[package].add(module)
        for node in nodes(path):
            if isinstance(node, ast.ClassDef):
                found[node.name] |= set(defined(node))
                bases += [(node.name, base) for base in map(bare, node.bases)]
    for _ in range(3):  # levels of inheritance
        for name, base in bases:
            found[name] |= found[base]
    return {name: inside for name, inside in found.items() if inside}


def bare(base: ast.expr) -> str:
    """Name of a base class, without its module and parameters."""
    return ast.unparse(base).partition("[")[0].rpartition(".")[2]


@cache
def variables() -> set[str]:
    """Names of variables and parameters."""
    every = [node for path in files() for node in nodes(path)]
    found = {node.arg for node in every if isinstance(node, ast.arg)}
    return found | {
        node.id
        for node in every
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id.islower()
    }


@cache
def names() -> set[str]:
    """Names that code defines or uses, and strings that could be one, as columns are."""
    found = set()
    for path in files():
        skipped = {id(node.value) for node in nodes(path) if is_docstring(node)}
        for node in nodes(path):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                if id(node) not in skipped:
                    found.add(node.value)
            for field in ("id", "attr", "arg", "name"):
                if isinstance(name := getattr(node, field, None), str):
                    found.update(name.split("."))
    return found | {*members()}


def exists(name: str) -> bool:
    """Whether a name is one; of a dotted one every part has to be in the one before it."""
    if name in FOREIGN or name in names():
        return True
    first, *others = name.split(".")
    if first not in names() or not others:
        return False
    for owner, part in zip([first, *others], others, strict=False):
        if owner in members() and owner not in variables():
            if part not in members()[owner]:
                return False
        elif part not in names():
            return False
    return True


@cache
def texts(path: Path) -> tuple[str, ...]:
    """Docstrings and comments of a file."""
    tokens = tokenize.generate_tokens(io.StringIO(path.read_text()).readline)
    return (
        *(node.value.value for node in nodes(path) if is_docstring(node)),
        *(token.string for token in tokens if token.type == tokenize.COMMENT),
    )


def test_names_in_docstrings_and_comments_exist():
    wrong = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in files()
        for text in texts(path)
        for name in NAME.findall(text)
        if not exists(name)
    }
    assert sorted(wrong) == []


def clauses_of_what(text: str) -> list[str]:
    """Sentences that begin with "What" or "Who" as a noun; questions are none."""
    sentences = re.split(r"(?<=[.!?:])\s+|\n\s*\n", text.removeprefix("#").strip())
    return [one for one in sentences if re.match(r"(What|Who) (?!.*\?$)", one, re.DOTALL)]


def test_sentences_begin_with_a_subject():
    documents = [ROOT / "README.md", *ROOT.glob("docs/**/*.md"), ROOT / "results/README.md"]
    written = [(path, text) for path in files() for text in texts(path)]
    written += [(path, path.read_text()) for path in documents]
    wrong = {
        f"{path.relative_to(ROOT)}: {one[:60]}"
        for path, text in written
        for one in clauses_of_what(text)
    }
    assert sorted(wrong) == []


def test_a_clause_of_what_would_be_noticed():
    assert clauses_of_what("# What holds.\n") and clauses_of_what(
        "Rows. What a number is, is said."
    )
    assert not clauses_of_what("What does it cost?") and not clauses_of_what("Says what holds.")


@pytest.mark.parametrize(
    "name", ["protocols.Knob.name", "agreement.judge_agreement", "_image_size", "Preset.colour"]
)
def test_a_name_that_does_not_exist_would_be_noticed(name):
    assert not exists(name)


@pytest.mark.parametrize(
    "name", ["seed", "Preset.width", "schema.COLUMNS", "gcdp_bench.results.schema", "ci_low"]
)
def test_names_are_found(name):
    assert exists(name)

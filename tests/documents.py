"""Documents and messages: what is code in them, and the command that a line names."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click

from gcdp_bench.cli import main

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted(
    [
        *ROOT.glob("docs/**/*.md"),
        ROOT / "README.md",
        ROOT / "results/README.md",
        ROOT / "CONTRIBUTING.md",
        ROOT / "SECURITY.md",
    ]
)
SOURCES = sorted(
    path
    for package in ("gcdp_bench", "reference_model", "baselines", "benchmarks")
    for path in (ROOT / package).rglob("*.py")
)
COMMAND = re.compile(r"(?:\bgcdp-bench|-m gcdp_bench)(?= [a-z<]| \\$)([^\n`|;&>#)]*)")
OPTION = re.compile(r"(?<![\w-])(--[a-z][a-z0-9-]*[a-z0-9])(?![\w])")
PLACEHOLDER = "X"


def messages(path: Path) -> Iterator[str]:
    """Strings of a module but its docstrings; what is filled in is `PLACEHOLDER`."""
    tree = ast.parse(path.read_text())
    owners = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    skipped = set()
    for node in ast.walk(tree):
        if isinstance(node, owners) and node.body and isinstance(node.body[0], ast.Expr):
            skipped.add(id(node.body[0].value))
        if isinstance(node, ast.JoinedStr):
            skipped.update(id(part) for part in node.values)
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else PLACEHOLDER
                for part in node.values
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if id(node) not in skipped:
                yield node.value


def joined(text: str) -> str:
    """With continued lines in one, and a code span that is broken over two lines in one."""
    text = re.sub(r"\\\n\s*", " ", text)
    return re.sub(r"`[^`\n]+\n[^`\n]+`", lambda span: span[0].replace("\n", " "), text)


def code_of(text: str) -> Iterator[str]:
    """Blocks and spans of code of a document."""
    for place, part in enumerate(re.split(r"^```.*$", text, flags=re.MULTILINE)):
        if place % 2:
            yield part
        else:
            yield from re.findall(r"`([^`\n]+)`", part)


@cache
def texts() -> tuple[tuple[str, str], ...]:
    """Where, and what: code in every document, and every message of the source."""
    documents = [
        (str(path.relative_to(ROOT)), code)
        for path in DOCUMENTS
        for code in code_of(joined(path.read_text()))
    ]
    own = [(str(path.relative_to(ROOT)), text) for path in SOURCES for text in messages(path)]
    return (*documents, *own)


def is_prose(where: str, text: str) -> bool:
    """Messages and documents have spaces; names of tensors and of modules have none."""
    return where.endswith(".md") or " " in text


def command_of(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that words name, and the rest of them.

    Raises:
        KeyError: there is none.
    """
    found: click.Command = main
    context = click.Context(main)
    while isinstance(found, click.Group):
        if not words:
            return found, []
        inner = found.get_command(context, words[0])
        if inner is None:
            raise KeyError(words[0])
        found, words = inner, words[1:]
    return found, words

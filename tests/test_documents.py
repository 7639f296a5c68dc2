"""What documents and messages tell users to type exists: keys, options, whole command lines."""

import ast
import json
import re
import shlex
from collections.abc import Iterator
from functools import cache
from itertools import islice
from pathlib import Path

import click
import pytest

from gcdp_bench.cli import VERBS, main
from gcdp_bench.core.config import override, to_dict
from gcdp_bench.generators.registry import NETWORKS
from gcdp_bench.train import Request, resolve

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
KEY = r"[a-z][a-z_0-9]*(?:\.[a-z][a-z_0-9]*)*"
ASSIGNED = re.compile(rf"(?:--set|\b[Ss]et) `?({KEY})=")
NAMED = re.compile(rf"--set ({KEY})")
HEADS = (
    "stage",
    "training",
    "unet",
    "text",
    "process",
    "low_res",
    "loss",
    "network",
    "ldm",
    "lafite",
    "labels",
    "layouts",
    "segmenter",
    "attributes",
    "gansformer",
    "autoencoder",
)
DOTTED = re.compile(rf"(?<![\w./@-])((?:{'|'.join(HEADS)})\.[a-z][a-z_0-9.]*[a-z_0-9])(?![\w(/])")
NOT_KEYS = (".json", ".py", ".safetensors", ".md", ".npz", ".parquet", ".csv", ".jsonl")
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


@cache
def keys() -> dict[str, str]:
    """Every key that is named -> where."""
    found: dict[str, str] = {}
    for where, text in texts():
        for pattern in (ASSIGNED, NAMED, DOTTED):
            for key in pattern.findall(text):
                key = key.rstrip(".")
                if not key.endswith(NOT_KEYS) and (pattern is not DOTTED or is_prose(where, text)):
                    found.setdefault(key, where)
    return found


def is_prose(where: str, text: str) -> bool:
    """Messages and documents have spaces; names of tensors and of modules have none."""
    return where.endswith(".md") or " " in text


@cache
def runs() -> dict[str, object]:
    """A resolved configuration of every network, at a preset of either text encoder."""
    found = {}
    for name, network in NETWORKS.items():
        for preset in sorted({"tiny", network.presets[-1] if name != "imagen" else "paper-celeba"}):
            for stage in network.stages or (None,):
                request = Request(model=name, dataset="celeba-25", preset=preset, stage=stage)
                found[f"{name} {stage} {preset}"] = resolve(request).settings.tables()
    return found


def value_of(config: object, key: str) -> object:
    """Of the one setting that ends with `key`.

    Raises:
        KeyError: there is none.
    """
    parts = key.split(".") if "." in key else ["training", key]

    def walk(node: object, path: list[str]) -> Iterator[object]:
        if isinstance(node, dict):
            for name, value in node.items():
                here = [*path, name]
                if here[-len(parts) :] == parts:
                    yield value
                yield from walk(value, here)

    found = list(walk(to_dict(config), []))
    if not found:
        raise KeyError(key)
    return found[0]


def accepted_by(key: str) -> Iterator[str]:
    """Networks for which `train --set KEY=VALUE` accepts the key, with the value that it has."""
    for name, config in runs().items():
        full = key if "." in key else f"training.{key}"
        try:
            value = json.dumps(value_of(config, key))
            if to_dict(override(config, [f"{full}={value}"])) == to_dict(config):
                yield name
        except (KeyError, ValueError):
            continue


def test_every_key_that_is_named_is_a_setting():
    assert {"text.path", "text.dim", "ldm.autoencoder", "precision", "stage.unet.dim"} <= {*keys()}
    assert len(keys()) > 30
    wrong = {key: where for key, where in keys().items() if not any(accepted_by(key))}
    assert not wrong


def test_a_key_that_does_not_exist_would_be_noticed():
    assert ASSIGNED.findall("pass `--set text.pth=FOLDER`") == ["text.pth"]
    assert not any(accepted_by("text.pth")) and not any(accepted_by("stepps"))
    assert any(accepted_by("text.path")) and any(accepted_by("lafite.loss.image_text_weight"))


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


def problem_of(line: str) -> str:
    """Why a command line would be refused before a value is looked at; "" if it would not."""
    line = re.sub(r"\.\.\.|…|[\[\]]", " ", line).strip().rstrip(".,:")
    try:
        words = shlex.split(line)
    except ValueError:
        words = line.replace("'", "").replace('"', "").split()
    try:
        command, rest = command_of(words)
    except KeyError as error:
        return f"no command {error}"
    if isinstance(command, click.Group):
        return ""
    try:
        command.make_parser(click.Context(command)).parse_args([*rest])
    except click.UsageError as error:
        return error.format_message()
    return ""


@cache
def command_lines() -> dict[str, str]:
    """Every command line that is shown -> where."""
    found: dict[str, str] = {}
    for where, text in texts():
        if where.endswith(".md") or is_prose(where, text):
            for line in COMMAND.findall(text):
                words = line.split()
                if words and (words[0] in VERBS or where.endswith(".md")):
                    found.setdefault(line.strip(), where)
    return found


def test_every_command_line_that_is_shown_parses():
    assert len(command_lines()) > 80
    wrong = {
        line: (where, problem)
        for line, where in command_lines().items()
        if (problem := problem_of(line))
    }
    assert not wrong


@pytest.mark.parametrize(
    "line",
    ["train reference --datset x", "swep", "sweep --guidance", "analyze scarceness", "doctor x"],
)
def test_a_wrong_line_would_be_noticed(line):
    assert problem_of(line) or line == "doctor x"


FOREIGN = {
    "accelerate launch": ("--cpu", "--num_processes"),
    "torchrun": ("--nproc-per-node", "--nnodes", "--rdzv-backend", "--rdzv-id", "--rdzv-endpoint"),
    "sbatch, srun": (
        "--job-name",
        "--nodes",
        "--ntasks",
        "--ntasks-per-node",
        "--gpus-per-node",
        "--time",
        "--requeue",
        "--exclude",
        "--overlap",
    ),
    "ray": (
        "--head",
        "--num-cpus",
        "--num-gpus",
        "--disable-usage-stats",
        "--block",
        "--port",
        "--address",
        "--node-ip-address",
    ),
    "tensorboard, pip, hf, git": (
        "--logdir",
        "--force-reinstall",
        "--yes",
        "--no-deps",
        "--local-dir",
        "--abbrev",
    ),
}
"""Options of other programs that are shown."""


@cache
def known_options() -> frozenset[str]:
    """Options of every command, and of the scripts in benchmarks/."""

    def walk(command: click.Command) -> Iterator[str]:
        for parameter in command.params:
            yield from (option for option in (*parameter.opts, *parameter.secondary_opts))
        if isinstance(command, click.Group):
            context = click.Context(command)
            for name in command.list_commands(context):
                inner = command.get_command(context, name)
                assert inner is not None
                yield from walk(inner)

    scripts = (
        text for path in SOURCES for text in messages(path) if re.fullmatch(r"--[a-z-]+", text)
    )
    return frozenset((*walk(main), *scripts, "--help"))


def test_every_option_that_is_named_exists():
    foreign = {option for options in FOREIGN.values() for option in options}
    wrong = {
        option: where
        for where, text in texts()
        for option in OPTION.findall(text)
        if option not in known_options() and option not in foreign
    }
    assert not wrong


LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)|<img src=\"([^\"]+)\"")
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def anchors(text: str) -> set[str]:
    """Anchors of a document's headings: lower case, dashes for blanks, no punctuation."""
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", text), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(path: Path, text: str) -> list[str]:
    """Relative links of a document whose file, or whose heading in that file, does not exist."""
    broken = []
    for target in (one or other for one, other in LINK.findall(FENCED.sub("", text))):
        name, _, anchor = target.partition("#")
        if "://" in name:
            continue
        file = (path.parent / name).resolve() if name else path
        if not file.exists() or (anchor and anchor not in anchors(file.read_text())):
            broken.append(target)
    return broken


def markdown_files() -> list[Path]:
    """Every document of the repository; hidden folders are other programs'."""
    folders = [path for path in ROOT.iterdir() if path.is_dir() and path.name[0] != "."]
    nested = (path for folder in folders for path in folder.rglob("*.md"))
    return sorted([*ROOT.glob("*.md"), *nested])


def test_every_relative_link_leads_to_a_file_and_a_heading():
    wrong = {
        str(path.relative_to(ROOT)): links
        for path in markdown_files()
        if (links := broken_links(path, path.read_text()))
    }
    assert not wrong


def test_a_broken_link_would_be_noticed():
    text = (
        "[a](docs/none.md), [b](README.md#none), [c](README.md#quick-start), [d](https://x.org/y)"
    )
    assert broken_links(ROOT / "README.md", text) == ["docs/none.md", "README.md#none"]


def test_the_index_links_every_document():
    index = ROOT / "docs/README.md"
    linked = {one for one, _ in LINK.findall(index.read_text())}
    documents = {str(path.relative_to(index.parent)) for path in index.parent.rglob("*.md")}
    assert documents - linked == {"README.md"}


def test_documents_and_messages_name_existing_documents():
    wrong = {
        name: where
        for where, text in [*texts(), *((str(path), path.read_text()) for path in SOURCES)]
        for name in re.findall(r"\bdocs/[\w/-]+\.md", text)
        if not (ROOT / name).is_file()
    }
    assert not wrong


def test_documents_name_existing_modules():
    """Of this repository by path or name; those in a path of the reader's are no name here."""
    there = {path.name for folder in ("tests", "benchmarks") for path in (ROOT / folder).rglob("*")}
    wrong = {
        name: str(path)
        for path in DOCUMENTS
        for code in code_of(path.read_text())
        for name in re.findall(r"(?:tests|benchmarks)/[\w/]+\.py|\btest_\w+\.py", code)
        if Path(name).name not in there or ("/" in name and not (ROOT / name).is_file())
    }
    assert not wrong


def test_comments_and_docstrings_name_existing_commands():
    wrong = {}
    for path in SOURCES:
        for verb, inner in re.findall(r"`gcdp-bench ([a-z]+)(?: ([a-z]+))?", path.read_text()):
            try:
                command_of([verb, *([inner] if inner else [])])
            except KeyError as error:
                wrong[f"{verb} {inner}"] = f"{path.relative_to(ROOT)}: no command {error}"
    assert not wrong


def test_the_python_of_the_readme_prints_values(swept, tmp_path, monkeypatch, capsys):
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "local").symlink_to(swept)
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {})
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split()[:3] == ["model", "param_value", "value"] and len(lines) > 4
    assert all(len(line) <= 80 and "..." not in line for line in (head, *lines))


def test_a_version_that_is_not_released_has_no_date():
    version, state = re.findall(r"^## ([\d.]+)(.*)", (ROOT / "CHANGELOG.md").read_text(), re.M)[0]
    citation = (ROOT / "CITATION.cff").read_text()
    assert f"version: {version}" in citation
    assert ("date-released:" in citation) == ("unreleased" not in state)


if __name__ == "__main__":
    for key, where in sorted(keys().items()):
        print(f"{key:44s} {where:44s} {', '.join(islice(accepted_by(key), 3))}")

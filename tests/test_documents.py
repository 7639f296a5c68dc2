"""Links, headings, documents and modules that documents name exist; the README's code runs."""

import re
from pathlib import Path

from tests.documents import DOCUMENTS, ROOT, SOURCES, code_of, texts

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

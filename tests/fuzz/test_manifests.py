"""Manifests and the JSON that the toolkit keeps: broken, of wrong types, deep, doubled."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcdp_bench.core.config import read_json, read_task, write_json
from gcdp_bench.datasets.celeba.attributes import read_attributes
from gcdp_bench.datasets.celeba.partition import read_mapping
from gcdp_bench.datasets.folder import Folder
from gcdp_bench.datasets.folder_files import read_classes
from gcdp_bench.datasets.manifest import read_ids, read_manifest
from gcdp_bench.datasets.views import read_excluded
from gcdp_bench.extractors.store import recorded_digests
from gcdp_bench.io.validation import MAX_DEPTH, parse_json
from gcdp_bench.profiling.training_cost import read_cost
from gcdp_bench.results.layout import read_point
from tests.fuzz.common import attempt, command_refused, memory_within, refused
from tests.fuzz.test_captions import LINES, write_lines
from tests.properties import examples

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "id",
                    "split",
                    "caption",
                    "file_name",
                    "text",
                    "task",
                    "kind",
                    "classes",
                    "samples",
                    "reference",
                    "hash",
                    "seconds",
                    "dataset",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)

LINE_READERS = {
    "a_captions.jsonl": read_manifest,
    "25_ids.txt": read_ids,
    "quarantine.jsonl": lambda path: read_excluded(path, ("test",)),
    "mapping.txt": read_mapping,
    "attributes.txt": read_attributes,
}


def read_point_in(path: Path):
    folder = path.parent / "results" / "scores" / "abc"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "point.json").write_bytes(path.read_bytes())
    return read_point(path.parent / "results", "abc")


FILE_READERS = {
    "config.json": lambda path: read_task(path, "stage"),
    "cost.json": lambda path: read_cost(path.parent),
    "classes.json": lambda path: read_classes(path.parent),
    "point.json": read_point_in,
}


@pytest.mark.parametrize("name", LINE_READERS)
@pytest.mark.parametrize("line", LINES)
def test_a_bad_line_of_any_manifest_is_named_or_skipped(name, line, tmp_path):
    content = LINES[line]
    path = tmp_path / name
    header = b"id index file\n" if name == "mapping.txt" else b""
    path.write_bytes(
        header + (content if isinstance(content, bytes) else json.dumps(content).encode())
    )
    with memory_within(32):
        _, message = attempt(lambda: LINE_READERS[name](path))
    if name != "25_ids.txt":
        assert message is not None
    assert message is None or name in message


@examples(150)
@given(name=st.sampled_from(sorted(LINE_READERS)), lines=st.lists(JSON | st.text(), max_size=3))
def test_any_lines_are_read_or_refused(name, lines, tmp_path):
    path = tmp_path / name
    path.write_bytes(
        b"\n".join(
            (line if isinstance(line, str) else json.dumps(line)).encode("utf-8", "surrogatepass")
            for line in lines
        )
    )
    _, message = attempt(lambda: LINE_READERS[name](path))
    assert message is None or name in message


@examples(80)
@given(name=st.sampled_from(sorted(FILE_READERS)), data=JSON)
def test_any_json_is_read_or_refused(name, data, tmp_path):
    path = tmp_path / name
    path.write_text(json.dumps(data))
    _, message = attempt(lambda: FILE_READERS[name](path))
    assert message is None or name in message or "abc" in message


@examples(100)
@given(
    content=st.one_of(
        st.binary(max_size=60), st.text(alphabet='{}[]":,0123e-', max_size=40).map(str.encode)
    )
)
def test_any_bytes_are_json_or_refused(content, tmp_path):
    path = tmp_path / "some.json"
    path.write_bytes(content)
    data, message = attempt(lambda: read_json(path))
    assert message is None or "some.json" in message
    if message is None:
        assert json.dumps(data) == json.dumps(json.loads(content))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, "levels"),
        ("[" * (MAX_DEPTH + 2) + "]" * (MAX_DEPTH + 2), "levels"),
        ('{"a":' * 500 + "1" + "}" * 500, "levels"),
        ('{"a": 1, "b": {"c": 1, "c": 2}}', "'c' occurs twice"),
        ("9" * 5000, "digits"),
    ],
)
def test_json_that_python_would_take_or_choke_on_is_refused(text, message):
    refused(lambda: parse_json(text), message)


@examples(100)
@given(data=JSON)
def test_other_json_is_what_python_reads(data):
    text = json.dumps(data)
    assert json.dumps(parse_json(text)) == text


@pytest.mark.parametrize(
    "classes",
    [
        [],
        {"classes": []},
        {"classes": "abc"},
        {"classes": [""]},
        {"classes": ["a", " "]},
        {"classes": ["a", "a"]},
        {"classes": ["a", 3]},
        {"classes": ["a\0"]},
        {"classes": ["a\u001b[31m"]},
        {"classes": ["a" * 300]},
        {"classes": [str(i) for i in range(256)]},
        {"classes": ["a"], "dataset": 7},
        {"classes": ["a"], "dataset": "a\nb"},
        {"classes": ["a"], "dataset": ""},
    ],
)
def test_classes_are_names(classes, tmp_path):
    root = write_lines(tmp_path / "data", [{"id": "0", "caption": "a"}])
    write_json(root / "classes.json", classes)
    refused(lambda: Folder(root), "classes.json")
    command_refused(["data", "stats", root, "--split", "test"], "classes.json")


@pytest.mark.parametrize("place", ["../x", "/etc", "a/../../x", "a\0b", ".."])
def test_a_point_lies_in_its_results_folder(place, tmp_path):
    for record in ({"samples": place, "reference": "cache"}, {"samples": "a", "reference": place}):
        write_json(tmp_path / "point.json", record)
        refused(lambda: read_point_in(tmp_path / "point.json"), "point.json", "results")
    refused(lambda: read_point(tmp_path, place))


@pytest.mark.parametrize("record", ["[]", '{"inception-v3": 7}', '{"inception-v3": {"a": 1}}', "{"])
def test_the_record_of_digests_is_checked(record, tmp_path, monkeypatch):
    monkeypatch.setenv("GCDP_WEIGHTS", str(tmp_path))
    (tmp_path / "digests.json").write_text(record)
    refused(lambda: recorded_digests("inception-v3"), "digests.json")
    command_refused(["weights", "list"], "digests.json")


@pytest.mark.parametrize(
    "record", ["[]", "{}", '{"hash": 7}', "{", "null", '{"hash": "x", "request": [[[]]]}']
)
def test_samples_of_unknown_origin_are_not_continued(record, toy, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "samples.json").write_text(record)
    command_refused(
        [
            "sample",
            "reference",
            "--dataset",
            toy.data,
            "--weights",
            toy.reference,
            "--out",
            out,
            "--num-samples",
            2,
            "--steps",
            2,
        ]
    )
    assert [path.name for path in out.glob("[!.]*")] == ["samples.json"]  # and hidden locks
    assert (out / "samples.json").read_text() == record


@pytest.mark.parametrize("name", ["torn", "not UTF-8", "deep", "number as id"])
def test_commands_name_a_bad_list_of_exclude(name, toy, tmp_path):
    path = tmp_path / "quarantine.jsonl"
    content = LINES[name]
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    command_refused(
        [
            "sample",
            "reference",
            "--dataset",
            toy.data,
            "--weights",
            toy.reference,
            "--exclude",
            path,
            "--out",
            tmp_path / "o",
        ],
        path,
    )

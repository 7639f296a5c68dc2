"""Lists of captions and ids: read, refused, and the choice among captions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcdp_bench.datasets.manifest import choose_caption, read_ids, read_manifest, write_ids
from tests.gcdp_bench.datasets.trees import write_manifest


def test_names_lose_extension_and_suffix(tmp_path):
    path = write_manifest(tmp_path / "m.jsonl", {"a_1_leftImg8bit.png": ["x"], "7.jpg": ["y", "z"]})
    assert read_manifest(path, suffix="_leftImg8bit") == {"a_1": ("x",), "7": ("y", "z")}
    assert read_ids(path) == ("a_1_leftImg8bit", "7")
    path.write_text(path.read_text().replace("file_name", "id"))
    assert read_manifest(path, suffix="_leftImg8bit") == {"a_1": ("x",), "7": ("y", "z")}
    assert read_ids(path) == ("a_1_leftImg8bit", "7")


@pytest.mark.parametrize(
    "line",
    [
        '{"file_name": "1.jpg"}',
        "not json",
        '{"file_name": "1.jpg", "text": 7}',
        '{"text": ["a"]}',
        '{"file_name": "1.jpg", "text": []}',
        '{"file_name": "1.jpg", "text": [""]}',
        "[1]",
    ],
)
def test_a_line_of_another_form_is_named(tmp_path, line):
    path = tmp_path / "m.jsonl"
    path.write_text('{"file_name": "0.jpg", "text": ["a"]}\n' + line + "\n")
    with pytest.raises(ValueError, match='line 2: expected {"id"'):
        read_manifest(path)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n \n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_every_form_of_a_line_is_read_and_lines_of_an_id_add_up(tmp_path, end, mark):
    path = tmp_path / "m.jsonl"
    lines = (
        '{"file_name": "a/0.PNG", "text": ["x", "y"]}',
        '{"id": "0", "caption": "z"}',
        '{"file_name": "v1.5.jpg", "text": "one"}',
        '{"id": "v1.5", "captions": ["two"]}',
        '{"id": "caf\u00e9", "caption": ""}',
        '{"file_name": "cafe\u0301", "text": "b"}',
    )
    path.write_bytes(mark + (end.join(lines) + end).encode())
    expected = {"0": ("x", "y", "z"), "v1.5": ("one", "two"), "caf\u00e9": ("", "b")}
    assert read_manifest(path) == expected
    assert read_ids(path) == tuple(expected)


def test_text_in_two_bytes_a_character_is_refused(tmp_path):
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32"):
        path = tmp_path / f"{encoding}.txt"
        path.write_bytes("3\n4\n".encode(encoding))
        with pytest.raises(ValueError, match=r"expected UTF-8 text, got UTF-(16|32).*save it as"):
            read_ids(path)


def test_ids_are_compared_with_composed_accents_and_keep_their_points(tmp_path):
    path = tmp_path / "ids.txt"
    path.write_text("\ufeffcafe\u0301.JPG\r\nframe.0001\r\n\r\n", encoding="utf-8")
    assert read_ids(path) == ("caf\u00e9", "frame.0001")
    write_ids(path, ("frame.0001", "frame.0002"))
    assert read_ids(path) == ("frame.0001", "frame.0002")


def test_repeated_and_missing(tmp_path):
    (tmp_path / "ids.txt").write_text("3\n4.jpg\n3.jpg\n")
    with pytest.raises(ValueError, match="id '3' occurs twice"):
        read_ids(tmp_path / "ids.txt")
    for name in ("none.jsonl", "none.txt"):
        with pytest.raises(FileNotFoundError, match="found none"):
            read_ids(tmp_path / name)


def test_ids_are_read_as_written(tmp_path):
    write_ids(tmp_path / "a" / "ids.txt", ("3", "10", "7"))
    assert read_ids(tmp_path / "a" / "ids.txt") == ("3", "10", "7")


@given(st.lists(st.text(min_size=1), min_size=1, max_size=12), st.text(), st.integers(0, 99))
def test_the_choice_depends_on_seed_id_and_number_alone(captions, item, seed):
    place = captions.index(choose_caption(captions, item, seed))
    assert choose_caption(captions, item, None) == captions[0]
    assert choose_caption(captions, item, seed) == captions[place]
    renamed = [str(i) for i in range(len(captions))]
    assert captions[int(choose_caption(renamed, item, seed))] == captions[place]


def test_every_caption_is_chosen_for_some_item():
    captions = [str(i) for i in range(10)]
    counts = [0] * 10
    for item in range(5000):
        counts[int(choose_caption(captions, str(item), 0))] += 1
    # Uniform: 500 each, standard deviation 21; five of them on either side.
    assert all(395 < count < 605 for count in counts)

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


@pytest.mark.parametrize(
    "line",
    ['{"file_name": "1.jpg"}', "not json", '{"file_name": "1.jpg", "text": "one"}',
     '{"file_name": "1.jpg", "text": []}', '{"file_name": "1.jpg", "text": [""]}', "[1]"],
)  # fmt: skip
def test_a_line_of_another_form_is_named(tmp_path, line):
    path = tmp_path / "m.jsonl"
    path.write_text('{"file_name": "0.jpg", "text": ["a"]}\n' + line + "\n")
    with pytest.raises(ValueError, match='line 2: expected {"file_name"'):
        read_manifest(path)


def test_repeated_and_missing(tmp_path):
    path = tmp_path / "m.jsonl"
    path.write_text('{"file_name": "0.jpg", "text": ["a"]}\n' * 2)
    with pytest.raises(ValueError, match="line 2: '0' occurs twice"):
        read_manifest(path)
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

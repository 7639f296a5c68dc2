"""Files are complete or absent; folders are tried before the work."""

import pytest

from gcdp_bench import files
from gcdp_bench.files import output_folder, replacing, replacing_folder


def test_the_new_file_takes_the_old_ones_place(tmp_path):
    path = tmp_path / "deep" / "a.txt"
    for text in ("old", "new"):
        with replacing(path) as temporary:
            temporary.write_text(text)
        assert path.read_text() == text
    assert list(path.parent.iterdir()) == [path]


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text("half of the n")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_processes_do_not_touch_each_others_temporary_file(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    with replacing(path) as first:
        first.write_text("first")
        monkeypatch.setattr(files.os, "getpid", lambda: -1)
        with replacing(path) as second:
            second.write_text("second")
    assert path.read_text() == "first"  # it finished last
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_is_made_and_left_empty(tmp_path):
    assert not list(output_folder(tmp_path / "x" / "y").iterdir())


def test_an_unwritable_folder_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"file/x: expected a folder that can be written.*another"):
        output_folder(tmp_path / "file" / "x")


def test_a_folder_is_replaced_whole_or_not_at_all(tmp_path):
    folder = tmp_path / "folder"
    for name in ("old", "new"):
        with replacing_folder(folder) as temporary:
            (temporary / name).write_text(name)
    assert [path.name for path in folder.iterdir()] == ["new"]
    with pytest.raises(KeyError), replacing_folder(folder) as temporary:
        (temporary / "broken").touch()
        raise KeyError
    assert [path.name for path in folder.iterdir()] == ["new"]
    assert list(tmp_path.iterdir()) == [folder]

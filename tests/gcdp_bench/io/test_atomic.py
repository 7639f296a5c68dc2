"""Files are complete or absent; folders are tried before the work."""

import errno
import os
import signal
import socket
import subprocess
import sys

import pytest

from gcdp_bench.io import atomic as files
from gcdp_bench.io.atomic import output_folder, replacing, replacing_folder


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


def test_what_is_renamed_is_on_the_disk_before(tmp_path, monkeypatch):
    """In order: the content, the new name, and the folder that holds the name."""
    done = []
    monkeypatch.setattr(files, "_sync", lambda path: done.append(path.name))
    replace = type(tmp_path).replace
    monkeypatch.setattr(
        type(tmp_path), "replace", lambda own, to: done.append("rename") or replace(own, to)
    )
    with replacing(tmp_path / "a.txt") as temporary:
        temporary.write_text("new")
    assert done == [temporary.name, "rename", tmp_path.name]
    done.clear()
    with replacing_folder(tmp_path / "folder") as temporary:
        (temporary / "deep").mkdir()
        (temporary / "deep" / "b.txt").write_text("new")
    assert done[-2:] == ["rename", tmp_path.name]
    assert sorted(done[:-2]) == sorted(["b.txt", "deep", temporary.name])


def test_files_of_dead_processes_are_removed_and_those_of_others_kept(tmp_path):
    dead = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True
    ).stdout.strip()
    host = socket.gethostname()
    doomed = tmp_path / f".a.txt.{dead}@{host}.tmp"
    others = (
        f".a.txt.{dead}@elsewhere.tmp",
        f".b.{os.getpid()}@{host}.tmp",
        ".hidden.tmp",
        f"a.txt.{dead}@{host}.tmp",
    )
    kept = [tmp_path / name for name in others]
    for path in (doomed, *kept):
        path.write_text("half")
    output_folder(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted(kept)


KILLED = """
import os, signal, sys
from pathlib import Path
from gcdp_bench.io.atomic import {how}
with {how}(Path(sys.argv[1])) as temporary:
    target = temporary if "{how}" == "replacing" else temporary / "part"
    target.write_text("half of the n")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("how", ["replacing", "replacing_folder"])
def test_a_killed_writer_leaves_the_old_and_the_next_run_cleans_up(tmp_path, how):
    target = tmp_path / "target"
    writer = replacing if how == "replacing" else replacing_folder

    def write():
        with writer(target) as temporary:
            (temporary if writer is replacing else temporary / "whole").write_text("old")

    write()
    killed = subprocess.run([sys.executable, "-c", KILLED.format(how=how), str(target)])
    assert killed.returncode == -signal.SIGKILL
    whole = target if writer is replacing else target / "whole"
    assert whole.read_text() == "old" and len(list(tmp_path.iterdir())) == 2
    output_folder(tmp_path)
    write()
    assert list(tmp_path.iterdir()) == [target]


FULL = """
import resource, sys
from pathlib import Path
import torch
from gcdp_bench.core.config import write_json
from gcdp_bench.io.atomic import replacing_folder
from gcdp_bench.training.checkpoint import save_weights
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
folder = Path(sys.argv[1])
def in_folder():
    with replacing_folder(folder / "many") as temporary:
        save_weights(temporary / "w.safetensors", {"w": torch.zeros(10_000)})
for write in (
    lambda: write_json(folder / "a.json", ["long"] * 1000),
    lambda: save_weights(folder / "w.safetensors", {"w": torch.zeros(10_000)}),
    in_folder,
):
    try:
        write()
    except OSError as error:
        print(error)
    else:
        sys.exit("written in spite of the limit")
"""


def test_a_full_disk_leaves_the_old_files_and_says_so(tmp_path):
    """A limit on the size of files stands for it: the system refuses the write in the middle."""
    (tmp_path / "many").mkdir()
    for name in ("a.json", "w.safetensors", "many/old"):
        (tmp_path / name).write_text("old")
    result = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    for line, name in zip(lines, ("a.json", "w.safetensors", "many"), strict=True):
        assert "what was there before is unharmed: make room and run" in line
        assert line.endswith(f"'{tmp_path / name}'")
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == [
        "a.json",
        "old",
        "w.safetensors",
    ]
    assert {path.read_text() for path in tmp_path.rglob("*") if path.is_file()} == {"old"}


def test_a_full_device_is_known_whichever_library_meets_it(tmp_path):
    """Some raise an error without the system's number, with its text alone."""
    with pytest.raises(OSError, match="make room") as caught, replacing(tmp_path / "a"):
        raise OSError(f"Error writing bytes to file. Detail: {os.strerror(errno.ENOSPC)}")
    assert caught.value.errno == errno.ENOSPC
    with pytest.raises(OSError, match="^something else$"), replacing(tmp_path / "a"):
        raise OSError("something else")

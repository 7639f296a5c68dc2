"""The user's cache: complete entries alone, by several writers, within a limit."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from gcdp_bench.cli import main
from gcdp_bench.io import cache as module
from gcdp_bench.io.cache import KINDS, LAYOUTS, STATISTICS, UserCache, cache_home, cache_limit
from tests.properties import examples


def arrays(fill: int, num: int = 100) -> dict[str, np.ndarray]:
    random = np.random.default_rng(fill)
    return {"values": random.integers(0, 255, num, np.uint8), "fill": np.array([fill])}


@pytest.fixture
def cache(tmp_path):
    return UserCache(tmp_path)


def test_it_lies_where_the_variable_or_the_platform_says(tmp_path, monkeypatch):
    assert cache_home() == Path(os.environ["GCDP_CACHE"])
    monkeypatch.delenv("GCDP_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    if sys.platform == "linux":
        assert cache_home() == tmp_path / "gcdp-bench"


@pytest.mark.parametrize(
    ("text", "num_bytes"),
    [
        ("0", 0),
        ("1000", 1000),
        ("500MB", 500_000_000),
        ("1.5 gb", 1_500_000_000),
        ("2T", 2 * 10**12),
    ],
)
def test_sizes(monkeypatch, text, num_bytes):
    monkeypatch.setenv("GCDP_CACHE_LIMIT", text)
    assert cache_limit() == num_bytes


@pytest.mark.parametrize("text", ["many", "-1", "1 GiB", "1e3", "GB", "nan"])
def test_other_sizes_are_refused(monkeypatch, text):
    monkeypatch.setenv("GCDP_CACHE_LIMIT", text)
    with pytest.raises(ValueError, match="GCDP_CACHE_LIMIT: expected a size such as 500MB"):
        cache_limit()


def test_what_is_written_is_read(cache):
    assert cache.read("ab-cd") is None and not cache.starts_with("ab")
    cache.write("faces", "ab-cd", arrays(1))
    read = cache.read("ab-cd")
    assert read is not None and np.array_equal(read["values"], arrays(1)["values"])
    assert cache.starts_with("ab") and not cache.starts_with("cd") and cache.read("ab") is None


def test_a_torn_file_counts_as_absent_and_is_said(cache, caplog):
    cache.write("faces", "ab-cd", arrays(1))
    (entry,) = cache.entries()
    whole = entry.path.read_bytes()
    for length in (0, 10, len(whole) // 2, len(whole) - 1):
        entry.path.write_bytes(whole[:length])
        assert cache.read("ab-cd") is None
    assert len(caplog.records) == 4 and "it is made again" in caplog.text
    cache.write("faces", "ab-cd", arrays(1))
    assert cache.read("ab-cd") is not None


@examples(40)
@given(st.lists(st.integers(0, 5), max_size=20), st.integers(0, 4))
def test_the_least_recently_used_go_first(tmp_path_factory, uses, room):
    """Against a list: entries in the order of their last use, of which the last ones fit."""
    home = tmp_path_factory.mktemp("lru")
    probe = UserCache(home / "probe", limit=10**9)
    probe.write("a", "0", arrays(0))
    size = max(entry.num_bytes for entry in probe.entries()) + 8
    cache, kept = UserCache(home / "cache", limit=room * size), []
    for now, use in enumerate(uses):
        found = cache.read(f"key{use}")
        assert (found is not None) == (use in kept)
        if found is None:
            cache.write("a", f"key{use}", arrays(use))
        else:
            kept.remove(use)
        kept = [*kept, use][-room:] if room else []
        for path in (home / "cache").rglob(f"*-key{use}.npz"):
            os.utime(path, (now, now))
        assert {entry.path.stem[-1] for entry in cache.entries()} == {str(use) for use in kept}


def test_merged_layouts_count_and_go_too(cache, tmp_path):
    folder = tmp_path / LAYOUTS / "tree"
    folder.mkdir(parents=True)
    for name in ("1.png", "2.png"):
        (folder / name).write_bytes(b"x" * 500)
    os.utime(folder, (1, 1))
    assert [(e.kind, e.num_bytes) for e in cache.entries()] == [(LAYOUTS, 1000)]
    UserCache(tmp_path, limit=900).write("a", "key", arrays(0))
    assert [entry.kind for entry in cache.entries()] == [STATISTICS] and not folder.exists()


def test_clear_removes_nothing_else(cache, tmp_path):
    cache.write("a", "key", arrays(0))
    with cache.alone("key"):
        pass
    kept = [tmp_path / "weights" / "clip.pt", tmp_path / "stores" / "s3" / "results.parquet"]
    for path in (*kept, tmp_path / LAYOUTS / "tree" / "1.png"):
        path.parent.mkdir(parents=True)
        path.write_text("x")
    assert [entry.kind for entry in cache.clear([LAYOUTS])] == [LAYOUTS]
    assert cache.read("key") is not None
    assert len(cache.clear()) == 1 and not cache.clear()
    assert sorted(p for p in tmp_path.rglob("*") if p.is_file()) == sorted(kept)
    with pytest.raises(ValueError, match="expected some of statistics, celeba-layouts, got weig"):
        cache.clear(["weights"])


def test_a_read_only_cache_is_read_and_said_once(cache, tmp_path, caplog, monkeypatch):
    cache.write("a", "key", arrays(3))

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    for name in ("exclusive", "replacing"):
        monkeypatch.setattr(module, name, refuse)
    with cache.alone("key"):
        assert cache.read("key") is not None
        cache.write("a", "other", arrays(4))
    (line,) = caplog.records
    assert "Permission denied" in line.message and "GCDP_CACHE" in line.message
    assert cache.read("other") is None


def test_a_full_disk_is_said_and_leaves_nothing(cache, tmp_path, caplog, monkeypatch):
    def full(file, **_):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    cache.write("a", "key", arrays(0))
    assert "No space left" in caplog.text
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


WRITER = """
import sys
import numpy as np
from pathlib import Path
from gcdp_bench.io.cache import UserCache
cache = UserCache(Path(sys.argv[1]), limit=200_000)
print("ready", flush=True)
for turn in range(10**6):
    key = f"key{turn % 5}"
    cache.write("a", key, {"values": np.full(50_000, turn % 5), "turn": np.arange(1000)})
    found = cache.read(key)
    assert found is None or (found["values"] == turn % 5).all() and len(found["values"]) == 50_000
"""


def test_writers_that_are_killed_leave_whole_entries(tmp_path, caplog):
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    cache = UserCache(tmp_path)
    for writer in writers:
        assert writer.stdout is not None and writer.stdout.readline() == b"ready\n"
    num_read, end = 0, time.monotonic() + 1.5
    while time.monotonic() < end or not num_read:
        for fill in range(5):
            found = cache.read(f"key{fill}")
            num_read += found is not None
            assert found is None or (found["values"] == fill).all()
    for writer in writers:
        assert writer.poll() is None, "a writer failed"
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()  # type: ignore[union-attr]
    assert not caplog.records
    for entry in cache.entries():
        assert cache.read(entry.path.stem.partition("-")[2]) is not None
    cache.write("a", "last", arrays(0))
    assert not list(tmp_path.rglob("*.tmp"))


class TestCommands:
    def run(self, *args: str):
        return CliRunner().invoke(main, ["cache", *args])

    def test_list_and_clear(self):
        cache = UserCache()
        cache.write("stripes test 12 clip", "key", arrays(0, 10**6))
        output = self.run("list").output
        assert "1.0 MB" in output and "statistics" in output and "stripes test 12 clip" in output
        assert f"1 entries, 1.0 MB of at most 10000.0 MB, in {cache_home()}" in output
        assert "1 entries removed, 1.0 MB" in self.run("clear", STATISTICS).output
        assert "0 entries, 0.0 MB" in self.run("list").output

    def test_wrong_kinds_and_sizes(self, monkeypatch):
        result = self.run("clear", "weights")
        assert result.exit_code == 1 and f"expected some of {', '.join(KINDS)}" in result.output
        monkeypatch.setenv("GCDP_CACHE_LIMIT", "lots")
        assert "GCDP_CACHE_LIMIT" in self.run("list").output

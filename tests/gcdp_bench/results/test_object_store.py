"""Folders in an object store: an S3 server of this machine, and fsspec's memory."""

import os
import shutil
import time

import fsspec
import pytest

from gcdp_bench.results.object_store import Store, fetched, is_remote, open_store, store_of


@pytest.fixture(scope="session")
def server():
    """An S3 server; a bucket of its own per test comes from `bucket`."""
    from moto.server import ThreadedMotoServer

    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL")
    before = {name: os.environ.get(name) for name in names}
    running = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    values = ("key", "secret", "us-east-1", f"http://{host}:{port}")
    os.environ.update(zip(names, values, strict=True))
    yield
    running.stop()
    for name, value in before.items():
        os.environ.pop(name) if value is None else os.environ.update({name: value})


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Work on another machine: one with local copies of its own."""

    def change(name: str) -> None:
        monkeypatch.setenv("GCDP_STORES", str(tmp_path / "machines" / name))

    change("first")
    return change


@pytest.fixture
def bucket(server, request):
    name = f"b{abs(hash(request.node.name))}"
    fsspec.filesystem("s3").mkdir(name)
    return f"s3://{name}"


@pytest.fixture(params=["s3", "memory"])
def url(request):
    if request.param == "s3":
        return f"{request.getfixturevalue('bucket')}/exp"
    return f"memory://{request.node.name}/exp"


def test_what_is_a_url():
    assert is_remote("s3://b/x") and is_remote("HF://datasets/x")
    assert not any(map(is_remote, ("results/local", "/x", "file:///x", "C:\\x", "x:1")))


def test_files_travel_between_machines(url, machine):
    first = open_store(url)
    (first.path / "a" / "b").mkdir(parents=True)
    (first.path / "a" / "b" / "x [1].txt").write_text("x")
    (first.path / "a" / ".x.lock").write_text("")
    (first.path / "t.json").write_text("{}")
    first.push("a", "t.json", "not-there")
    machine("second")
    second = open_store(url)
    assert second.path != first.path and second.writer != first.writer
    assert not (second.path / "a").exists()
    fetched(second.path / "a")
    names = [p.relative_to(second.path).as_posix() for p in second.path.rglob("*") if p.is_file()]
    assert sorted(name for name in names if not name.startswith(".")) == ["a/b/x [1].txt"]
    assert fetched(second.path / "t.json").read_text() == "{}"
    assert not fetched(second.path / "none").exists()
    assert len(second.pull(".")) == 2


def test_a_changed_file_is_sent_again_and_an_old_one_is_not(url, machine, monkeypatch):
    store = open_store(url)
    for name in ("old", "new"):
        (store.path / name).write_text("1")
    os.utime(store.path / "old", (0, time.time() - 60))
    store.push("old", "new")
    sent = []
    files = store._files
    put = files.put
    monkeypatch.setattr(files, "put", lambda here, there: (sent.extend(there), put(here, there)))
    (store.path / "new").write_text("2")
    os.utime(store.path / "new", (0, time.time() + 60))
    store.push("old", "new")
    assert [place.rpartition("/")[2] for place in sent] == ["new"]
    assert files.cat_file(sent[0]) == b"2"


def test_a_file_is_brought_whole_or_not(url, machine, monkeypatch):
    store = open_store(url)
    (store.path / "x").write_text("good")
    store.push("x")
    (store.path / "x").unlink()

    def torn(there, here):
        for path in here:
            with open(path, "w") as file:
                file.write("go")
        raise ConnectionError("lost")

    monkeypatch.setattr(store._files, "get", torn)
    with pytest.raises(OSError, match=r"got ConnectionError: lost.*goes on from there"):
        store.pull("x")
    assert not (store.path / "x").exists() and not list(store.path.glob(".x.*.tmp"))


def test_a_name_that_leads_elsewhere_is_refused(bucket, machine):
    store = open_store(f"{bucket}/exp")
    fsspec.filesystem("s3").pipe(f"{bucket}/exp/a/../../evil", b"x")
    with pytest.raises(ValueError, match=r"names of files inside it, got 'a/../../evil'"):
        store.pull("a")
    assert not list(store.path.parent.rglob("*evil*"))


def test_check_leaves_nothing(url, machine):
    store = open_store(url)
    store.check()
    assert not store.versions(".")


@pytest.mark.usefixtures("server")
def test_a_bucket_that_is_not_there_is_named_before_any_work(machine):
    with pytest.raises(OSError, match=r"s3://nobody/x: expected a store that answers.*not exist"):
        open_store("s3://nobody/x").check()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("s3://", "expected SCHEME://BUCKET/FOLDER"),
        ("zip::s3://a/b", "expected SCHEME://BUCKET/FOLDER"),
        ("nope://a/b", "a scheme that fsspec knows"),
        ("gs://a/b", "pip install 'gcsfs'"),
    ],
)
def test_a_wrong_url_is_refused(url, message, machine):
    with pytest.raises(ValueError, match=message):
        open_store(url)


def test_a_plain_folder_has_no_store(tmp_path):
    assert store_of(tmp_path) is None
    assert fetched(tmp_path / "x") == tmp_path / "x"


def test_a_copy_knows_its_store(url, machine):
    store = open_store(url)
    inner = store_of(store.path / "points" / "x")
    assert isinstance(inner, Store)
    assert (inner.url, inner.path, inner.writer) == (store.url, store.path, store.writer)
    assert open_store(f"{url}/").writer == store.writer
    (store.path / ".store.json").write_text('{"url": 1}')
    with pytest.raises(ValueError, match=r"\.store\.json"):
        store_of(store.path)
    shutil.rmtree(store.path)

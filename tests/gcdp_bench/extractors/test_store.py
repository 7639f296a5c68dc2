"""The store takes what is right, refuses the rest, and notices what changes."""

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcdp_bench.core.progress import Silent
from gcdp_bench.extractors import registry, store
from gcdp_bench.extractors.download import fetch_from_owner

CONTENT = b"weights" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
QUIET = Silent()


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty store, and a registry whose Inception-v3 has digest SHA256[:8], its CLIP all 64."""
    home = tmp_path / "store"
    monkeypatch.setenv("GCDP_WEIGHTS", str(home))
    for name, known in (("inception-v3", SHA256[:8]), ("clip-vit-l-14-336", SHA256)):
        spec = replace(registry.WEIGHTS[name], sha256=known)
        monkeypatch.setitem(registry.WEIGHTS, name, spec)  # type: ignore[arg-type]
    return home


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "downloads" / "weights.pth"
    path.parent.mkdir()
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def t5(tmp_path):
    folder = tmp_path / "t5"
    folder.mkdir()
    for name in ("config.json", "model.safetensors", "tokenizer.json", "tf_model.h5"):
        (folder / name).write_text(name)
    return folder


def contents(home):
    return sorted(str(path.relative_to(home)) for path in home.rglob("*") if path.is_file())


def only_check(*names):
    (check,) = store.verify_weights(names, QUIET)
    return check


@pytest.mark.parametrize("name", ["inception-v3", "clip-vit-l-14-336"])
def test_a_file_of_the_published_digest_is_copied(name, home, source):
    digests = store.add_weights(name, source, progress=QUIET)
    path = registry.find_weights(name, None)
    assert path.read_bytes() == CONTENT and source.exists()
    assert dict(digests) == {path.name: SHA256}
    assert contents(home) == sorted([path.name, "digests.json"])
    assert only_check().state == "published"


@pytest.mark.parametrize("name", ["inception-v3", "clip-vit-l-14-336"])
def test_another_file_is_refused_and_nothing_is_left(name, home, source):
    source.write_bytes(b"damaged")
    got = hashlib.sha256(b"damaged").hexdigest()
    with pytest.raises(ValueError, match=f"expected SHA-256 {SHA256[:8]}.*got {got}; get it again"):
        store.add_weights(name, source, replace=True, progress=QUIET)
    assert contents(home) == [] and list(home.iterdir()) == []


def test_a_refused_file_leaves_the_good_one(home, source):
    store.add_weights("inception-v3", source, progress=QUIET)
    source.write_bytes(b"damaged")
    with pytest.raises(ValueError, match="got"):
        store.add_weights("inception-v3", source, progress=QUIET)
    assert only_check("inception-v3").state == "published"


def test_a_changed_file_is_noticed(home, source):
    store.add_weights("clip-vit-l-14-336", source, progress=QUIET)
    registry.stored_path("clip-vit-l-14-336").write_bytes(CONTENT + b"!")
    check = only_check()
    assert check.state == "mismatch"
    assert hashlib.sha256(CONTENT + b"!").hexdigest() in check.detail and SHA256 in check.detail
    store.add_weights("clip-vit-l-14-336", source, progress=QUIET)  # corrects it
    assert only_check().state == "published"


def test_a_folder_is_trusted_on_first_use(home, t5):
    store.add_weights("t5-large", t5, progress=QUIET)
    assert "t5-large/tf_model.h5" not in contents(home)  # only what the toolkit reads
    assert only_check("t5-large").state == "recorded"
    (t5 / "model.safetensors").write_text("other")
    with pytest.raises(ValueError, match="model.safetensors: expected SHA-256 .*pass --replace"):
        store.add_weights("t5-large", t5, progress=QUIET)
    assert only_check("t5-large").state == "recorded"
    store.add_weights("t5-large", t5, replace=True, progress=QUIET)
    assert registry.stored_path("t5-large").joinpath("model.safetensors").read_text() == "other"
    assert only_check("t5-large").state == "recorded"


@pytest.mark.parametrize("change", ["edit", "new file", "hidden file"])
def test_a_changed_folder_is_noticed(change, home, t5):
    store.add_weights("t5-large", t5, progress=QUIET)
    folder = registry.stored_path("t5-large")
    name = {"edit": "config.json", "new file": "spiece.model", "hidden file": ".cache"}[change]
    (folder / name).write_text("changed")
    expected = "recorded" if change == "hidden file" else "mismatch"
    assert only_check().state == expected


def test_what_lies_in_the_store_is_recorded_in_place(home, t5):
    home.mkdir()
    folder = registry.stored_path("t5-large")
    t5.rename(folder)
    assert only_check("t5-large").state == "unknown"
    store.add_weights("t5-large", folder, progress=QUIET)
    assert only_check("t5-large").state == "recorded"


def test_a_folder_without_its_files_is_refused(home, t5):
    (t5 / "tokenizer.json").unlink()
    with pytest.raises(FileNotFoundError, match="expected a folder with .*tokenizer.json"):
        store.add_weights("t5-large", t5, progress=QUIET)
    with pytest.raises(FileNotFoundError, match="weights add t5-large"):
        store.verify_weights(("t5-large",), QUIET)


def test_a_damaged_record_is_named(home, source):
    home.mkdir()
    (home / "digests.json").write_text("{")
    with pytest.raises(ValueError, match="digests.json: expected JSON"):
        store.add_weights("inception-v3", source, progress=QUIET)


def test_a_download_arrives_checked(home):
    def fetch(spec, path):
        assert spec.name == "inception-v3" and not path.exists()
        path.write_bytes(CONTENT)

    store.download_weights("inception-v3", fetch=fetch, progress=QUIET)
    assert registry.find_weights("inception-v3", None).read_bytes() == CONTENT


@pytest.mark.parametrize("error", [ConnectionError("no\nroute"), RuntimeError("no route")])
def test_a_failed_download_says_what_failed_and_the_way_by_hand(error, home):
    def fetch(spec, path):
        path.write_bytes(CONTENT[:5])
        raise error

    with pytest.raises(OSError) as caught:
        store.download_weights("inception-v3", fetch=fetch, progress=QUIET)
    for part in (
        f"{type(error).__name__}: no route",
        registry.WEIGHTS["inception-v3"].how,
        "gcdp-bench weights add inception-v3 PATH",
    ):
        assert part in str(caught.value)
    assert contents(home) == []


def test_an_incomplete_download_is_refused(home):
    def fetch(spec, path):
        path.mkdir()
        (path / "config.json").touch()

    with pytest.raises(OSError, match="no complete weights"):
        store.download_weights("t5-large", fetch=fetch, progress=QUIET)
    assert contents(home) == []


@pytest.mark.parametrize("name", registry.WEIGHTS)
def test_each_owner_is_asked_for_its_own_file(name, tmp_path, monkeypatch):
    """The libraries' functions are replaced where `fetch_from_owner` looks them up."""
    prompted = []

    def hub(url, target, hash_prefix=None):
        prompted.append((url, target, hash_prefix))

    def clip(config, prefer_hf_hub, cache_dir):
        prompted.append((config["url"], f"{cache_dir}/{config['url'].split('/')[-1]}", None))

    def face(repository, local_dir, allow_patterns):
        prompted.append((repository, str(local_dir), allow_patterns))

    monkeypatch.setattr("torch.hub.download_url_to_file", hub)
    monkeypatch.setattr("open_clip.download_pretrained", clip)
    monkeypatch.setattr("huggingface_hub.snapshot_download", face)
    spec = registry.WEIGHTS[name]
    fetch_from_owner(spec, tmp_path / spec.file_name)
    ((source, target, detail),) = prompted
    assert target == str(tmp_path / spec.file_name)
    assert source in spec.how
    if spec.is_folder:
        assert detail is not None and set(spec.files) <= set(detail)
    elif spec.owner == "torch-hub":
        assert detail == spec.sha256


@given(content=st.binary(max_size=100), part=st.integers(1, 40))
def test_digest_does_not_depend_on_the_size_of_parts(content, part, tmp_path_factory):
    path = tmp_path_factory.mktemp("digest") / "file"
    path.write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "PART", part)
        assert store.sha256_of(path) == hashlib.sha256(content).hexdigest()

"""The table of published weights, and where they are looked for."""

import re
from pathlib import Path

import pytest

from gcdp_bench.extractors.registry import WEIGHTS, find_weights, stored_path, weights_home

FILES = [name for name, spec in WEIGHTS.items() if not spec.is_folder]
FOLDERS = [name for name, spec in WEIGHTS.items() if spec.is_folder]


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("GCDP_WEIGHTS", str(tmp_path / "store"))
    return tmp_path / "store"


@pytest.mark.parametrize("name", WEIGHTS)
def test_known_digests_agree_with_the_published_names(name):
    """torch.hub's convention: `stem-` + first 8 digits; OpenAI puts all 64 in the address."""
    spec = WEIGHTS[name]
    told = re.search(r"-([0-9a-f]{8})\.pth$", spec.source) or re.search(
        r"models/([0-9a-f]{64})/", spec.how
    )
    assert spec.sha256 == (told[1] if told else None)
    assert spec.source.endswith(spec.file_name) or spec.owner != "torch-hub"


def test_open_clip_names_the_same_file():
    from open_clip.pretrained import get_pretrained_cfg

    spec = WEIGHTS["clip-vit-l-14-336"]
    config = get_pretrained_cfg(*spec.source.split("/"))
    assert config["url"] in spec.how
    assert config["url"].endswith(f"{spec.sha256}/{spec.file_name}")


def test_torch_fidelity_names_the_same_file():
    from torch_fidelity import feature_extractor_inceptionv3 as owner

    assert WEIGHTS["inception-v3"].source in vars(owner).values()


def test_mmsegmentation_names_the_same_file():
    import mmseg

    listed = Path(mmseg.__file__).parent / ".mim" / "configs" / "hrnet" / "metafile.yaml"
    assert WEIGHTS["hrnet-w48-cityscapes"].file_name in listed.read_text()


def test_the_store_is_where_the_variable_says(home, monkeypatch):
    assert weights_home() == home
    monkeypatch.delenv("GCDP_WEIGHTS")
    monkeypatch.setenv("HOME", "/somebody")
    assert weights_home() == Path("/somebody/.cache/gcdp-bench/weights")


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_found_in_the_store_or_where_it_is_given(name, home, tmp_path):
    home.mkdir()
    stored_path(name).touch()
    assert find_weights(name, None) == home / WEIGHTS[name].file_name
    with pytest.raises(FileNotFoundError, match="found none at"):
        find_weights(name, tmp_path / "given.pth")  # the store is no substitute for it
    (tmp_path / "given.pth").touch()
    assert find_weights(name, tmp_path / "given.pth") == tmp_path / "given.pth"


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_needs_all_its_files(name, home):
    folder = stored_path(name)
    folder.mkdir(parents=True)
    for file in WEIGHTS[name].files:
        with pytest.raises(FileNotFoundError, match=f"a folder with .*{re.escape(file)}"):
            find_weights(name, None)
        (folder / file).touch()
    assert find_weights(name, None) == folder


@pytest.mark.parametrize("name", WEIGHTS)
def test_what_is_missing_is_said_with_the_way_to_get_it(name, home):
    with pytest.raises(FileNotFoundError) as caught:
        find_weights(name, None)
    message = str(caught.value)
    for part in (str(stored_path(name)), WEIGHTS[name].how, f"weights add {name} PATH"):
        assert part in message


def test_a_wrong_name_suggests_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'inception-v3'"):
        find_weights("inception", None)

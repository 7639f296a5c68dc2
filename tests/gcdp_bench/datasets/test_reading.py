"""Captions of any dataset may be read so that they prompt what they deny, and rows tell it."""

import json
import shutil

import pytest

from gcdp_bench.core.types import AttributedDataset, Fault
from gcdp_bench.datasets.camvid import CamVid
from gcdp_bench.datasets.celeba import CelebA
from gcdp_bench.datasets.cityscapes import Cityscapes
from gcdp_bench.datasets.reading import DENIED, counting_denied, reading_of
from gcdp_bench.datasets.registry import open_dataset
from gcdp_bench.datasets.shuffled import shuffled
from gcdp_bench.datasets.views import without, write_excluded
from gcdp_bench.generators.sample import captions_digest
from tests.reference_model.conftest import Stripes

CITY = "a road without cars"
FACE = "She does not wear a hat and has no earrings."


def names(dataset, caption):
    return {dataset.class_names[index] for index in dataset.caption_classes(caption)}


@pytest.mark.parametrize(
    ("name", "size", "caption", "denied"),
    [("synth-city-25", (64, 128), CITY, {"car"}), ("synth-face-25", (64, 64), FACE, {"hat"})],
)
def test_a_dataset_of_the_catalogue(name, size, caption, denied):
    usual, all_ = (
        open_dataset(name, "test", size=size, data_root=None, count_denied=count)
        for count in (False, True)
    )
    assert not denied & names(usual, caption) and denied <= names(all_, caption)
    assert (reading_of(usual), reading_of(all_)) == ("", DENIED)
    assert (all_.name, all_.split, len(all_)) == (usual.name, usual.split, len(usual))
    assert isinstance(all_, AttributedDataset) == isinstance(usual, AttributedDataset)
    assert all_[0].id == usual[0].id
    if isinstance(all_, AttributedDataset) and isinstance(usual, AttributedDataset):
        assert all_.caption_attributes(caption) == usual.caption_attributes(caption)
        assert (all_.attributes(1) == usual.attributes(1)).all()


@pytest.mark.parametrize(
    ("kind", "caption", "word"),
    [(CamVid, CITY, "car"), (Cityscapes, CITY, "car"), (CelebA, FACE, "hat")],
)
def test_readers_of_files(kind, caption, word):
    place = kind.class_names.index(word)
    assert place not in kind.caption_classes(None, caption)
    assert place in kind.mentioned_classes(None, caption)


@pytest.fixture
def folder(toy, tmp_path):
    """Opens a folder of stripes whose classes.json says more."""

    def make(count=False, exclude=None, **more):
        data = shutil.copytree(toy.data, tmp_path / "stripes", dirs_exist_ok=True)
        for file in data.glob("*/classes.json"):
            plain = json.loads((toy.data / file.parent.name / "classes.json").read_text())
            file.write_text(json.dumps(plain | more))
        return open_dataset(
            str(data), "test", size=(16, 16), data_root=None, exclude=exclude, count_denied=count
        )

    return make


def test_a_folder_by_the_switch_or_by_its_own_file(folder, tmp_path):
    assert names(folder(), "a road, no cars") == {"road"} and reading_of(folder()) == ""
    for own in (folder(count=True), folder(count_denied=True)):
        assert reading_of(own) == DENIED and names(own, "a road, no cars") == {"road", "car"}
    write_excluded(tmp_path / "q", [("test", Fault("000", "f", "p"))])
    kept = folder(count=True, exclude=tmp_path / "q")
    assert len(kept) == len(folder()) - 1 and names(kept, "no cars") == {"car"}
    said = without(folder(words={"car": ["taxi"]}), ())
    words = reading_of(said)
    assert words.startswith("words ") and reading_of(shuffled(said)) == words
    both = counting_denied(said)
    assert reading_of(both) == f"{words}; {DENIED}"
    assert names(both, "no taxis") == {"car"} and names(said, "no taxis") == set()


def test_captions_that_are_read_in_another_way_are_others():
    captions = ["no cars"]
    assert captions_digest(captions) == captions_digest(captions, "")
    assert len({captions_digest(captions, way) for way in ("", DENIED, "words 1")}) == 3


def test_a_dataset_that_cannot_say_what_is_denied_is_a_mistake():
    with pytest.raises(TypeError, match="mentioned_classes"):
        counting_denied(Stripes())

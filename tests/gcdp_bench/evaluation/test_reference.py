"""Real images: kept under a hash of their content and of the extractors."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from gcdp_bench.core.config import digest
from gcdp_bench.core.progress import Silent
from gcdp_bench.datasets.folder import Folder
from gcdp_bench.evaluation import kept_reference, reference_statistics
from gcdp_bench.evaluation.reference import class_proportions
from gcdp_bench.extractors.bundle import ExtractorRequest, load_extractors
from gcdp_bench.io.cache import UserCache


@pytest.fixture(scope="module")
def extractors(toy):
    return load_extractors(
        ExtractorRequest(dataset=toy.identity, segmenter=str(toy.segmenter), clip=toy.clip)
    )


@pytest.fixture(scope="module")
def data(toy):
    return Folder(toy.data, "test")


@pytest.fixture
def cache(tmp_path):
    return UserCache(tmp_path / "cache")


class Jobs(Silent):
    """Names of the jobs."""

    def __init__(self):
        self.names = []

    def start(self, task, total, **options):
        self.names.append(task)


class Changed:
    """A dataset that counts what is read, with one pixel changed, in another order or renamed."""

    def __init__(self, dataset, *, pixel=None, turned=False, captions=None):
        self._dataset, self._pixel, self._turned = dataset, pixel, turned
        self._captions = captions
        self.name, self.split = dataset.name, dataset.split
        self.class_names, self.image_size = dataset.class_names, dataset.image_size
        self.caption_classes = dataset.caption_classes
        self.read = Counter()

    def __len__(self):
        return len(self._dataset)

    def __getitem__(self, index):
        self.read[index] += 1
        triplet = self._dataset[len(self) - 1 - index if self._turned else index]
        if self._captions is not None:
            triplet = replace(triplet, caption=self._captions, id=f"new-{triplet.id}")
        if index != self._pixel:
            return triplet
        image = triplet.image.clone()
        image[0, 0, 0] ^= 1
        return replace(triplet, image=image)


def files(cache):
    return sorted(entry.path.name.rpartition(" ")[0] for entry in cache.entries())


def once_each(data):
    return Counter(dict.fromkeys(range(len(data)), 1))


def shown_to(extractors, monkeypatch):
    """Numbers of images that the segmenter is shown from now on."""
    shown = []
    plain = type(extractors.segmenter).predict

    def counted(self, images):
        shown.append(len(images))
        return plain(self, images)

    monkeypatch.setattr(type(extractors.segmenter), "predict", counted)
    return shown


def test_images_are_read_once_and_evaluated_once(data, extractors, cache, monkeypatch):
    shown = shown_to(extractors, monkeypatch)
    for rounds in range(1, 4):
        counted = Changed(data)
        reference = reference_statistics(counted, extractors, cache, Silent())
        assert counted.read == once_each(data)
        assert sum(shown) == len(data)
        if rounds == 1:
            first = reference
    assert reference.digest == first.digest
    seen, before = reference.observed, first.observed
    assert np.array_equal(seen.features["hrnet"], before.features["hrnet"])
    for own, other in zip(seen.segmenters.values(), before.segmenters.values(), strict=True):
        assert np.array_equal(own.counts, other.counts)
        assert np.array_equal(own.confusions, other.confusions)


@pytest.mark.parametrize("pixel", [0, 7])
def test_one_changed_pixel_misses_the_cache(data, extractors, cache, pixel):
    first = reference_statistics(data, extractors, cache, Silent())
    changed = Changed(data, pixel=pixel)
    other = reference_statistics(changed, extractors, cache, Silent())
    assert len(files(cache)) == 4 and other.digest != first.digest
    assert max(changed.read.values()) == (1 if pixel == 0 else 2)
    alone = reference_statistics(changed, extractors, UserCache(limit=0), Silent())
    assert np.array_equal(other.observed.features["hrnet"], alone.observed.features["hrnet"])


def test_other_weights_miss_the_cache(data, extractors, cache, monkeypatch):
    reference_statistics(data, extractors, cache, Silent())
    monkeypatch.setattr(extractors.segmenter, "digest", "another")
    reference_statistics(data, extractors, cache, Silent())
    assert len(files(cache)) == 4


def test_another_computation_misses_the_cache(data, extractors, cache, monkeypatch):
    reference_statistics(data, extractors, cache, Silent())
    shown = shown_to(extractors, monkeypatch)
    monkeypatch.setattr(type(extractors.segmenter), "computation", "float32")
    reference_statistics(data, extractors, cache, Silent())
    assert sum(shown) == len(data) and len(files(cache)) == 4


def test_another_network_is_all_that_a_new_choice_of_networks_costs(
    data, extractors, cache, monkeypatch
):
    reference_statistics(data, extractors, cache, Silent())
    shown = shown_to(extractors, monkeypatch)
    more = replace(extractors, features=(*extractors.features, Brightness()))
    seen = reference_statistics(data, more, cache, Silent()).observed
    assert not shown and list(seen.features) == ["hrnet", "tf1"]
    assert seen.features["tf1"][3, 0] == pytest.approx(data[3].image.float().mean())


def test_captions_and_ids_are_those_of_the_data(data, extractors, cache, monkeypatch):
    reference_statistics(data, extractors, cache, Silent())
    shown = shown_to(extractors, monkeypatch)
    renamed = reference_statistics(
        Changed(data, captions="a red stripe"), extractors, cache, Silent()
    )
    assert not shown and set(renamed.observed.captions) == {"a red stripe"}
    assert renamed.observed.ids[0] == f"new-{data[0].id}"
    assert renamed.captioned == data.caption_classes("a red stripe")


@pytest.mark.parametrize("damage", [b"", b"PK torn", "another"])
def test_a_damaged_entry_is_made_again(data, extractors, cache, damage):
    first = reference_statistics(data, extractors, cache, Silent())
    for entry in cache.entries():
        if damage == "another":
            np.savez(entry.path, features=np.zeros((3, 2)), counts=np.zeros(3))
        else:
            entry.path.write_bytes(damage)
    again = reference_statistics(data, extractors, cache, Silent())
    assert np.array_equal(again.observed.features["hrnet"], first.observed.features["hrnet"])
    jobs = Jobs()
    reference_statistics(data, extractors, cache, jobs)
    assert jobs.names == ["read stripes"]


def test_a_cache_that_cannot_be_written_is_said_once(data, extractors, tmp_path, caplog):
    (tmp_path / "file").write_text("in the way")
    cache = UserCache(tmp_path / "file" / "cache")
    expected = reference_statistics(data, extractors, UserCache(limit=0), Silent())
    found = reference_statistics(data, extractors, cache, Silent())
    assert np.array_equal(found.observed.features["hrnet"], expected.observed.features["hrnet"])
    (line,) = caplog.records
    assert "expected a cache that can be written" in line.message and "GCDP_CACHE" in line.message


class TestResultsFolders:
    """A results folder keeps a copy, so that it can be moved."""

    def test_it_serves_where_the_cache_is_another(
        self, data, extractors, cache, tmp_path, monkeypatch
    ):
        folder = tmp_path / "references"
        first, path = kept_reference(data, extractors, cache, folder, Silent())
        moved = folder.rename(tmp_path / "moved")
        shown = shown_to(extractors, monkeypatch)
        nothing = UserCache(tmp_path / "nothing")
        again, same = kept_reference(data, extractors, nothing, moved, Silent())
        assert not shown and same.name == path.name and not nothing.entries()
        assert np.array_equal(again.observed.features["hrnet"], first.observed.features["hrnet"])
        assert [file.name for file in moved.glob("[!.]*")] == [path.name]

    def test_its_numbers_are_used_whatever_the_cache_says(self, data, extractors, cache, tmp_path):
        folder = tmp_path / "references"
        first, path = kept_reference(data, extractors, cache, folder, Silent())
        features = {"features hrnet": first.observed.features["hrnet"] + 1}
        first.observed.with_arrays(features).save(path)
        again, _ = kept_reference(data, extractors, cache, folder, Silent())
        assert np.array_equal(again.observed.features["hrnet"], features["features hrnet"])

    def test_other_captions_are_another_copy(self, data, extractors, cache, tmp_path):
        folder = tmp_path / "references"
        kept_reference(data, extractors, cache, folder, Silent())
        changed = Changed(data, captions="a red stripe")
        seen, _ = kept_reference(changed, extractors, cache, folder, Silent())
        assert seen.observed.captions[0] == "a red stripe" and len(list(folder.glob("*.npz"))) == 2

    def test_a_second_folder_costs_no_network(self, data, extractors, cache, tmp_path, monkeypatch):
        kept_reference(data, extractors, cache, tmp_path / "one", Silent())
        shown = shown_to(extractors, monkeypatch)
        kept_reference(data, extractors, cache, tmp_path / "two", Silent())
        assert not shown

    def test_a_folder_of_networks_with_batch_norm_is_continued(
        self, data, extractors, cache, tmp_path, monkeypatch
    ):
        """Folding changes rounding alone: all points of a folder have the same reference."""
        start = digest([data.name, extractors.identity])  # the name that such a folder has
        first, path = kept_reference(data, extractors, cache, tmp_path, Silent())
        assert path.name.startswith(f"{start}-")
        old = first.observed.features["hrnet"] * (1 + 1e-6)
        first.observed.with_arrays({"features hrnet": old}).save(path)
        shown = shown_to(extractors, monkeypatch)
        again, same = kept_reference(data, extractors, UserCache(limit=0), tmp_path, Silent())
        assert not shown and same == path
        assert np.array_equal(again.observed.features["hrnet"], old)

    def test_a_lower_precision_has_a_copy_of_its_own(
        self, data, extractors, cache, tmp_path, monkeypatch
    ):
        _, path = kept_reference(data, extractors, cache, tmp_path, Silent())
        shown = shown_to(extractors, monkeypatch)
        monkeypatch.setattr(type(extractors.segmenter), "computation", "bfloat16")
        _, other = kept_reference(data, extractors, cache, tmp_path, Silent())
        assert sum(shown) == len(data) and other != path
        assert {path, other} == set(tmp_path.glob("*.npz"))


class Brightness:
    name, digest, resizer = "brightness", "none", "native"
    protocol = "tf1"

    def features(self, images):
        return images.float().mean((1, 2, 3))[:, None]


def test_the_same_images_in_another_order_are_the_same_reference(data, extractors, cache):
    first = reference_statistics(data, extractors, cache, Silent())
    turned = reference_statistics(Changed(data, turned=True), extractors, cache, Silent())
    assert turned.digest == first.digest
    assert turned.observed.ids == first.observed.ids[::-1]
    own, other = (seen.observed.features["hrnet"] for seen in (turned, first))
    assert np.allclose(own, other[::-1], atol=1e-5)


def test_proportions_are_those_of_the_layouts(data, extractors, cache):
    table = class_proportions(reference_statistics(data, extractors, cache, Silent()))
    layouts = torch.stack([data[i].layout for i in range(len(data))])
    for k, line in enumerate(table.itertuples()):
        assert line.pixel_share == pytest.approx(float((layouts == k).float().mean()))
        assert line.image_share == float((layouts == k).flatten(1).any(1).float().mean())

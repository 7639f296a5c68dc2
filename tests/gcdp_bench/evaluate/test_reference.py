"""Real images: kept under a hash of their content and of the judges."""

import numpy as np
import pytest
import torch

from gcdp_bench.datasets.folder import Folder
from gcdp_bench.evaluate import reference_statistics
from gcdp_bench.evaluate.reference import class_proportions
from gcdp_bench.extractors.bundle import JudgeRequest, load_extractors
from gcdp_bench.progress import Silent
from gcdp_bench.protocols import Triplet


@pytest.fixture(scope="module")
def judges(toy):
    return load_extractors(JudgeRequest(dataset=str(toy.data), segmenter=str(toy.segmenter),
                                        clip=toy.clip))  # fmt: skip


@pytest.fixture(scope="module")
def data(toy):
    return Folder(toy.data, "test")


class Jobs(Silent):
    """Names of the jobs."""

    def __init__(self):
        self.names = []

    def start(self, task, total, **options):
        self.names.append(task)


class Changed:
    """A dataset with one pixel of one image changed, or in another order."""

    def __init__(self, dataset, *, pixel=False, turned=False):
        self._dataset, self._pixel, self._turned = dataset, pixel, turned
        self.name, self.split = dataset.name, dataset.split
        self.class_names, self.image_size = dataset.class_names, dataset.image_size
        self.caption_classes = dataset.caption_classes

    def __len__(self):
        return len(self._dataset)

    def __getitem__(self, index):
        triplet = self._dataset[len(self) - 1 - index if self._turned else index]
        if not self._pixel or index:
            return triplet
        image = triplet.image.clone()
        image[0, 0, 0] ^= 1
        return Triplet(triplet.id, image, triplet.layout, triplet.caption)


def files(folder):
    return len(list(folder.glob("reference-*.npz")))


def test_the_second_time_nothing_is_judged(data, judges, tmp_path):
    first = reference_statistics(data, judges, tmp_path, Silent())
    jobs = Jobs()
    again = reference_statistics(data, judges, tmp_path, jobs)
    assert jobs.names == ["read stripes"] and files(tmp_path) == 1
    assert np.array_equal(again.observed.features["hrnet"], first.observed.features["hrnet"])
    assert again.file == first.file and again.digest == first.digest


def test_one_changed_pixel_misses_the_cache(data, judges, tmp_path):
    first = reference_statistics(data, judges, tmp_path, Silent())
    other = reference_statistics(Changed(data, pixel=True), judges, tmp_path, Silent())
    assert files(tmp_path) == 2 and other.digest != first.digest


def test_other_judges_miss_the_cache(data, judges, tmp_path):
    reference_statistics(data, judges, tmp_path, Silent())
    weight = next(judges.segmenter.network.parameters())
    kept, digest = weight.clone(), judges.segmenter.digest
    try:
        judges.segmenter.digest = "another"
        reference_statistics(data, judges, tmp_path, Silent())
    finally:
        judges.segmenter.digest = digest
    assert files(tmp_path) == 2 and torch.equal(weight, kept)


def test_the_same_images_in_another_order_are_the_same_reference(data, judges, tmp_path):
    first = reference_statistics(data, judges, tmp_path, Silent())
    turned = reference_statistics(Changed(data, turned=True), judges, tmp_path, Silent())
    assert turned.digest == first.digest and turned.file != first.file
    assert turned.observed.ids == first.observed.ids[::-1]


def test_proportions_are_those_of_the_layouts(data, judges, tmp_path):
    table = class_proportions(reference_statistics(data, judges, tmp_path, Silent()))
    layouts = torch.stack([data[i].layout for i in range(len(data))])
    for k, line in enumerate(table.itertuples()):
        assert line.pixel_share == pytest.approx(float((layouts == k).float().mean()))
        assert line.image_share == float((layouts == k).flatten(1).any(1).float().mean())

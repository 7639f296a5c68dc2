"""The pretrained extractors, on real images that they were not trained on."""

from pathlib import Path

import pytest
import torch

import gcdp_bench.extractors
from gcdp_bench.core.types import AttributedDataset
from gcdp_bench.datasets.registry import image_size_of, open_dataset
from gcdp_bench.extractors.attributes import AttributeClassifier
from gcdp_bench.extractors.clip import SmallClip
from gcdp_bench.extractors.segmenter import TrainedSegmenter

PRETRAINED = Path(gcdp_bench.extractors.__file__).parent / "pretrained"

NUM = 8


@pytest.fixture(scope="module", params=["synth-city", "synth-face"])
def family(request):
    """A name, and the first test images of its dataset."""
    size = image_size_of(request.param, 128)
    dataset = open_dataset(request.param, "test", size=size, data_root=None)
    return request.param, dataset, [dataset[index] for index in range(NUM)]


def test_the_segmenter_knows_the_dataset(family):
    name, dataset, triplets = family
    segmenter = TrainedSegmenter.load(PRETRAINED / f"segmenter-{name}")
    segmenter.check(dataset)
    predicted = segmenter.predict(torch.stack([t.image for t in triplets])).layouts
    hits = predicted == torch.stack([t.layout for t in triplets])
    assert hits.float().mean() > 0.85


def test_the_clip_prefers_the_own_caption(family):
    name, _, triplets = family
    clip = SmallClip.load(PRETRAINED / f"clip-{name}")
    images = torch.stack([t.image for t in triplets])
    own = clip.cosines(images, [t.caption for t in triplets]).cosines
    others = [
        clip.cosines(images, [triplets[(i + by) % NUM].caption for i in range(NUM)]).cosines
        for by in range(1, NUM)
    ]
    assert own.mean() > sum(other.mean() for other in others) / len(others)


def test_the_attribute_classifier_knows_faces():
    dataset = open_dataset("synth-face", "test", size=(128, 128), data_root=None)
    classifier = AttributeClassifier.load(PRETRAINED / "attributes-synth-face")
    assert isinstance(dataset, AttributedDataset)
    classifier.check(dataset)
    probabilities = classifier.predict(torch.stack([dataset[i].image for i in range(NUM)]))
    truth = torch.stack([dataset.attributes(i) for i in range(NUM)])
    assert ((probabilities >= classifier.thresholds) == truth).float().mean() > 0.85

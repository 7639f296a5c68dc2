"""Examples: pictures, features read once, and the text that training conditions on."""

import torch
from torch.nn import functional as F

from baselines.lafite.examples import LafiteExamples
from gcdp_bench.core.images import to_float
from tests.baselines.lafite.taught import SIZE, WideStripes, images
from tests.reference_model.conftest import Stripes

CPU = torch.device("cpu")
NONE = torch.zeros(3, dtype=torch.bool)


class Counting:
    """Features that say what was prompted: columns where cars are, the caption's length."""

    digest, width = "0", 6

    def __init__(self):
        self.prompted = []

    def image(self, images):
        self.prompted.append(("image", len(images)))
        left, right = images.mean((1, 2)).split(16, 1)  # (B, 16)
        return F.normalize(torch.cat([left[:, 4:7], right[:, -7:-4]], 1), dim=1)

    def text(self, captions):
        self.prompted.append(("text", len(captions)))
        rows = [[len(c), c.count("a"), 1, 2, 3, 4] for c in captions]
        return F.normalize(torch.tensor(rows, dtype=torch.float), dim=1)

    def export(self, folder):
        raise AssertionError("nothing to export")


def examples(teacher, dataset=None):
    return LafiteExamples(SIZE, dataset or WideStripes(), teacher, CPU)


def test_pictures_are_mirrored_and_resized():
    flip = torch.tensor([False, True, True])
    found = examples(Counting()).images([1, 3, 5], flip)
    originals = images()[[1, 3, 5]]
    assert torch.equal(found[0], originals[0])
    assert torch.equal(found[1:], originals[1:].flip(-1))
    larger = examples(Counting(), Stripes(image_size=(32, 64)))
    assert larger.images([0], flip[:1]).shape == (1, 3, *SIZE)


def test_each_is_read_once_and_alone():
    teacher = Counting()
    found = examples(teacher)
    for _ in range(2):
        found.text_features([0, 1, 2, 0])  # 0 and 2 have the same caption
        found.image_features([0, 1, 0], torch.tensor([False, False, True]))
    assert teacher.prompted == [("text", 1)] * 2 + [("image", 1)] * 3


def test_a_mirrored_picture_has_features_of_its_own():
    teacher = Counting()
    flip = torch.tensor([False, True])
    features = examples(teacher).image_features([1, 1], flip)
    expected = teacher.image(to_float(torch.stack([images()[1], images()[1].flip(-1)])))
    assert torch.equal(features, expected)
    assert not torch.equal(features[0], features[1])


def test_conditions_of_pairs_and_without_language():
    """Zhou et al. 2022: normalise(0.9 t + 0.1 e), or normalise(0.25 f + 0.75 e)."""
    found = examples(Counting())
    noise = torch.randn(3, 6, generator=torch.Generator().manual_seed(0))
    free = torch.tensor([False, True, False])
    flip = torch.tensor([False, True, True])
    text = found.conditions([4, 1, 3], flip, free, noise)
    direction = noise / noise.norm(dim=1, keepdim=True)
    captions = found.text_features([4, 1, 3])
    pictures = found.image_features([4, 1, 3], flip)
    expected = torch.where(
        free[:, None], 0.25 * pictures + 0.75 * direction, 0.9 * captions + 0.1 * direction
    )
    torch.testing.assert_close(text, expected / expected.norm(dim=1, keepdim=True))


def test_only_what_is_needed_is_read():
    noise = torch.ones(3, 6)
    pairs, free = Counting(), Counting()
    examples(pairs).conditions([0, 1, 2], NONE, NONE, noise)
    examples(free).conditions([0, 1, 2], NONE, ~NONE, noise)
    assert {kind for kind, _ in pairs.prompted} == {"text"}
    assert {kind for kind, _ in free.prompted} == {"image"}

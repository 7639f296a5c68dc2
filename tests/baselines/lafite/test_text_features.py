import math

import pytest
import torch
from torch.nn import functional as F

from baselines.lafite.text_features import GROUND_TRUTH_XI, LANGUAGE_FREE_XI, pseudo_text
from tests.baselines.lafite.small import normal


@pytest.mark.parametrize(
    ("xi", "own", "random"), [(LANGUAGE_FREE_XI, 0.25, 0.75), (GROUND_TRUTH_XI, 0.9, 0.1)]
)
def test_it_is_the_authors_weighted_sum(xi, own, random):
    f, e = F.normalize(normal(16, 512), dim=1), normal(16, 512, seed=1)
    expected = F.normalize(own * f + random * F.normalize(e, dim=1), dim=1)
    torch.testing.assert_close(pseudo_text(f, e, xi), expected)


def test_expected_cosine_in_512_dimensions():
    f, e = normal(4000, 512), normal(4000, 512, seed=1)
    cosines = F.cosine_similarity(pseudo_text(f, e, 3.0), f)
    assert float(cosines.mean()) == pytest.approx(1 / math.sqrt(10), abs=0.03)
    torch.testing.assert_close(cosines.std(), torch.tensor(0.04).double(), rtol=0, atol=0.01)


def test_lengths_do_not_matter_and_the_result_is_unit():
    f, e = normal(8, 16), normal(8, 16, seed=1)
    h = pseudo_text(f, e, 0.5)
    torch.testing.assert_close(h, pseudo_text(7 * f, 0.1 * e, 0.5))
    torch.testing.assert_close(h.norm(dim=1), torch.ones(8, dtype=torch.float64))


def test_no_perturbation_leaves_the_direction():
    f, e = normal(8, 16), normal(8, 16, seed=1)
    torch.testing.assert_close(pseudo_text(f, e, 0.0), F.normalize(f, dim=1))


def test_what_is_added_has_the_direction_of_the_noise():
    """Orthogonal to f, where f itself adds nothing."""
    f, e = F.normalize(normal(8, 16), dim=1), normal(8, 16, seed=1)
    h = pseudo_text(f, e, 2.0)
    beside = [part - (part * f).sum(1, keepdim=True) * f for part in (h, e)]
    torch.testing.assert_close(F.normalize(beside[0], dim=1), F.normalize(beside[1], dim=1))

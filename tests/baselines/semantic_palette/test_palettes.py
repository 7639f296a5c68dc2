import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from baselines.semantic_palette.palettes import (
    Palettes,
    fit_palettes,
    read_palettes,
    write_palettes,
)
from gcdp_bench.core.rng import generator
from tests.baselines.semantic_palette.small import MIXTURE, normal


def examples(num=400):
    """Two kinds of palettes, away from the borders of the simplex."""
    kinds = torch.tensor([[0.5, 0.2, 0.2, 0.1], [0.15, 0.25, 0.2, 0.4]])
    noise = 0.01 * normal(num, 4)
    return kinds[torch.arange(num) % 4 // 3] + noise - noise.mean(1, keepdim=True)


def test_draws_are_on_the_simplex():
    drawn = Palettes(MIXTURE).draw(500, generator("draws"))
    assert drawn.shape == (500, 4) and drawn.dtype == torch.float32
    assert float(drawn.min()) == 0.0 and float(drawn.max()) <= 1.0
    torch.testing.assert_close(drawn.sum(1), torch.ones(500))


def test_drawn_proportions_match_those_of_the_training_set():
    """Means within four standard errors, and covariances."""
    found, num = examples(), 20_000
    drawn = fit_palettes(found, 5).draw(num, generator("many"))
    error = found.std(0) / math.sqrt(num)
    assert bool(((drawn.mean(0) - found.mean(0)).abs() < 4 * error).all())
    torch.testing.assert_close(drawn.T.cov(), found.T.cov(), atol=5e-4, rtol=0)


def test_aic_finds_both_kinds():
    palettes = fit_palettes(examples(), 5)
    assert sorted(palettes.weights.tolist()) == pytest.approx([0.25, 0.75], abs=1e-6)


def test_the_mixture_is_that_of_scikit_learn():
    """The log density of a restored GaussianMixture is that of our factors."""
    from sklearn.mixture import GaussianMixture

    palettes, points = Palettes(MIXTURE), normal(5, 4).double() * 0.1
    restored = GaussianMixture(2)
    restored.weights_, restored.means_ = np.array(MIXTURE.weights), np.array(MIXTURE.means)
    restored.covariances_ = np.array(MIXTURE.covariances)
    restored.precisions_cholesky_ = np.linalg.cholesky(np.linalg.inv(restored.covariances_))
    parts = torch.distributions.MultivariateNormal(
        palettes.means, scale_tril=palettes._factors
    ).log_prob(points[:, None])  # (B, M)
    ours = torch.logsumexp(parts + palettes.weights.log(), 1)
    np.testing.assert_allclose(ours.numpy(), restored.score_samples(points.numpy()), rtol=1e-9)


def test_equal_palettes_give_an_equal_mixture_and_few_give_few_components():
    found = examples(3)
    one, two = fit_palettes(found, 10), fit_palettes(found, 10)
    assert one.mixture == two.mixture and len(one.weights) <= 3


def test_one_palette_is_too_few():
    with pytest.raises(
        ValueError, match="expected two palettes or more to fit a mixture to, got 1"
    ):
        fit_palettes(examples(1), 10)


def test_what_is_written_is_read_to_the_last_digit(tmp_path):
    palettes = fit_palettes(examples(), 3)
    write_palettes(tmp_path / "palettes.json", palettes)
    found = read_palettes(tmp_path / "palettes.json")
    assert found.mixture == palettes.mixture
    assert torch.equal(found.draw(5, generator(1)), palettes.draw(5, generator(1)))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"palettes.json.*train palette-layouts"):
        read_palettes(tmp_path / "palettes.json")


def test_damage_is_named(tmp_path):
    path = tmp_path / "palettes.json"
    write_palettes(path, Palettes(MIXTURE))
    data = json.loads(path.read_text())
    path.write_text(json.dumps(data | {"means": "none"}))
    with pytest.raises(ValueError, match=r"palettes.json.means: expected a list"):
        read_palettes(path)


def test_parts_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="as the 1 weights, got 2 of"):
        replace(MIXTURE, weights=(1.0,))
    with pytest.raises(ValueError, match="positive definite covariances"):
        zero = tuple(tuple((0.0,) * 4 for _ in range(4)) for _ in range(2))
        Palettes(replace(MIXTURE, covariances=zero))

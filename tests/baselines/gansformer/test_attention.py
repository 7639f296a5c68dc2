"""Bipartite attention: Equations 1 and 3 by loops, one step of k-means, positions."""

import math

import pytest
import torch

from baselines.gansformer.attention import (
    BipartiteAttention,
    assignments,
    kmeans_step,
    normalised,
    sinusoids,
)
from tests.baselines.gansformer.small import normal

SIZE, DIM, LATENT, NUM = (2, 3), 5, 8, 4


def attention(*, duplex, first=False):
    torch.manual_seed(0)
    built = BipartiteAttention(
        DIM, latent_dim=LATENT, num_latents=NUM, size=SIZE, duplex=duplex, first=first
    )
    return built.double()


def test_simplex_is_equation_3_position_by_position():
    layer = attention(duplex=False)
    x, y = normal(1, DIM, *SIZE), normal(1, NUM, LATENT, seed=1)
    updated, keys = layer(x, y, None)
    values = layer.value(y)[0]  # (k, D)
    for row in range(SIZE[0]):
        for column in range(SIZE[1]):
            own = x[0, :, row, column]
            place = layer.positions[row * SIZE[1] + column]
            query = layer.query(own) + layer.place(place)
            scores = torch.stack([query @ key / math.sqrt(LATENT) for key in keys[0]])
            read = (scores.softmax(0)[:, None] * values).sum(0)
            omega = (own - own.mean()) / (own.var(correction=0) + 1e-8).sqrt()
            expected = layer.gamma(read) * omega + layer.beta(read)
            torch.testing.assert_close(updated[0, :, row, column], expected)
    torch.testing.assert_close(keys, layer.key(y) + layer.identity)


def test_duplex_reads_centroids_and_starts_from_those_of_the_layer_before():
    x, y = normal(1, DIM, *SIZE), normal(1, NUM, LATENT, seed=1)
    layer, later = attention(duplex=True, first=True), attention(duplex=True)
    _, centroids = layer(x, y, None)
    queries = layer.query(x.flatten(2).mT) + layer.place(layer.positions)
    torch.testing.assert_close(centroids, kmeans_step(queries, layer.key(y) + layer.identity))
    _, found = later(x, y, centroids)
    queries = later.query(x.flatten(2).mT) + later.place(later.positions)
    start = later.key(y) + later.identity + later.carry(centroids)
    torch.testing.assert_close(found, kmeans_step(queries, start))


def test_a_step_of_kmeans_is_the_mean_of_what_each_latent_was_given():
    queries, centroids = normal(2, 6, LATENT), normal(2, NUM, LATENT, seed=1)
    shares = assignments(queries, centroids)
    torch.testing.assert_close(shares.sum(2), torch.ones(2, 6, dtype=torch.float64))
    found = kmeans_step(queries, centroids)
    for image in range(2):
        for latent in range(NUM):
            weights = shares[image, :, latent]
            mean = (weights[:, None] * queries[image]).sum(0) / weights.sum()
            torch.testing.assert_close(found[image, latent], mean, rtol=1e-6, atol=1e-6)


def test_sharp_assignments_are_hard_kmeans():
    centres = 50 * torch.eye(LATENT, dtype=torch.float64)[:2]
    queries = torch.stack([centres[0] + 1, centres[0] - 1, centres[1] + 2])[None]
    torch.testing.assert_close(
        kmeans_step(queries, centres[None])[0], torch.stack([centres[0], centres[1] + 2])
    )


def test_features_are_normalised_over_channels():
    x = normalised(7 * normal(2, 3, DIM) + 4)
    torch.testing.assert_close(x.mean(-1), torch.zeros(2, 3, dtype=torch.float64))
    torch.testing.assert_close(x.var(-1, correction=0), torch.ones(2, 3, dtype=torch.float64))


@pytest.mark.parametrize("size", [(4, 8), (16, 3)])
def test_every_position_has_a_code_of_its_own(size):
    codes = sinusoids(size, 16)
    assert codes.shape == (size[0] * size[1], 16) and codes.abs().max() <= 1
    distances = torch.cdist(codes, codes) + 9 * torch.eye(len(codes))
    assert distances.min() > 0.05

"""The classifiers, their vote and how far they disagree."""

import math
from collections import Counter
from dataclasses import replace

import pytest
import torch
from scipy.spatial.distance import jensenshannon
from torch import nn

from baselines.dataset_ddpm.ensemble import PixelEnsemble, disagreement, vote

from .small import LABELS

WIDTH = 7


@pytest.fixture
def network():
    torch.manual_seed(0)
    return PixelEnsemble(LABELS, WIDTH)


def test_layers_and_their_start():
    torch.manual_seed(0)
    config = replace(LABELS, members=2, hidden=(128, 32))
    member = PixelEnsemble(config, 576).members[0]
    assert isinstance(member, nn.Sequential)
    linear = [layer for layer in member if isinstance(layer, nn.Linear)]
    assert [type(layer) for layer in member] == [
        nn.Linear,
        nn.ReLU,
        nn.BatchNorm1d,
        nn.Linear,
        nn.ReLU,
        nn.BatchNorm1d,
        nn.Linear,
    ]
    assert [layer.weight.shape for layer in linear] == [(128, 576), (32, 128), (3, 32)]
    assert float(linear[0].weight.detach().std()) == pytest.approx(0.02, rel=0.02)
    assert not any(layer.bias.any() for layer in linear)


def test_members_start_apart(network):
    weights = [member[0].weight for member in network.members]
    assert len(weights) == 3 and not torch.equal(weights[0], weights[1])


def test_a_member_reads_its_own_features(network):
    network.eval()
    features = torch.randn(5, 3, WIDTH)
    logits = network(features)
    assert logits.shape == (5, 3, 3)
    for index, member in enumerate(network.members):
        torch.testing.assert_close(logits[:, index], member(features[:, index]))


def test_all_members_may_read_the_same(network):
    features = torch.randn(5, WIDTH)
    network.eval()
    torch.testing.assert_close(network(features), network(features[:, None].expand(-1, 3, -1)))


def test_the_vote_is_the_mode():
    logits = torch.randn(200, 10, 4, generator=torch.Generator().manual_seed(0))
    for chosen, votes in zip(vote(logits).tolist(), logits.argmax(-1).tolist(), strict=True):
        counts = Counter(votes)
        assert counts[chosen] == max(counts.values())
    assert vote(logits).dtype == torch.uint8


def test_the_surer_side_wins_a_tie():
    """Two against two: class 2 is less sure in the members' probabilities than class 0."""
    sure, unsure = [3.0, 0.0, 0.0], [0.0, 0.0, 0.5]
    assert vote(torch.tensor([[sure, sure, unsure, unsure]])).tolist() == [0]
    unsure, sure = [0.5, 0.0, 0.0], [0.0, 0.0, 3.0]
    assert vote(torch.tensor([[unsure, unsure, sure, sure]])).tolist() == [2]


def test_many_unsure_votes_beat_one_that_is_sure():
    sure, unsure = [50.0, 0.0, 0.0], [0.0, 0.1, 0.0]
    assert vote(torch.tensor([[sure, unsure, unsure]])).tolist() == [1]


def test_disagreement_of_two_is_scipys():
    logits = torch.randn(20, 2, 5, generator=torch.Generator().manual_seed(0)).double()
    p, q = logits.softmax(-1).unbind(1)
    distances = [jensenshannon(*pair) for pair in zip(p.numpy(), q.numpy(), strict=True)]
    expected = torch.tensor(distances).double().square()
    torch.testing.assert_close(disagreement(logits), expected)


def test_disagreement_in_closed_form():
    """Three members that are each sure of another class: log 3. Equal members: 0."""
    apart = torch.eye(3)[None] * 100  # (1, 3, 3)
    assert float(disagreement(apart)) == pytest.approx(math.log(3), abs=1e-6)
    equal = torch.randn(4, 1, 6, generator=torch.Generator().manual_seed(0)).expand(-1, 10, -1)
    torch.testing.assert_close(disagreement(equal), torch.zeros(4), atol=1e-6, rtol=0)

"""Captions without padding have the features of open_clip's own program."""

import pytest
import torch
from torch.nn import functional as F

from gcdp_bench.core.rng import generator
from gcdp_bench.extractors.clip import build_clip
from gcdp_bench.extractors.clip_text import caption_features
from tests.gcdp_bench.extractors.test_clip import CONFIG
from tests.gcdp_bench.extractors.test_clip_standard import tiny_network

NETWORKS = {"small": lambda: build_clip(CONFIG), "standard": tiny_network}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("lengths", [(3, 7, 5), (2,), None])
def test_features_are_open_clips(name, lengths):
    """None: captions as long as the network reads."""
    torch.manual_seed(0)
    network = NETWORKS[name]().eval()
    most = network.context_length
    end = network.vocab_size - 1
    lengths = (most, most - 1) if lengths is None else lengths
    tokens = torch.zeros(len(lengths), most, dtype=torch.long)
    for row, length in zip(tokens, lengths, strict=True):
        row[: length - 1] = torch.randint(1, end, (length - 1,), generator=generator(length))
        row[length - 1] = end
    with torch.no_grad():
        found = caption_features(network, tokens)
        assert torch.allclose(found, network.encode_text(tokens, normalize=True), atol=1e-6)
        plain = network.encode_text(tokens)
    assert torch.allclose(found, F.normalize(plain, dim=-1), atol=1e-6)

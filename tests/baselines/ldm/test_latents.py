"""Cached posteriors and text against the networks they come from."""

import pytest
import torch

from baselines.ldm.latents import LatentExamples
from gcdp_bench.core.images import to_float
from reference_model.text import build_text_encoder

from .tiny import SCALE, TEXT, autoencoder, ldm_config, stripes


class Counting:
    """A dataset that counts its reads."""

    def __init__(self):
        self.plain, self.num_reads = stripes(), 0

    def __getitem__(self, index):
        self.num_reads += 1
        return self.plain[index]


@pytest.fixture
def network():
    return autoencoder()


def examples(network, dataset=None) -> LatentExamples:
    return LatentExamples(ldm_config(), dataset or stripes(), network, build_text_encoder(TEXT))


@torch.no_grad()
def test_latents_are_scaled_samples_of_the_posterior(network):
    normal = torch.randn(2, 4, 8, 16)
    found = examples(network).latents([3, 1], torch.tensor([False, True]), normal)
    images = to_float(torch.stack([stripes()[3].image, stripes()[1].image.flip(-1)]))
    posterior = network.encode(images).latent_dist
    expected = SCALE * (posterior.mean + (posterior.logvar / 2).exp() * normal)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_a_mirrored_image_has_latents_of_its_own(network):
    both = examples(network).latents([1, 1], torch.tensor([False, True]), torch.zeros(2, 4, 8, 16))
    assert not torch.allclose(both[0], both[1], atol=1e-3)
    assert not torch.allclose(both[0], both[1].flip(-1), atol=1e-6)


def test_each_image_is_read_and_encoded_once_and_alone(network):
    dataset = Counting()
    cached = examples(network, dataset)
    num_encoded = []
    network.encoder.register_forward_hook(lambda *call: num_encoded.append(len(call[1][0])))
    still, zeros = torch.zeros(3, dtype=torch.bool), torch.zeros(3, 4, 8, 16)
    first = cached.latents([0, 2, 0], still, zeros)
    again = cached.latents([2, 0, 4], still, zeros)
    cached.tokens([0, 2, 4])
    assert num_encoded == [1, 1, 1] and dataset.num_reads == 3
    assert torch.equal(first[1], again[0]) and torch.equal(first[0], first[2])


def test_tokens_are_the_text_encoders(network):
    cached = examples(network)
    encoder = build_text_encoder(TEXT)
    for indices in ([0, 1, 2], [1, 3]):
        captions = [stripes()[index].caption for index in indices]
        assert torch.equal(cached.tokens(indices), encoder.encode(captions).tokens)

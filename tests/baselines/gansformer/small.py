"""A GANformer small enough to train in a test, wide images, every parameter in use."""

import torch

from baselines.gansformer.config import NetworkConfig
from baselines.gansformer.model import GansformerConfig
from tests.reference_model.conftest import NAMES, Stripes

NETWORK = NetworkConfig(
    image_size=(16, 32),
    start_size=(4, 8),
    channels=(8, 6, 4),
    convs=(1, 2, 1),
    num_latents=3,
    latent_dim=8,
    mapping_layers=2,
    attention_rows=8,
)
CONFIG = GansformerConfig(
    dataset="stripes",
    class_names=NAMES,
    network=NETWORK,
    r1_gamma=2.0,
    r1_every=2,
    augment="ada",
    ada_ramp_images=64,
)


class WideStripes(Stripes):
    def __init__(self, split="train"):
        super().__init__(split=split, image_size=NETWORK.image_size)


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    source = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=source, dtype=torch.float64)


def build(network: type, config: NetworkConfig = NETWORK) -> torch.nn.Module:
    """In float64, with what starts at zero (biases, noise strength) away from it."""
    torch.manual_seed(0)
    built = network(config).double()
    for parameter in built.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.1)
    return built.eval()

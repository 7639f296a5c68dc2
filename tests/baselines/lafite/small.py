"""Networks small enough for a test, wide images, every parameter in use."""

import torch

from baselines.lafite.config import NetworkConfig

CONFIG = NetworkConfig(
    image_size=(16, 32),
    start_size=(4, 8),
    text_dim=6,
    generator_channels=(8, 6, 4),
    discriminator_channels=(8, 6, 4),
    convs=(1, 2, 1),
    z_dim=5,
    w_dim=7,
    mapping_layers=2,
)


def normal(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def build(network: type, config: NetworkConfig = CONFIG) -> torch.nn.Module:
    """In float64, with what starts at zero (biases, noise strength) away from it."""
    torch.manual_seed(0)
    built = network(config).double()
    for parameter in built.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.1)
    return built.eval()

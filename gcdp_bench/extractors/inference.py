"""A convolutional network as it evaluates: fewer passes over memory, the same function."""

from __future__ import annotations

from itertools import pairwise
from typing import TypeVar

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torch.nn.utils.memory_format import convert_conv2d_weight_memory_format

from gcdp_bench.core.types import Extractor

COMPUTATION = "float32"
"""How a network computes that says nothing else."""

FOLDED = "batch norm folded"

Network = TypeVar("Network", bound=nn.Module)


def for_evaluation(network: Network, device: torch.device) -> Network:
    """`network` itself without gradients of its weights, batch norm folded, channels last.

    Outputs are those of `network.eval()` up to rounding, about 1e-6 of their spread. It cannot be
    trained or filled with weights any more, so a digest of the weights is taken before.

    Args:
        network: in which a batch norm acts on the convolution that is registered just before it.
        device: where it runs.
    """
    fold_batch_norm(network.eval().requires_grad_(False))
    return convert_conv2d_weight_memory_format(network.to(device), torch.channels_last)


def fold_batch_norm(network: nn.Module) -> None:
    """Multiply every batch norm into the convolution that is registered just before it, in place.

        gamma (W x + b - mean) / sqrt(var + eps) + beta  =  W' x + b'

    A batch norm that follows something else stays.

    Args:
        network: in evaluation mode.
    """
    for module in list(network.modules()):
        for (conv_name, conv), (norm_name, norm) in pairwise(list(module.named_children())):
            if isinstance(conv, nn.Conv2d) and isinstance(norm, _BatchNorm):
                setattr(module, conv_name, fuse_conv_bn_eval(conv, norm))
                setattr(module, norm_name, nn.Identity())


def computation_of(extractor: Extractor) -> str:
    """How an extractor computes, as far as its outputs depend on it beyond weights and resize."""
    return getattr(extractor, "computation", COMPUTATION)

"""Weights that FSDP splits over processes, and the whole of them. All processes call these."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeGuard

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from torch.distributed.tensor import DTensor


def is_split(value: Tensor) -> TypeGuard[DTensor]:
    """Whether a tensor is split over processes; whoever splits one has imported its module."""
    module = sys.modules.get("torch.distributed.tensor")
    return module is not None and isinstance(value, module.DTensor)


def full(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Plain tensors: those that are split are put together, in every process."""
    return {
        name: value.full_tensor() if is_split(value) else value for name, value in tensors.items()
    }


def like(value: Tensor, parameter: Tensor) -> Tensor:
    """`value`, whole in every process, split as `parameter` is if it has the same shape."""
    if not is_split(parameter) or value.shape != parameter.shape:
        return value
    from torch.distributed.tensor import distribute_tensor

    return distribute_tensor(
        value.to(parameter.device), parameter.device_mesh, parameter.placements
    )


def shard_like(module: nn.Module, prepared: nn.Module) -> None:
    """Split the weights of `module`, in place, as those of its copy `prepared` are."""
    others = dict(prepared.named_parameters())
    for name, own in list(module.named_parameters()):
        parent, _, leaf = name.rpartition(".")
        split = like(own.detach(), others[name])
        if is_split(split):
            parameter = nn.Parameter(split, requires_grad=own.requires_grad)
            setattr(module.get_submodule(parent), leaf, parameter)


def whole(module: nn.Module, build: Callable[[], nn.Module]) -> nn.Module:
    """`module`, or where its weights are split a network of `build` with the whole of them."""
    if not any(map(is_split, module.parameters())):
        return module
    weights = full(module.state_dict())
    with torch.random.fork_rng(devices=[]):
        network = build()
    network.load_state_dict(weights)
    return network.to(next(iter(weights.values())).device)

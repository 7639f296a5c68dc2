"""FLOPs of whatever runs, counted operation by operation.

A multiply-add counts as 2 FLOPs. Counted are products of matrices, convolutions and attention,
forward and backward, as they are executed: work that is repeated (gradient checkpointing, the
scores in attention's backward pass) counts again. Elementwise operations, norms and softmax do not
count.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry


class FlopCounter(TorchDispatchMode):
    """Adds up FLOPs, and the parameters that operations read, while it is entered.

    Results do not change. Formulas are torch's but for the two below. torch's `FlopCounterMode` is
    not used: its hooks on modules refuse the gradient penalties of adversarial training.
    """

    def __init__(self):
        super().__init__()
        self.flops = 0
        self._parameters: dict[int, nn.Parameter] = {}
        self._formulas = {
            **flop_registry,
            torch.ops.aten.convolution_backward: _convolution_backward,
            torch.ops.aten._native_multi_head_attention: _multi_head_attention,
        }

    @property
    def num_parameters(self) -> int:
        """Number of values in the parameters that were read, each counted once."""
        return sum(parameter.numel() for parameter in self._parameters.values())

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        """Run one operation, or the operations that it consists of."""
        kwargs = kwargs or {}
        for value in _tensors((*args, *kwargs.values())):
            if isinstance(value, nn.Parameter):
                self._parameters[id(value)] = value
        formula = self._formulas.get(func._overloadpacket)
        if formula is None and not _has_kernel(func):
            with self:
                parts = func.decompose(*args, **kwargs)
            if parts is not NotImplemented:
                return parts
        out = func(*args, **kwargs)
        if formula is not None:
            self.flops += formula(*args, **kwargs, out_val=out)
        return out


def _tensors(values: Iterable[Any]) -> Iterator[Tensor]:
    """Those among arguments, and in their lists."""
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from _tensors(value)


@cache
def _has_kernel(func: torch._ops.OpOverload) -> bool:
    """Whether an operation is computed as a whole, and so may not be taken to pieces."""
    keys = (torch._C.DispatchKey.CPU, torch._C.DispatchKey.CUDA)
    return any(func.has_kernel_for_dispatch_key(key) for key in keys)


def _convolution_backward(
    grad_out: Tensor,
    x: Tensor,
    weight: Tensor,
    _bias: Any,
    _stride: Any,
    _padding: Any,
    _dilation: Any,
    is_transposed: bool,
    _output_padding: Any,
    _groups: int,
    needs: list[bool],
    **_: Any,
) -> int:
    """The gradients of input and weight cost as much as the convolution, each; torch's formula
    takes that of a grouped weight for `groups` times more.

    Args:
        grad_out: (B, C', H', W').
        x: (B, C, H, W).
        weight: (C', C / groups, h, w); transposed: (C, C' / groups, h, w).
        is_transposed: whether it is a transposed convolution.
        needs: of input, weight and bias.
    """
    sites = (x if is_transposed else grad_out)[:, 0].numel()  # B times the places of the kernel
    return 2 * sites * weight.numel() * (needs[0] + needs[1])


def _multi_head_attention(
    query: Tensor,
    key: Tensor,
    _value: Tensor,
    _dim: int,
    _num_heads: int,
    _qkv_weight: Tensor,
    _qkv_bias: Tensor,
    weight: Tensor,
    *_: Any,
    **__: Any,
) -> int:
    """`nn.MultiheadAttention` in one operation, as it runs without gradients.

    Args:
        query: (B, L, D).
        key: (B, S, D).
        weight: (D, D), of the output; that of queries, keys and values is (3 D, D).
    """
    batch, num_queries, dim = query.shape
    num_keys = key.shape[1]
    projections = 2 * batch * (2 * num_queries + 2 * num_keys) * weight.numel()
    return projections + 4 * batch * num_queries * num_keys * dim

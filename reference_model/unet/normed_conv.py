"""Group norm, scale and shift, SiLU and convolution, with less memory for large maps.

Autograd keeps the result of every operation. For large maps the input and the convolution's input
are kept, and what lies between is made again in the backward pass, by the same operations and so to
the same bits. Small maps would lose 5 % of the time and save little.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

aten = torch.ops.aten

LARGE = 1 << 18
"""Numbers in a batch of maps from which on they are made again."""


def normed_conv(
    x: Tensor, norm: nn.GroupNorm, scale_shift: tuple[Tensor, Tensor] | None, conv: nn.Conv2d
) -> Tensor:
    """conv(silu(norm(x) * (scale + 1) + shift)); for large maps differentiable once.

    Args:
        x: (B, C, H, W).
        norm: of C channels, with gain and bias.
        scale_shift: (B, C, 1, 1) each; None leaves them out.
        conv: from C to D channels, with a bias, without strides, dilation and groups.

    Returns:
        (B, D, H, W), of the type of autocast where that is on.
    """
    if torch.is_grad_enabled() and x.numel() >= LARGE:
        tensors = (x, norm.weight, norm.bias, *(scale_shift or (None, None)))
        settings = (norm.num_groups, norm.eps, conv.padding)
        result = _NormedConv.apply(*tensors, conv.weight, conv.bias, *settings)
        assert isinstance(result, Tensor)
        return result
    y = norm(x)
    if scale_shift is not None:
        scale, shift = scale_shift
        y = (y * (scale + 1)).add_(shift)
    return conv(F.silu(y, inplace=not torch.is_grad_enabled()))


def _active(
    x: Tensor,
    gain: Tensor,
    bias: Tensor,
    scale: Tensor | None,
    shift: Tensor | None,
    groups: int,
    eps: float,
) -> tuple[Tensor, torch.dtype]:
    """The convolution's input (B, C, H, W), and the type that the norm was computed in."""
    y = F.group_norm(x, groups, gain, bias, eps)
    dtype = y.dtype
    if scale is not None and shift is not None:
        y = (y * (scale + 1)).add_(shift)
    y = F.silu(y, inplace=True)
    if torch.is_autocast_enabled(x.device.type):
        y = y.to(torch.get_autocast_dtype(x.device.type))
    return y, dtype


class _NormedConv(torch.autograd.Function):
    """See `normed_conv`."""

    @staticmethod
    def forward(ctx, x, gain, bias, scale, shift, weight, conv_bias, groups, eps, padding):
        active, ctx.dtype = _active(x, gain, bias, scale, shift, groups, eps)
        ctx.save_for_backward(x, active, gain, bias, scale, shift, weight)
        ctx.groups, ctx.eps, ctx.padding = groups, eps, padding
        return F.conv2d(active, weight, conv_bias, padding=padding)

    @staticmethod
    @once_differentiable
    def backward(ctx, *grad_outputs: Tensor):
        x, active, gain, bias, scale, shift, weight = ctx.saved_tensors
        (grad,) = grad_outputs  # (B, D, H, W)
        one, none = [1, 1], [0, 0]  # stride and dilation; padding of a transposed convolution
        grad_active, grad_weight, grad_conv_bias = aten.convolution_backward(
            grad,
            active,
            weight.to(grad.dtype),
            [len(weight)],
            one,
            ctx.padding,
            one,
            False,
            none,
            1,
            [True, True, True],
        )

        batch, channels, height, width = x.shape
        shape = (batch, channels, height * width, ctx.groups)
        x_, gain_ = x.to(ctx.dtype).contiguous(), gain.to(ctx.dtype)
        y, mean, rstd = aten.native_group_norm(x_, gain_, bias.to(ctx.dtype), *shape, ctx.eps)
        grad_scale = grad_shift = None
        if scale is None:
            grad_y = aten.silu_backward(grad_active.to(ctx.dtype), y)  # (B, C, H, W)
        else:
            factor = scale + 1
            inner = (y * factor).add_(shift)  # (B, C, H, W)
            grad_inner = aten.silu_backward(grad_active.to(inner.dtype), inner)
            grad_shift = grad_inner.sum((2, 3), keepdim=True).to(shift.dtype)  # (B, C, 1, 1)
            grad_scale = y.mul_(grad_inner).sum((2, 3), keepdim=True).to(scale.dtype)
            grad_y = grad_inner.mul_(factor).to(ctx.dtype)  # (B, C, H, W)
        grad_x, grad_gain, grad_bias = aten.native_group_norm_backward(
            grad_y, x_, mean, rstd, gain_, *shape, [True, True, True]
        )
        return (
            grad_x.to(x.dtype),
            grad_gain.to(gain.dtype),
            grad_bias.to(bias.dtype),
            grad_scale,
            grad_shift,
            grad_weight.to(weight.dtype),
            grad_conv_bias.to(weight.dtype),
            None,
            None,
            None,
        )

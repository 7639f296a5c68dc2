"""Networks from a configuration and weights that somebody else may have written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_module_registration_hook
from torch.overrides import TorchFunctionMode

from gcdp_bench.io.validation import reason
from gcdp_bench.training.checkpoint import check_fit, load_weights

N = TypeVar("N", bound=nn.Module)

FILLS = frozenset(
    ("add_", "clamp_", "copy_", "erfinv_", "fill_", "mul_", "normal_", "uniform_", "zero_")
)
"""Methods of tensors by which layers choose their first weights."""

MODULES_PER_TENSOR, SPARE_MODULES = 10, 1000
"""More modules than that no network of so many tensors has."""


class _WithoutValues(TorchFunctionMode):
    """Weights on the device "meta" have no values: what would choose them is left out.

    torch does it there in Python, in more time than it takes to choose them.
    """

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs, name = kwargs or {}, getattr(func, "__name__", "")
        if getattr(func, "__module__", "") == "torch.nn.init":
            return kwargs["tensor"]
        if name in FILLS and args[0].is_meta:
            return args[0]
        if func is torch.randn and "generator" not in kwargs:
            func = torch.empty
        return func(*args, **kwargs)


def load_network(
    build: Callable[[], N],
    weights: Path | Mapping[str, Tensor],
    *,
    source: Path,
) -> N:
    """The network that `build` makes, filled strictly.

    It is built without memory first and compared with the weights, so that a configuration which
    asks for a network that is not in the file costs nothing.

    Args:
        build: makes the network of a configuration, with any weights.
        weights: a file of safetensors, or its tensors.
        source: what messages name.

    Raises:
        FileNotFoundError: no such file.
        ValueError: the configuration describes no network, or another one than the weights.
    """
    tensors = load_weights(weights) if isinstance(weights, Path) else weights
    try:
        with torch.device("meta"), _WithoutValues(), _no_more_modules(len(tensors)):
            outline = build()
    except Exception as error:  # any constructor may raise anything about wrong sizes
        raise ValueError(
            f"{source}: expected the configuration of a network, got one that cannot be built "
            f"({type(error).__name__}: {reason(error)}); restore config.json"
        ) from error
    check_fit(outline, tensors, source=source)
    network = build()
    network.load_state_dict(dict(tensors), strict=True)
    return network


def load_known(
    build: Callable[[], N], weights: Mapping[str, Tensor], *, source: Path, remedy: str
) -> N:
    """The network of a fixed architecture that `build` makes, filled strictly.

    It is compared with the weights first, without memory.

    Args:
        build: makes the network, with any weights.
        weights: somebody else's tensors.
        source: what messages name.
        remedy: which weights are expected and where they are, for the message.

    Raises:
        ValueError: the weights are of another network.
    """
    with torch.device("meta"), _WithoutValues():
        outline = build()
    check_fit(outline, weights, source=source, remedy=remedy)
    network = build()
    network.load_state_dict(dict(weights), strict=True)
    return network


@contextmanager
def _no_more_modules(num_tensors: int) -> Iterator[None]:
    """Raise `ValueError` when more modules are made than a network of `num_tensors` can have."""
    limit = MODULES_PER_TENSOR * num_tensors + SPARE_MODULES
    made = 0

    def count(module: nn.Module, name: str, submodule: nn.Module | None) -> None:
        nonlocal made
        made += 1
        if made > limit:
            raise ValueError(f"more than {limit} parts, for {num_tensors} tensors in the weights")

    hook = register_module_module_registration_hook(count)
    try:
        yield
    finally:
        hook.remove()

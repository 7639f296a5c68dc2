"""Devices of networks: checked by name, and read from a network."""

from __future__ import annotations

import os
import re
import shutil
from typing import TYPE_CHECKING

from gcdp_bench.io.validation import reason

if TYPE_CHECKING:
    import torch
    from torch import nn

    from gcdp_bench.core.types import Generator

ACCELERATORS = ("cuda", "mps", "xpu")
"""Kinds of devices beside the CPU."""


def check_name(device: str) -> None:
    """Refuse what is no device's name; torch is not imported.

    Raises:
        ValueError: it is none.
    """
    if not re.fullmatch(rf"(cpu|{'|'.join(ACCELERATORS)})(:\d+)?", device):
        raise ValueError(
            f"device: expected cpu, {', '.join(ACCELERATORS)}, or one of several such as cuda:1, "
            f"got {device!r}"
        )


def check_device(name: str) -> None:
    """Refuse a device that this machine lacks.

    Raises:
        ValueError: it is no device's name, or the machine has none of that kind.
    """
    check_name(name)
    if name == "cpu":
        return
    import torch

    try:
        torch.empty(0, device=torch.device(name))
    except (RuntimeError, AssertionError) as error:  # AssertionError: torch is built without it
        raise ValueError(
            f"device: expected one of this machine's devices, got {name!r} "
            f"({reason(error)}); see `gcdp-bench doctor`, or use cpu"
        ) from error


def device_of(network: nn.Module) -> torch.device:
    """Device of the network's parameters."""
    return next(network.parameters()).device


def place(generator: object, device: str) -> None:
    """Move a loaded generator to the device it samples on: its `networks`, if it names some."""
    for network in getattr(generator, "networks", ()):
        network.to(device)


def compile_networks(generator: object, what: str) -> None:
    """Compile the calls of a loaded generator's `networks` with inductor, weights frozen.

    The first batch of each shape takes minutes on a CPU. Samples differ from the others' by
    rounding.

    Args:
        generator: see `place`.
        what: it is, for the message.

    Raises:
        ValueError: it names no networks, or there is no compiler.
    """
    require_compiler()
    networks = getattr(generator, "networks", ())
    if not networks:
        raise ValueError(
            f"{what}: expected a generator whose attribute `networks` names what is compiled, got "
            "none; leave out --compile"
        )
    for network in networks:
        network.compile(dynamic=False, options={"freezing": True})


def require_compiler() -> None:
    """Refuse to compile on a machine without a C++ compiler.

    Raises:
        ValueError: there is none.
    """
    if not any(map(shutil.which, (os.environ.get("CXX", "g++"), "g++", "clang++"))):
        raise ValueError(
            "--compile: expected a C++ compiler (CXX, g++ or clang++), found none; install one, or "
            "leave it out"
        )


def use_bf16(generator: Generator, what: str) -> None:
    """Let a loaded generator's products of matrices and convolutions be of bfloat16.

    Everything else, what is sampled too, stays in float32. Samples differ from the others'.

    Args:
        generator: see `place`.
        what: it is, for the message.

    Raises:
        ValueError: the device has no units for it, so that it would be slower.
    """
    kind = generator.device.partition(":")[0]
    if not has_bf16(kind):
        raise ValueError(
            f"{what}: --precision bf16: expected a device with units for bfloat16 (a CPU with "
            f"AVX512_BF16 or AMX, a GPU of compute capability 8.0 or later), got this {kind}, on "
            "which it is slower; leave it out"
        )
    import torch

    generator.sample = torch.autocast(kind, torch.bfloat16)(generator.sample)


def has_bf16(kind: str) -> bool:
    """Whether this machine's devices of a kind multiply in bfloat16."""
    import torch

    if kind == "cpu":
        known = torch.cpu.get_capabilities()
        return any(known.get(unit, False) for unit in ("avx512_bf16", "amx_bf16", "bf16"))
    return kind != "cuda" or torch.cuda.is_bf16_supported(including_emulation=False)

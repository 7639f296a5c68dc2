"""At which size samples and real images are evaluated."""

from __future__ import annotations

import shlex

from gcdp_bench.core.images import Size
from gcdp_bench.datasets.framing import by
from gcdp_bench.extractors.bundle import Extractors


def evaluation_size(
    native: Size, extractors: Extractors, *, resize: str, where: str, dataset: str
) -> Size:
    """(height, width) at which samples of `native` are evaluated, and the real images with them.

    That of the samples, unless evaluating networks that were trained here see another one alone:
    then theirs, if `resize` says how the samples get there.

    Args:
        native: (height, width) of the samples.
        extractors: the networks.
        resize: see `framing.frame`.
        where: the samples, for the message.
        dataset: of the command, for the message.

    Raises:
        ValueError: networks of different sizes, or the samples are of another and `resize` does
            not say how they get there.
    """
    seen = other_sizes(native, extractors)
    if not seen:
        return native
    sizes = sorted(set(extractors.required_sizes.values()))
    if len(sizes) == 1 and resize != "none":
        return sizes[0]
    way = (
        ""
        if len(sizes) > 1
        else (
            f"pass --resize crop, --resize pad or --resize stretch to bring samples and real "
            f"images to {by(sizes[0])}, or "
        )
    )
    raise ValueError(
        f"{where}: its images are {by(native)}, but {seen}; "
        f"{way}{trained_for(native, extractors, dataset)}"
    )


def other_sizes(size: Size, extractors: Extractors) -> str:
    """Networks that evaluate images of another size alone, in words; "": none."""
    needed = extractors.required_sizes
    return " and ".join(
        f"{name} evaluates images of {by(own)}" for name, own in needed.items() if own != size
    )


def trained_for(size: Size, extractors: Extractors, dataset: str) -> str:
    """The remedy: what trains those networks at a size."""
    commands = ", ".join(
        f"`gcdp-bench train {kind} --dataset {shlex.quote(dataset)} --size {by(size)}`"
        for kind in extractors.trained_kinds
    )
    return f"train networks for {by(size)} ({commands}) and give their folders"

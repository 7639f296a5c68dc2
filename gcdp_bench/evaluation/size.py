"""At which size samples and real images are evaluated."""

from __future__ import annotations

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
    needed = extractors.required_sizes
    others = {name: size for name, size in needed.items() if size != native}
    if not others:
        return native
    sizes = sorted(set(needed.values()))
    if len(sizes) == 1 and resize != "none":
        return sizes[0]
    seen = " and ".join(f"{name} evaluates images of {by(size)}" for name, size in others.items())
    commands = ", ".join(
        f"`gcdp-bench train {kind} --dataset {dataset} --size {by(native)}`"
        for kind in extractors.trained_kinds
    )
    way = (
        ""
        if len(sizes) > 1
        else (
            f"pass --resize crop, --resize pad or --resize stretch to bring samples and real "
            f"images to {by(sizes[0])}, or "
        )
    )
    raise ValueError(
        f"{where}: its images are {by(native)}, but {seen}; {way}train networks for {by(native)} "
        f"({commands}) and give their folders"
    )

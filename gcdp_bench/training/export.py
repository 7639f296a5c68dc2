"""Training runs to the small half-precision weights that the project ships.

    python -m gcdp_bench.training.export RUN PRETRAINED

RUN is a run folder of `gcdp-bench train`, PRETRAINED the folder to write: the same weights and JSON
files without checkpoints, which the loaders read like a run.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from gcdp_bench.core.config import read_json, write_json
from gcdp_bench.io.atomic import visible
from gcdp_bench.training.checkpoint import CHECKPOINTS, load_weights, save_weights


def main() -> None:
    """Ship one run."""
    parser = argparse.ArgumentParser(description="Write the weights of a run in half precision.")
    parser.add_argument("run", type=Path)
    parser.add_argument("pretrained", type=Path)
    options = parser.parse_args()
    for path in ship(options.run, options.pretrained):
        print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")


def ship(run: Path, pretrained: Path) -> list[Path]:
    """Write the averaged weights of `run` in half precision; returns the weights files.

    Raises:
        FileNotFoundError: the run has no weights.
        ValueError: a weight does not fit half precision; its name is given.
    """
    written = []
    for path in visible(run, "**/*.safetensors"):
        place = path.relative_to(run)
        if CHECKPOINTS not in place.parts:
            save_weights(pretrained / place, halved(load_weights(path)))
            written.append(pretrained / place)
    if not written:
        raise FileNotFoundError(f"{run}: expected model weights, found none; train the model first")
    for path in visible(run, "**/*.json"):
        place = path.relative_to(run)
        if CHECKPOINTS not in place.parts:
            write_json(pretrained / place, read_json(path))
    return written


def halved(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Matrices and kernels in float16; vectors (norms, biases, running statistics) as they are.

    Raises:
        ValueError: a value becomes infinite.
    """
    result = {}
    for name, tensor in weights.items():
        small = tensor.half() if tensor.is_floating_point() and tensor.ndim > 1 else tensor
        if not bool(torch.isfinite(small).all()):
            raise ValueError(
                f"{name}: expected values in the range of float16, got {float(tensor.abs().max())}"
            )
        result[name] = small
    return result


if __name__ == "__main__":
    main()

"""Largest absolute error of every output against a pair of golden files.

    python -m benchmarks.official_parity WEIGHTS IO

WEIGHTS is a state dict of the authors' program, IO their inputs and outputs (see
`tests/golden/README.md`). Prints one JSON line per output.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from reference_model.official import load_unet
from reference_model.stage import guided
from reference_model.unet import LowRes, TextCondition, UNet

GUIDANCE = 3.0


def main() -> None:
    """Compare one pair of files."""
    parser = argparse.ArgumentParser(description="Parity with the authors' U-Net.")
    parser.add_argument("weights", type=Path)
    parser.add_argument("io", type=Path)
    options = parser.parse_args()
    for name, error in largest_errors(options.weights, options.io).items():
        print(json.dumps({"file": options.io.name, "output": name, "max_abs_error": error}))


def largest_errors(weights: Path, io: Path) -> dict[str, float]:
    """Largest absolute difference of each golden output to ours."""
    golden = load_file(io)
    ours = outputs(load_unet(weights).eval(), golden)
    expected = [name for name in golden if name.startswith(("noise_", "logits_"))]
    return {name: float((ours[name] - golden[name]).abs().max()) for name in sorted(expected)}


@torch.no_grad()
def outputs(network: UNet, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """`noise_*` and `logits_*`: with text, without, and guided."""
    num = len(inputs["image"])
    conditional = network.encode_text(inputs["text_embeds"], inputs["text_mask"])
    layout = inputs["layout"][:, 0] if "layout" in inputs else None  # (B, H, W)
    low_res = None
    if "lowres_image" in inputs:
        low_layout = inputs["lowres_layout"][:, 0] if "lowres_layout" in inputs else None
        low_res = LowRes(inputs["lowres_image"], low_layout, inputs["lowres_log_snr"])
    found: dict[str, Tensor] = {}
    texts: dict[str, TextCondition] = {"cond": conditional, "null": network.null_text(num)}
    for name, text in texts.items():
        output = network(inputs["image"], layout, inputs["log_snr"], text, low_res=low_res)
        found[f"noise_{name}"] = output.noise
        if output.logits is not None:
            found[f"logits_{name}"] = output.logits
    for part in ("noise", "logits"):
        if f"{part}_cond" in found:
            found[f"{part}_guided_{GUIDANCE:g}"] = guided(
                found[f"{part}_null"], found[f"{part}_cond"], GUIDANCE
            )
    return found


if __name__ == "__main__":
    main()

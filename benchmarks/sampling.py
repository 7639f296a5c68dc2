"""Sampling speed of the pretrained cascades and of the paper-size networks.

    python -m benchmarks.sampling [--paper] [--batch 16] [--steps 25] [--sr-steps 10]

Prints one JSON line per case: seconds per image of the whole cascade (pretrained), or seconds per
network call of one image and stage (paper size, random weights, `--paper`: needs 6 GB of memory).
"""

from __future__ import annotations

import argparse
import json
import time

import torch

from benchmarks.cascades import CASCADES
from gcdp_bench.core.sampling_config import SamplingConfig
from gcdp_bench.datasets.registry import open_dataset
from gcdp_bench.generators.sample import find_generator
from reference_model.generator import Cascade
from reference_model.unet import LowRes, UNet, UNetConfig, paper_base, paper_sr

DATASET = "synth-city-25"
PAPER_STAGES = {"base 128x256": (paper_base, (128, 256)), "sr 256x512": (paper_sr, (256, 512))}
PAPER_CLASSES, PAPER_TOKENS = 20, 64


def main() -> None:
    """Time every case."""
    parser = argparse.ArgumentParser(description="Speed of sampling.")
    parser.add_argument("--paper", action="store_true", help="also the paper-size networks")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--sr-steps", type=int, default=10)
    options = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    config = SamplingConfig(steps=options.steps, sr_steps=options.sr_steps, device=device.type)
    for name in CASCADES:
        cascade = Cascade.load(name, find_generator(name, DATASET).folder, config)
        captions = _captions(cascade, options.batch)
        for guidance in (1.0, 4.0):
            started = time.perf_counter()
            cascade.sample(captions, guidance=guidance, seeds=range(options.batch))
            seconds = (time.perf_counter() - started) / options.batch
            _report(
                device,
                network=f"pretrained {name}",
                guidance=guidance,
                steps=options.steps,
                sr_steps=options.sr_steps,
                batch=options.batch,
                sec_per_image=round(seconds, 4),
            )
    if options.paper:
        for stage, (build, size) in PAPER_STAGES.items():
            seconds = _paper_call(build(PAPER_CLASSES), size, device)
            _report(device, network=f"paper {stage}", sec_per_call=round(seconds, 3))


def _captions(cascade: Cascade, num: int) -> list[str]:
    dataset = open_dataset(DATASET, "test", size=cascade.image_size, data_root=None)
    return [dataset[index].caption for index in range(num)]


@torch.no_grad()
def _paper_call(config: UNetConfig, size: tuple[int, int], device: torch.device) -> float:
    """Seconds of one forward pass for one image, after a warm-up."""
    with device:
        network = UNet(config).eval()
        image = torch.randn(1, 3, *size)
        layout = torch.randint(0, PAPER_CLASSES, (1, *size))
        level = torch.zeros(1)
        text = network.encode_text(
            torch.randn(1, PAPER_TOKENS, config.text_dim),
            torch.ones(1, PAPER_TOKENS, dtype=torch.bool),
        )
    low_res = LowRes(image, layout, level) if config.low_res else None
    seconds = 0.0
    for _ in range(2):
        started = time.perf_counter()
        output = network(image, layout, level, text, low_res=low_res)
        output.noise.sum().item()  # waits for the device
        seconds = time.perf_counter() - started
    return seconds


def _report(device: torch.device, **case: object) -> None:
    machine = {"device": str(device), "threads": torch.get_num_threads()}
    print(json.dumps({**case, **machine}), flush=True)


if __name__ == "__main__":
    main()

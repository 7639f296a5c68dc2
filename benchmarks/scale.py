"""Cost of a full sweep on N GPUs: time, memory and bytes, from counted FLOPs and assumptions.

    python -m benchmarks.scale [--gpus 1,8,256] [--images 30000] [--values 12] [--datasets 4]
        [--seeds 1] [--steps 100] [--sr-steps 100] [--tflops 100] ...

Counted: FLOPs of one image of every paper-size network (Cityscapes, 256x512), on the meta device:
no weights are needed. Assumed, each an option: what a GPU reaches on them, what the host does per
image, bytes of an image, time to start a worker.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import torch

from gcdp_bench.profiling.flops import FlopCounter
from reference_model.unet import LowRes, RawText, UNet, UNetConfig, paper_base, paper_sr

SIZE = (256, 512)
BASE_SIZE = (128, 256)
CLASSES, TOKENS = 20, 64
HRNET_SIZE = (1024, 2048)  # at which HRNet-W48 was trained, and evaluates
UNITS = ("B", "KB", "MB", "GB", "TB")


@dataclass(frozen=True)
class Network:
    """One image through one network."""

    flops: float
    parameters: int


def main() -> None:
    """Print the networks, the work and the plan for each number of GPUs."""
    options = _options()
    networks = paper_networks()
    print("One image through each network (batch 1, one evaluation):")
    for name, network in networks.items():
        print(f"  {name:24s} {network.flops / 1e9:10.1f} GFLOPs {network.parameters / 1e6:8.1f} M")
    sampled = {model: sampling_flops(networks, model, options) for model in MODELS}
    scored = sum(networks[name].flops for name in EVALUATING)
    print("\nOne sample of each model, mean over its sampling parameter; and its evaluation:")
    for model, flops in sampled.items():
        print(f"  {model:24s} {flops / 1e12:10.2f} TFLOPs")
    print(f"  {'scoring':24s} {scored / 1e12:10.2f} TFLOPs")
    points = options.datasets * options.values * options.seeds
    images = points * options.images * len(MODELS)
    work = points * options.images * (sum(sampled.values()) + scored * len(MODELS))
    share = sampling_share(sampled, scored)
    print(
        f"\n{points * len(MODELS):,} points, {images:,} images, {work / 1e18:.2f} EFLOPs, of "
        f"which {share:.0%} sampling"
    )
    written = images * (options.image_bytes + options.row_bytes)
    print(
        f"kept on disk: {_bytes(written)} ({_bytes(options.image_bytes)} of PNG and "
        f"{_bytes(options.row_bytes)} of features and layouts an image)"
    )
    largest, parameters = max(loaded(networks).items(), key=lambda item: item[1])
    print(f"largest weights in memory: {_bytes(4 * parameters)} in float32 ({largest})")
    print("\nGPUs       hours   of which GPU   host   start   limited by")
    for gpus in options.gpus:
        print(plan(gpus, work, images, points * len(MODELS), options))


def plan(gpus: int, work: float, images: int, points: int, options: argparse.Namespace) -> str:
    """A line of the table.

    A GPU's host cores encode and decode images while the GPU computes: the slower of the two
    decides. Shards are whole units, so the last round may leave GPUs idle.
    """
    units = points * math.ceil(options.images / options.shard)
    rounds = math.ceil(units / gpus)
    share = rounds / units  # of the busiest GPU
    gpu_hours = work * share / (options.tflops * 1e12) / 3600
    host_hours = images * share * options.host_ms / 1000 / options.host_cores / 3600
    start_hours = options.start_sec / 3600
    idle = 1 - units / (rounds * gpus)
    limit = "GPU" if gpu_hours >= host_hours else "host cores"
    if start_hours > max(gpu_hours, host_hours):
        limit = "starting workers"
    total = max(gpu_hours, host_hours) + start_hours
    return (
        f"{gpus:4d} {total:11.1f} {gpu_hours:14.1f} {host_hours:6.1f} {start_hours:7.2f}   {limit}"
        f"; {idle:.1%} idle in the last round, "
        f"{_bytes(images * options.image_bytes / (total * 3600))}/s written"
    )


MODELS = ("reference", "imagen", "ldm", "lafite")
EVALUATING = ("HRNet-W48", "CLIP ViT-L/14-336", "Inception-v3")


def sampling_flops(
    networks: Mapping[str, Network], model: str, options: argparse.Namespace
) -> float:
    """FLOPs of one sample; all but one of the values ask the network twice a step."""
    passes = 2 - 1 / options.values
    if model == "lafite":
        return networks["lafite"].flops
    text = networks["T5-large"].flops
    if model == "ldm":
        return text + options.steps * passes * networks["ldm"].flops + networks["ldm decoder"].flops
    base, sr = networks[f"{model} base"], networks[f"{model} sr"]
    return text + options.steps * passes * base.flops + options.sr_steps * sr.flops


def loaded(networks: Mapping[str, Network]) -> Mapping[str, int]:
    """Parameters that sampling with a model and scoring need at once."""
    extractors = sum(networks[name].parameters for name in EVALUATING)
    text = networks["T5-large"].parameters + extractors
    parameters = {name: network.parameters for name, network in networks.items()}
    return {
        "reference": text + parameters["reference base"] + parameters["reference sr"],
        "imagen": text + parameters["imagen base"] + parameters["imagen sr"],
        "ldm": text + parameters["ldm"] + parameters["ldm decoder"],
        "lafite": parameters["lafite"] + extractors,
    }


def sampling_share(sampled: Mapping[str, float], scored: float) -> float:
    """Share of sampling in all FLOPs."""
    total = sum(sampled.values())
    return total / (total + scored * len(sampled))


@cache
def paper_networks() -> Mapping[str, Network]:
    """Every network of the paper's sweep, at the size of its Cityscapes."""
    found: dict[str, Network] = {}
    for model, classes in (("reference", CLASSES), ("imagen", None)):
        for stage, build, size in (("base", paper_base, BASE_SIZE), ("sr", paper_sr, SIZE)):
            found[f"{model} {stage}"] = _unet(build(classes), size)
    return found | _text() | _latent_diffusion() | _gan() | _extractors()


def _unet(config: UNetConfig, size: tuple[int, int]) -> Network:
    def call(network: UNet):
        image, level = torch.empty(1, 3, *size), torch.empty(1)
        layout = None if config.num_classes is None else torch.empty(1, *size, dtype=torch.long)
        tokens = torch.empty(1, TOKENS, config.text_dim)
        text = RawText(tokens, torch.empty(1, TOKENS, dtype=torch.bool), None)
        low_res = LowRes(image, layout, level) if config.low_res else None
        return network(image, layout, level, text, low_res=low_res)

    return _measured(lambda: UNet(config), call)


def _text() -> dict[str, Network]:
    from transformers import T5Config, T5EncoderModel

    config = T5Config(d_model=1024, d_kv=64, d_ff=4096, num_layers=24, num_heads=16)
    ids = lambda: torch.empty(1, TOKENS, dtype=torch.long)  # noqa: E731
    return {"T5-large": _measured(lambda: T5EncoderModel(config), lambda net: net(ids()))}


def _latent_diffusion() -> dict[str, Network]:
    from baselines.ldm.autoencoder import build_autoencoder
    from baselines.ldm.autoencoder_presets import AUTOENCODER_PRESETS
    from baselines.ldm.network import build_unet
    from baselines.ldm.presets import LDM_PRESETS

    dataset = _Cityscapes()
    config = LDM_PRESETS["paper-cityscapes"].resolve(dataset).config  # type: ignore[arg-type]
    height, width = config.latent_size
    coding = AUTOENCODER_PRESETS["paper-cityscapes"].resolve(dataset)  # type: ignore[arg-type]
    latents = (1, config.latent_channels, height, width)
    return {
        "ldm": _measured(
            lambda: build_unet(config),
            lambda net: net(
                torch.empty(latents), 1, encoder_hidden_states=torch.empty(1, TOKENS, 1024)
            ),
        ),
        "ldm decoder": _measured(
            lambda: build_autoencoder(coding.config),
            lambda net: net.decode(torch.empty(latents)),
        ),
    }


def _gan() -> dict[str, Network]:
    from baselines.lafite.config import paper_config
    from baselines.lafite.generator_network import LafiteGenerator

    config = paper_config(SIZE)
    shapes = [(1, 1, *size) for size in config.noise_sizes]
    return {
        "lafite": _measured(
            lambda: LafiteGenerator(config),
            lambda net: net(
                torch.empty(1, *config.z_shape),
                torch.empty(1, config.text_dim),
                [torch.empty(shape) for shape in shapes],
            ),
        )
    }


def _extractors() -> dict[str, Network]:
    import torchvision

    from gcdp_bench.extractors.clip_standard import build_network
    from gcdp_bench.extractors.hrnet import W48, HRNetSegmenter

    return {
        "HRNet-W48": _measured(
            lambda: HRNetSegmenter(W48, CLASSES), lambda net: net(torch.empty(1, 3, *HRNET_SIZE))
        ),
        "CLIP ViT-L/14-336": _measured(
            build_network,
            lambda net: net.encode_image(torch.empty(1, 3, 336, 336)),
        ),
        "Inception-v3": _measured(
            lambda: torchvision.models.inception_v3(init_weights=False),
            lambda net: net(torch.empty(1, 3, 299, 299)),
        ),
    }


def _measured(build: Callable, call: Callable) -> Network:
    """Build and call on the meta device: shapes alone."""
    with torch.device("meta"), torch.no_grad(), FlopCounter() as counter:
        call(network := build().eval())
    return Network(counter.flops, sum(weight.numel() for weight in network.parameters()))


class _Cityscapes:
    """As much of the dataset as presets read."""

    name, class_names, image_size = "cityscapes", tuple(map(str, range(CLASSES))), SIZE


def _bytes(number: float) -> str:
    power = min(len(UNITS) - 1, int(math.log(max(number, 1.0), 1000)))
    return f"{number / 1000**power:.3g} {UNITS[power]}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Cost of a full sweep on N GPUs.")
    add = parser.add_argument
    add("--gpus", type=lambda text: [int(part) for part in text.split(",")], default=[1, 8, 256])
    add("--datasets", type=int, default=4)
    add("--values", type=int, default=12, help="guidance scales, 1 among them")
    add("--seeds", type=int, default=1)
    add("--images", type=int, default=30_000, help="per point")
    add("--steps", type=int, default=100)
    add("--sr-steps", type=int, default=100)
    add("--shard", type=int, default=1_000, help="captions of one task")
    add("--tflops", type=float, default=100.0, help="that a GPU reaches: see benchmarks.sampling")
    add("--host-ms", type=float, default=60.0, help="of one core per image: PNG, resizes, features")
    add("--host-cores", type=int, default=8, help="per GPU")
    add("--start-sec", type=float, default=90.0, help="to start a worker and load its networks")
    add("--image-bytes", type=float, default=250e3, help="of one image and its layout as PNG")
    add("--row-bytes", type=float, default=12e3, help="features and predicted layout of one image")
    return parser.parse_args()


if __name__ == "__main__":
    main()

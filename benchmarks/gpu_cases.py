"""The cases of `benchmarks.gpu`: each yields its lines as soon as they are measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn
from torch._C._autograd import DeviceType
from torch.profiler import ProfilerActivity, profile, record_function

from benchmarks.authors import import_authors, joint_unet
from benchmarks.gpu_setup import (
    CAPTION,
    FULL_STEPS,
    GUIDANCE,
    First,
    Setup,
    build,
    images_per_second,
    sampler,
    task_of,
)
from benchmarks.label_chain import make_inputs
from gcdp_bench.core import device as devices
from gcdp_bench.core.progress import Silent
from gcdp_bench.extractors.inference import for_evaluation
from reference_model import categorical, categorical_fused, gaussian
from reference_model.sampler import NoiseStreams
from reference_model.text import HashNgramEncoder
from reference_model.unet import UNet

PRECISIONS = ("float32", "bf16")
TRACED = "aot_eager"  # in place of inductor, which takes minutes on a CPU
SYNCHRONISATIONS = ("cudaStreamSynchronize", "cudaDeviceSynchronize", "cudaEventSynchronize")

Line = tuple[str, int, str, bool, float, str]
"""Setting, batch, precision, whether it is compiled, value, unit."""

Lines = Iterator[Line]


def labels(setup: Setup) -> Lines:
    """The label chain's operations against a copy of 1 GiB."""
    batch = setup.of(16, 2)
    found = make_inputs(batch, 20, *setup.of((256, 512), (8, 16)))
    _, y_0, y_t, logits, alpha_t, alpha_bar_s = (value.to(setup.device) for value in found)
    rates = alpha_t, alpha_bar_s
    uniform = torch.rand(y_0.shape, device=setup.device)  # (B, H, W)
    wanted = logits.clone().requires_grad_()

    def gradient() -> Tensor:
        kl = categorical_fused.kl_posterior(y_t, y_0, wanted, *rates)
        return torch.autograd.grad(kl.sum(), wanted)[0]

    operations: dict[str, tuple[Callable[[], Tensor], tuple[Tensor, ...]]] = {
        "forward noising": (
            lambda: categorical.q_sample(y_0, alpha_bar_s, logits.shape[1], uniform),
            (y_0, uniform),
        ),
        "reverse draw": (
            lambda: categorical_fused.sample_posterior(y_t, logits, *rates, uniform),
            (y_t, logits, uniform),
        ),
        "KL": (
            lambda: categorical_fused.kl_posterior(y_t, y_0, logits, *rates),
            (y_t, y_0, logits),
        ),
        "KL with gradient": (gradient, (y_t, y_0, logits)),
    }
    repeat = setup.of(20, 1)
    block = torch.empty(setup.of(2**28, 2**16), device=setup.device)
    copied = 2 * block.nbytes / setup.seconds(block.clone, repeat)
    yield "copy", 1, "float32", False, copied / 1e9, "GB/s"
    for name, (run, inputs) in operations.items():
        moved = sum(value.nbytes for value in (*inputs, run()))
        speed = moved / setup.seconds(run, repeat)
        yield name, batch, "float32", False, speed / copied, "of the copy's bandwidth"


def sampling(
    setup: Setup, name: str, stage: str, precision: str, batches: Sequence[int], compiled: bool
) -> Lines:
    """Images per second of a stage."""
    one = build(setup, name, stage)
    if compiled:
        if setup.tiny:
            one.network.compile(dynamic=False, backend=TRACED)
        else:
            devices.compile_networks(SimpleNamespace(networks=(one.network,)), name)
    for batch in batches:
        with setup.autocast(precision):
            speed = images_per_second(setup, sampler(one, batch), batch)
        yield f"{name} {stage}", batch, precision, compiled, speed, "images/s"


def authors(setup: Setup, name: str) -> Lines:
    """Images per second of the authors' base stage, with the same sizes and guidance."""
    assert setup.authors is not None
    package = import_authors(setup.authors)
    config = task_of(setup, name, "base", 1).config
    network = config.unet
    with torch.device(setup.device):
        unet = joint_unet(package, network)

    @cache
    def model(num_steps: int) -> Any:
        built = package.JointImagen(
            (unet,),
            image_sizes=(config.image_size,),
            num_classes=network.num_classes,
            text_embed_dim=network.text_dim,
            sample_timesteps=num_steps,
        )
        return built.to(setup.device).eval()

    for batch in setup.of((1, 8, 16), (2,)):
        text = HashNgramEncoder(config.text).encode([CAPTION] * batch)
        text = text.to(torch.device(setup.device))
        given = {"text_embeds": text.tokens, "text_masks": text.mask, "use_tqdm": False}

        def draw(num_steps: int, given=given) -> None:
            model(num_steps).sample(cond_scale=GUIDANCE["base"], **given)

        for precision in PRECISIONS:
            with setup.autocast(precision):
                speed = images_per_second(setup, draw, batch)
            yield f"{name} base", batch, precision, False, speed, "images/s"


def host(setup: Setup, name: str, stage: str, batch: int) -> Lines:
    """Time that a sampling step takes of the host, and how often it waits for the device."""
    draw, steps = sampler(build(setup, name, stage), batch), setup.of(10, 2)
    marked = {
        "noise on the CPU and its copy": (NoiseStreams, "draw"),
        "quantile per sample": (gaussian, "dynamic_threshold"),
    }
    activities = [ProfilerActivity.CPU, *[ProfilerActivity.CUDA] * (setup.device == "cuda")]
    with setup.autocast("bf16"), ExitStack() as stack:
        wall = setup.seconds(lambda: draw(steps)) / steps
        for label, (owner, method) in marked.items():
            ranged = record_function(label)(getattr(owner, method))
            stack.enter_context(mock.patch.object(owner, method, ranged))
        with profile(activities=activities) as profiler:
            draw(steps)
    events = profiler.key_averages()
    on_cpu = [event for event in events if event.device_type == DeviceType.CPU]

    def count(*names: str) -> float:
        return sum(event.count for event in events if event.key.startswith(names)) / steps

    def row(what: str, value: float, unit: str) -> Line:
        return f"{name} {stage}: {what}", batch, "bf16", False, value, unit

    yield row("step", 1e3 * wall, "ms/step")
    for label in marked:
        spent = sum(event.cpu_time_total for event in on_cpu if event.key == label)
        yield row(label, spent / 1e3 / steps, "ms/step")
    busy = sum(
        event.self_device_time_total
        for event in events
        if event.device_type != DeviceType.CPU and not event.is_user_annotation
    )
    yield row("device", busy / 1e3 / steps, "ms/step")
    yield row("synchronisations", count(*SYNCHRONISATIONS), "per step")
    yield row("item", count("aten::_local_scalar_dense"), "per step")
    yield row("copies to the device", count("Memcpy HtoD"), "per step")


def training(setup: Setup, name: str, stage: str, precision: str, compiled: bool) -> Lines:
    """A step of the loop at the preset's batch; not compiled, also at twice as many, and so on."""
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState

    from gcdp_bench.training.ema import MovingAverage
    from gcdp_bench.training.steps import make_step

    AcceleratorState._reset_state(reset_partial_state=True)
    part = getattr(setup.preset(name), stage)
    config = replace(
        part.training,
        precision="bf16" if precision == "bf16" else "no",
        batch_size=setup.of(part.training.batch_size, 2),
    )
    accelerator = Accelerator(mixed_precision=config.precision, cpu=setup.device == "cpu")
    with torch.device(setup.device):
        plain = UNet(task_of(setup, name, stage, 1).config.unet)
    average = MovingAverage(plain, config.ema_max_decay).to(setup.device)
    optimizer = torch.optim.AdamW(plain.parameters(), lr=config.learning_rate, fused=True)
    if compiled:
        plain.compile(dynamic=False, backend=setup.of("inductor", TRACED))
    network, optimizer = accelerator.prepare(plain, optimizer)
    batch, most = config.batch_size, config.batch_size if compiled else setup.of(512, 4)
    while batch <= most:
        task, now = task_of(setup, name, stage, batch), replace(config, batch_size=batch)

        def step(task=task, now=now) -> None:
            make_step(task, now, 0, accelerator, network, optimizer)
            average.update_parameters(plain)

        if setup.device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        try:
            spent = setup.seconds(step, setup.of(3, 1))
        except torch.OutOfMemoryError:
            break
        label = f"{name} {stage}"
        yield label, batch, precision, compiled, spent, "s/step"
        if setup.device == "cuda":
            peak = torch.cuda.max_memory_allocated() / 2**30
            yield label, batch, precision, compiled, peak, "GiB peak"
        batch *= 2
    if not compiled and batch > config.batch_size:
        yield f"{name} {stage}", batch // 2, precision, compiled, batch // 2, "examples at most"


def evaluator(
    setup: Setup, label: str, network: Callable[[Tensor], object], shape: tuple[int, ...]
) -> Lines:
    """Images per second of an evaluating network."""
    pixels = torch.rand(shape, device=setup.device)
    for precision in PRECISIONS:
        with torch.no_grad(), setup.autocast(precision):
            spent = setup.seconds(lambda: network(pixels), setup.of(10, 1))
        yield label, shape[0], precision, False, shape[0] / spent, "images/s"


def inception(setup: Setup) -> Lines:
    """Inception-v3 at 299x299, with the weights of the store if they are there."""
    from gcdp_bench.extractors.inception import NAME, InceptionNetwork
    from gcdp_bench.extractors.registry import WEIGHTS, is_complete, stored_path

    shape = (setup.of(32, 1), 3, 299, 299)
    if not setup.tiny and is_complete(WEIGHTS[NAME], stored_path(NAME)):
        published = InceptionNetwork(device=setup.device)
        yield from evaluator(setup, f"{NAME}, published weights", published.features, shape)
        return
    from torchvision.models import inception_v3

    plain = inception_v3(weights=None, aux_logits=False, num_classes=1008, init_weights=False)
    network = for_evaluation(plain, torch.device(setup.device))
    yield from evaluator(setup, f"{NAME}, random weights", network, shape)


def hrnet(setup: Setup) -> Lines:
    """HRNet-W48 at 1024x2048."""
    from gcdp_bench.extractors.hrnet import TINY, W48, HRNetSegmenter

    plain: nn.Module = HRNetSegmenter(setup.of(W48, TINY), 19)
    network = for_evaluation(plain, torch.device(setup.device))
    shape = setup.of((2, 3, 1024, 2048), (1, 3, 32, 64))
    yield from evaluator(setup, "HRNet, random weights", network, shape)


def fid(setup: Setup) -> Lines:
    """`analyze samplers` of bf16 against float32, of the pretrained cascade of synth-city-25."""
    from gcdp_bench.analysis.sampler_points import SamplerRequest
    from gcdp_bench.analysis.samplers import analyze_samplers
    from gcdp_bench.datasets.identities import dataset_identity
    from gcdp_bench.datasets.registry import image_size_of, open_dataset
    from gcdp_bench.extractors.bundle import ExtractorRequest, load_extractors
    from gcdp_bench.generators.sample import find_generator, load_generator

    name = "synth-city-25"
    request = SamplerRequest(
        num_samples=setup.of(256, 4),
        samplers=("ancestral",),
        intervals=(None,),
        steps=(setup.of(FULL_STEPS, 1),),
        baseline_steps=setup.of(FULL_STEPS, 1),
        precisions=("bf16",),
        batch_size=setup.of(64, 4),
        device=setup.device,
    )
    scenes = open_dataset(name, "val", size=image_size_of(name, 128), data_root=None)
    extractors = load_extractors(
        ExtractorRequest(dataset=dataset_identity(name), device=setup.device)
    )
    run = find_generator("reference", name)
    units = mock.patch.object(devices, "has_bf16", return_value=True)
    with TemporaryDirectory() as folder, units if setup.tiny else nullcontext():
        table = analyze_samplers(
            partial(load_generator, run),
            "reference",
            First(scenes, setup.of(None, 6)),
            extractors,
            request,
            Path(folder),
            progress=Silent(),
        )
    found = table.iloc[1]
    label = f"{name} {found['fid_name']}"
    for end in ("", "_low", "_high"):
        what = f"{label} difference{end.replace('_', ', ')}"
        yield what, request.num_samples, "bf16", False, found[f"fid_difference{end}"], "FID"

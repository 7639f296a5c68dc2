"""Every generator stops where it computes NaN or an infinity, and says where."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch
from torch.nn.modules.module import register_module_forward_hook

from baselines.dataset_ddpm.generator import DatasetDdpm
from baselines.gansformer.generator import Gansformer
from baselines.lafite.generator import Lafite
from baselines.ldm.generator import LatentDiffusion
from baselines.semantic_palette.generator import SemanticPalette
from gcdp_bench.core.sampling_config import SamplingConfig
from gcdp_bench.generators.registry import GENERATORS
from reference_model.generator import Cascade
from reference_model.text import build_text_encoder
from tests.baselines.dataset_ddpm.small import write_model as write_ddpm
from tests.baselines.gansformer.test_generator import write as write_gansformer
from tests.baselines.lafite.test_generator import write as write_lafite
from tests.baselines.ldm.tiny import write_model as write_ldm
from tests.baselines.semantic_palette.small import write_whole
from tests.reference_model.conftest import TEXT, base_config, build_stage, of_layouts, sr_config

CAPTIONS = ("sky", "sky and cars", "road")
SAMPLING = SamplingConfig(steps=4, sr_steps=2)
PLACE = 1  # of the sample that breaks


def cascade(name: str, **changes) -> Cascade:
    layouts = name != "imagen"
    stages = [
        build_stage(replace(config(layouts=layouts), **changes))
        for config in (base_config, sr_config)
    ]
    return Cascade(name, stages, build_text_encoder(TEXT), SAMPLING)


@dataclass(frozen=True)
class Break:
    """Which output of which network breaks at which of its calls, and what the message says."""

    network: Callable[[Any], torch.nn.Module]
    where: str
    call: int = 1
    part: str | None = None  # attribute of the output; None: the output is a tensor
    guidance: float = 1.0


BUILD = {
    "reference": lambda folder: cascade("reference"),
    "reference-unconditional": lambda folder: cascade("reference-unconditional", text_drop=1.0),
    "imagen": lambda folder: cascade("imagen"),
    "ldm": lambda folder: LatentDiffusion.load("ldm", write_ldm(folder), SAMPLING),
    "lafite": lambda folder: Lafite.load("lafite", write_lafite(folder / "it"), SAMPLING),
    "gansformer": lambda folder: Gansformer.load(
        "gansformer", write_gansformer(folder / "it"), SAMPLING
    ),
    "dataset-ddpm": lambda folder: DatasetDdpm.load(
        "dataset-ddpm", write_ddpm(folder / "it"), SAMPLING
    ),
    "semantic-palette": lambda folder: SemanticPalette.load(
        "semantic-palette", write_whole(folder / "it"), SAMPLING
    ),
}


def of_stage(index: int, part: str, where: str, *, call: int = 1, guidance: float = 1.0) -> Break:
    return Break(lambda model: model.stages[index].network, where, call, part, guidance)


NOISE, LOGITS = "predicted noise", "label logits"
IMAGES = "images of step 1 of 1"
BREAKS = {
    "reference": [
        of_stage(0, "noise", f"{NOISE} at step 38 of 50 of the base stage", call=2, guidance=2.0),
        of_stage(0, "logits", f"{LOGITS} at step 50 of 50 of the base stage", guidance=2.0),
        of_stage(1, "noise", f"{NOISE} at step 25 of 50 of the super-resolution stage", call=2),
        of_stage(1, "logits", f"{LOGITS} at step 50 of 50 of the super-resolution stage"),
    ],
    "reference-unconditional": [
        of_stage(0, "logits", f"{LOGITS} at step 13 of 50 of the base stage", call=4)
    ],
    "imagen": [
        of_stage(0, "noise", f"{NOISE} at step 50 of 50 of the base stage", guidance=3.0),
        of_stage(1, "noise", f"{NOISE} at step 50 of 50 of the super-resolution stage"),
    ],
    "ldm": [
        Break(lambda m: m.unet, f"{NOISE} at step 3 of 4 (t = ", 3, "sample", guidance=2.0),
        Break(
            lambda m: m.autoencoder.decoder,
            "images that the autoencoder decodes after the last step",
        ),
    ],
    "lafite": [Break(lambda m: m.network, IMAGES)],
    "gansformer": [Break(lambda m: m.network, IMAGES)],
    "dataset-ddpm": [
        Break(
            lambda m: m.trained.stage.network,
            f"{NOISE} at step 25 of 50 of the base stage",
            3,
            "noise",
        ),
        Break(lambda m: m.trained.stage.network, f"{NOISE} at step 20 of 50", 6, "noise"),
        Break(
            lambda m: m.trained.stage.network.final_res_block,
            "features of block final at step 5",
            5,
        ),
        Break(lambda m: m.trained.ensemble, f"{LOGITS} of the pixel classifiers"),
    ],
    "semantic-palette": [
        Break(lambda m: m.layouts.network, "soft layouts of step 1 of 1", part="final"),
        Break(lambda m: m.network, IMAGES),
    ],
}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Generators by name, each made once."""
    made = {}

    def build(name: str):
        if name not in made:
            made[name] = BUILD[name](tmp_path_factory.mktemp(name))
        return made[name]

    return build


@contextmanager
def broken(network: torch.nn.Module, at: Break, value: float, num: int) -> Iterator[None]:
    """One number of one sample in the output of one call becomes `value`."""
    calls = [0]

    def spoil(_module, _inputs, output):
        calls[0] += 1
        if calls[0] == at.call:
            tensor = output if at.part is None else getattr(output, at.part)
            row = len(tensor) * PLACE // num if len(tensor) > 2 * num else PLACE  # of pixels
            tensor[(row, *[-1] * (tensor.ndim - 1))] = value

    handle = network.register_forward_hook(spoil)
    try:
        yield
    finally:
        handle.remove()


CASES = [(name, at) for name, breaks in BREAKS.items() for at in breaks]


def test_every_generator_is_here():
    assert BUILD.keys() == BREAKS.keys() == GENERATORS.keys()


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize(("name", "at"), CASES, ids=[f"{n}: {at.where}" for n, at in CASES])
def test_sampling_stops(built, name, at, value):
    model = built(name)
    seeds = [1, 2, 3]
    with broken(at.network(model), at, value, len(CAPTIONS)):
        with pytest.raises(FloatingPointError) as caught:
            model.sample(CAPTIONS, guidance=at.guidance, seeds=seeds)
    message = str(caught.value)
    assert message.startswith(f"{name}: expected finite numbers, got NaN or infinite ones in the")
    assert at.where in message
    assert "in 1 of 3 images (float32 on cpu)" in message
    assert "caption 'sky and cars'" in message
    model.sample(CAPTIONS, guidance=at.guidance, seeds=seeds)  # it is the output that stopped it


@pytest.mark.parametrize("part", ["noise", "logits"])
def test_outpainting_stops(built, part):
    model = built("reference")
    at = of_stage(0, part, "", call=3)
    known = of_layouts(torch.zeros(3, *model.image_size, dtype=torch.uint8))
    with broken(at.network(model), at, torch.nan, 3):
        with pytest.raises(FloatingPointError, match=r"step 38 of 50 .*1 of 3 .*'sky and cars'"):
            model.outpaint(CAPTIONS, known, guidance=1.0, seeds=[1, 2, 3], resampling=2)


@pytest.mark.parametrize("name", [name for name in BUILD if name != "lafite"])
def test_a_generator_names_every_network_that_runs(built, name):
    """`device.place` moves those alone; Lafite's CLIP, which reads captions, stays on the CPU."""
    model, ran = built(name), set()
    hook = register_module_forward_hook(lambda module, inputs, output: ran.add(module))
    try:
        model.sample(CAPTIONS, guidance=1.0, seeds=range(len(CAPTIONS)))
    finally:
        hook.remove()
    assert ran and ran <= {part for network in model.networks for part in network.modules()}

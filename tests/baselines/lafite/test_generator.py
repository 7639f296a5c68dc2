"""Lafite as a `Generator`: what a sample depends on, and what its digest covers."""

from dataclasses import replace

import pytest
import torch

from baselines.lafite.clip_features import load_teacher
from baselines.lafite.generator import Lafite
from baselines.lafite.generator_network import LafiteGenerator
from baselines.lafite.model import write_lafite
from gcdp_bench.core.config import to_dict, write_json
from gcdp_bench.core.images import to_uint8
from gcdp_bench.core.rng import generator
from gcdp_bench.core.sampling_config import SamplingConfig
from gcdp_bench.core.types import Generator
from gcdp_bench.training.export import ship
from tests.baselines.lafite.taught import LAFITE, teacher, write_clip

CAPTIONS = ["sky and road", "sky and road and cars", "sky and road"]


def write(folder, seed=0, clip_seed=0):
    torch.manual_seed(seed)
    network = LafiteGenerator(LAFITE.network)
    for name, parameter in network.named_parameters():
        if name.endswith("noise_strength"):
            torch.nn.init.constant_(parameter, 0.3)
    network.mapping.w_average.normal_()
    write_lafite(folder, network, teacher(write_clip(folder.parent / "clip", clip_seed)))
    write_json(folder / "config.json", {"task": {"kind": "lafite", "lafite": to_dict(LAFITE)}})
    return folder


def load(folder):
    return Lafite.load("lafite", folder, SamplingConfig())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write(tmp_path_factory.mktemp("trained") / "lafite")


@pytest.fixture(scope="module")
def lafite(folder):
    return load(folder)


def difference(one, two):
    return int((one.int() - two.int()).abs().max())


def test_it_is_a_generator_of_one_step(lafite):
    assert isinstance(lafite, Generator)
    assert lafite.num_steps == 1 and lafite.settings == {} and not lafite.makes_layouts
    assert lafite.parameter.symbol == "ψ"
    assert lafite.image_size == (16, 32) and lafite.trained_on == "stripes"
    assert lafite.class_names == LAFITE.class_names


def test_a_sample_by_hand(lafite, folder):
    """z and noise from the seed, the caption's own feature, w pulled to its average."""
    batch = lafite.sample(CAPTIONS[1:2], guidance=0.7, seeds=[5])
    source = generator(5, "lafite")
    network = lafite.network
    z = torch.randn(1, 5, generator=source)
    noise = [torch.randn(1, 1, *shape, generator=source) for shape in network.config.noise_sizes]
    text = load_teacher(folder / "clip").text(CAPTIONS[1:2])
    with torch.no_grad():
        w, average = network.mapping(z), network.mapping.w_average
        ws = (average + 0.7 * (w - average))[:, None].expand(-1, 5, -1)
        expected = to_uint8(network.synthesis(ws, text, noise))
    assert difference(batch.images, expected) <= 1
    assert batch.images.dtype == torch.uint8 and batch.layouts is None
    assert batch.captions == (CAPTIONS[1],) and batch.ids == ("000000",)


def test_a_sample_depends_on_its_caption_seed_and_psi_alone(lafite):
    together = lafite.sample(CAPTIONS, guidance=0.9, seeds=[1, 2, 3]).images
    for index in range(3):
        alone = lafite.sample(CAPTIONS[index : index + 1], guidance=0.9, seeds=[index + 1]).images
        assert difference(together[index], alone[0]) <= 1
    other = lafite.sample([CAPTIONS[1], CAPTIONS[0], CAPTIONS[0]], guidance=0.9, seeds=[1, 4, 3])
    assert difference(together[0], other.images[0]) > 1
    assert difference(together[1], other.images[1]) > 1
    assert difference(together[2], other.images[2]) <= 1
    assert difference(together, lafite.sample(CAPTIONS, guidance=1, seeds=[1, 2, 3]).images) > 1


@torch.no_grad()
def test_at_psi_zero_only_the_noise_is_left(folder):
    """Without noise, every seed gives the image of the average w."""
    lafite = load(folder)
    for name, parameter in lafite.network.named_parameters():
        if name.endswith("noise_strength"):
            parameter.zero_()
    images = lafite.sample(CAPTIONS[:1] * 3, guidance=0.0, seeds=[1, 2, 3]).images
    assert difference(images[0], images[1]) <= 1 and difference(images[0], images[2]) <= 1
    images = lafite.sample(CAPTIONS[:1] * 2, guidance=0.5, seeds=[1, 2]).images
    assert difference(images[0], images[1]) > 1


def test_the_digest_covers_generator_and_clip(lafite, folder, tmp_path):
    assert load(folder).digest == lafite.digest and len(lafite.digest) == 12
    generators = load(write(tmp_path / "a" / "lafite", seed=1))
    clips = load(write(tmp_path / "b" / "lafite", clip_seed=1))
    assert len({lafite.digest, generators.digest, clips.digest}) == 3
    assert generators.clip_digest == lafite.clip_digest != clips.clip_digest
    assert lafite.clip_digest == teacher(folder / "clip").digest
    trained = load(folder)
    with torch.no_grad():
        trained.network.mapping.w_average.add_(1)  # samples below psi 1 depend on it
    assert trained.digest != lafite.digest


def test_an_exported_folder_makes_nearly_the_same_images(lafite, folder, tmp_path):
    ship(folder, tmp_path / "pretrained")
    pretrained = load(tmp_path / "pretrained")
    one, two = (
        g.sample(CAPTIONS, guidance=0.8, seeds=[1, 2, 3]).images for g in (lafite, pretrained)
    )
    assert difference(one, two) <= 8
    assert pretrained.digest != lafite.digest


@pytest.mark.parametrize("psi", [-0.1, 1.1, float("nan")])
def test_psi_is_between_zero_and_one(lafite, psi):
    with pytest.raises(ValueError, match="truncation psi: expected a value from 0 to 1"):
        lafite.sample(CAPTIONS[:1], guidance=psi, seeds=[1])


def test_a_seed_per_caption(lafite):
    with pytest.raises(ValueError, match="got 3 captions and 2 seeds"):
        lafite.sample(CAPTIONS, guidance=1.0, seeds=[1, 2])


def test_steps_do_not_matter(folder, lafite):
    other = Lafite.load("lafite", folder, replace(SamplingConfig(), steps=3))
    assert other.settings == lafite.settings and other.digest == lafite.digest

"""Semantic Palette as a `Generator`: what a sample depends on, and what its digest covers."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from baselines.semantic_palette.generator import SemanticPalette
from gcdp_bench.core.config import read_json, write_json
from gcdp_bench.core.images import to_uint8
from gcdp_bench.core.rng import generator
from gcdp_bench.core.sampling_config import SamplingConfig
from gcdp_bench.core.types import Generator
from gcdp_bench.training.export import ship
from tests.baselines.semantic_palette.small import NAMES, write_whole

CAPTIONS = ["sky", "road", "sky and road"]


def load(folder):
    return SemanticPalette.load("semantic-palette", folder, SamplingConfig())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_whole(tmp_path_factory.mktemp("trained"))


@pytest.fixture(scope="module")
def palette(folder):
    return load(folder)


def difference(one, two):
    return int((one.int() - two.int()).abs().max())


def test_it_is_a_generator_of_one_step(palette):
    assert isinstance(palette, Generator)
    assert palette.num_steps == 1 and palette.settings == {} and palette.parameter is None
    assert palette.makes_layouts and not palette.reads_captions
    assert palette.image_size == (8, 16) and palette.trained_on == "stripes"
    assert palette.class_names == NAMES and palette.name == "semantic-palette"


@torch.no_grad()
def test_a_sample_by_hand(palette):
    """Palette and noise from the seed; the resized soft layout's likeliest class."""
    batch = palette.sample(CAPTIONS[:1], guidance=1.0, seeds=[5])
    source = generator(5, "semantic-palette", "layout")
    prompted = palette.layouts.palettes.draw(1, source)
    z = torch.randn(1, 5, generator=source)
    soft = palette.layouts.network(z, prompted, 1.0).final  # (1, 4, 4, 8)
    layouts = F.interpolate(soft, (8, 16), mode="bilinear").argmax(1).byte()
    assert torch.equal(batch.layouts, layouts) and batch.layouts.dtype == torch.uint8
    noise = torch.randn(1, 5, generator=generator(5, "semantic-palette", "image"))
    assert difference(batch.images, to_uint8(palette.network(layouts, noise))) <= 1
    assert batch.images.dtype == torch.uint8 and batch.images.shape == (1, 3, 8, 16)
    assert batch.ids == ("000000",) and batch.captions == ("sky",)


def test_a_sample_depends_on_its_seed_alone(palette):
    together = palette.sample(CAPTIONS, guidance=1.0, seeds=[1, 2, 3])
    other = palette.sample(CAPTIONS[::-1], guidance=1.0, seeds=[1, 4, 3])
    for index in range(3):
        alone = palette.sample(CAPTIONS[:1], guidance=1.0, seeds=[index + 1])
        assert difference(together.images[index], alone.images[0]) <= 1
        assert torch.equal(together.layouts[index], alone.layouts[0])
        same = difference(together.images[index], other.images[index]) <= 1
        assert same == (index != 1)


def test_guidance_means_nothing(palette):
    with pytest.raises(ValueError, match="has no sampling parameter: expected guidance 1, got 2"):
        palette.sample(CAPTIONS, guidance=2.0, seeds=[1, 2, 3])


def test_a_seed_per_caption(palette):
    with pytest.raises(ValueError, match="got 3 captions and 2 seeds"):
        palette.sample(CAPTIONS, guidance=1.0, seeds=[1, 2])


def test_the_digest_covers_both_networks_and_the_palettes(palette, folder, tmp_path):
    assert load(folder).digest == palette.digest and len(palette.digest) == 12
    images = load(write_whole(tmp_path / "a", seed=1))
    layouts = load(write_whole(tmp_path / "b", layout_seed=1))
    mixture = write_whole(tmp_path / "c") / "layouts" / "palettes.json"
    write_json(mixture, read_json(mixture) | {"weights": [0.5, 0.5]})
    digests = {p.digest for p in (palette, images, layouts, load(tmp_path / "c"))}
    assert len(digests) == 4


def test_an_exported_folder_makes_nearly_the_same_samples(palette, folder, tmp_path):
    """The palettes, whose covariances half precision would spoil, are the same to the last bit."""
    ship(folder, tmp_path / "pretrained")
    pretrained = load(tmp_path / "pretrained")
    assert pretrained.layouts.palettes.mixture == palette.layouts.palettes.mixture
    one, two = (p.sample(CAPTIONS, guidance=1.0, seeds=[1, 2, 3]) for p in (palette, pretrained))
    assert float((one.layouts != two.layouts).float().mean()) < 0.05
    assert float((one.images.int() - two.images.int()).abs().float().mean()) < 4
    assert pretrained.digest != palette.digest


def test_steps_do_not_matter(folder, palette):
    config = replace(SamplingConfig(), steps=3)
    other = SemanticPalette.load("semantic-palette", folder, config)
    assert other.settings == palette.settings and other.digest == palette.digest

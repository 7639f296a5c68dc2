"""DatasetDDPM as a `Generator`: what a sample depends on, and what its digest covers."""

import pytest
import torch

from baselines.dataset_ddpm.generator import DatasetDdpm
from baselines.dataset_ddpm.labelling import label_images
from gcdp_bench.core.images import to_uint8
from gcdp_bench.core.sampling_config import SamplingConfig
from gcdp_bench.core.types import Generator
from gcdp_bench.training.export import ship
from reference_model.sampler import sample
from reference_model.text import build_text_encoder

from .small import NAMES, SIZE, write_model

CAPTIONS = ["sky and road", "cars", ""]
FAST = SamplingConfig(steps=3)


def load(folder, sampling=FAST) -> DatasetDdpm:
    return DatasetDdpm.load("dataset-ddpm", folder, sampling)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("trained") / "it")


@pytest.fixture(scope="module")
def model(folder):
    return load(folder)


def test_what_it_says_of_itself(model):
    assert model.num_labelled_images == 4
    assert isinstance(model, Generator)
    assert model.name == "dataset-ddpm" and model.trained_on == "stripes"
    assert model.class_names == NAMES and model.image_size == SIZE
    assert model.makes_layouts and not model.reads_captions and model.parameter is None
    assert model.num_steps == 3 and model.settings == {"steps": 3}


def test_a_sample_by_hand(model):
    """The image of the diffusion model, and the layout that is read off it."""
    batch = model.sample(CAPTIONS, guidance=1.0, seeds=[5, 6, 7])
    stage = model.trained.stage
    text = build_text_encoder(stage.config.text).encode(CAPTIONS)
    images = to_uint8(sample(stage, text, guidance=1.0, seeds=[5, 6, 7], num_steps=3).image)
    assert torch.equal(batch.images, images) and batch.images.shape == (3, 3, *SIZE)
    assert torch.equal(batch.layouts, label_images(model.trained, images))
    assert batch.layouts.dtype == torch.uint8 and batch.layouts.shape == (3, *SIZE)
    assert len(batch.layouts.unique()) > 1
    assert batch.captions == tuple(CAPTIONS) and batch.ids == ("000000", "000001", "000002")


def test_a_sample_depends_on_its_seed_alone(model):
    together = model.sample(CAPTIONS, guidance=1.0, seeds=[1, 2, 3])
    for index in range(3):
        alone = model.sample(["another"], guidance=1.0, seeds=[index + 1])
        assert int((together.images[index].int() - alone.images[0].int()).abs().max()) <= 1
        differ = together.layouts[index] != alone.layouts[0]  # where members are nearly in balance
        assert float(differ.float().mean()) < 0.01
    assert not torch.equal(together.images[0], together.images[1])


def test_the_global_generator_is_left_alone(model):
    before = torch.get_rng_state()
    model.sample(CAPTIONS[:1], guidance=1.0, seeds=[1])
    assert torch.equal(before, torch.get_rng_state())


def test_the_digest_covers_both_networks(model, tmp_path):
    same = load(write_model(tmp_path / "a" / "it"))
    classifiers = load(write_model(tmp_path / "b" / "it", seed=1))
    diffusion = load(write_model(tmp_path / "c" / "it", ddpm_seed=1))
    assert same.digest == model.digest and len(model.digest) == 12
    assert len({model.digest, classifiers.digest, diffusion.digest}) == 3


def test_an_exported_folder_makes_nearly_the_same_samples(model, folder, tmp_path):
    ship(folder, tmp_path / "pretrained")
    one, two = (
        g.sample(CAPTIONS, guidance=1.0, seeds=[1, 2, 3])
        for g in (model, load(tmp_path / "pretrained"))
    )
    assert float((one.images.float() - two.images.float()).abs().mean()) < 2
    assert float((one.layouts == two.layouts).float().mean()) > 0.9


def test_refuses_what_it_cannot_sample(model, folder):
    with pytest.raises(ValueError, match="dataset-ddpm has no guidance: expected 1, got 2"):
        model.sample(CAPTIONS, guidance=2.0, seeds=[1, 2, 3])
    with pytest.raises(ValueError, match="got 3 captions and 1 seeds"):
        model.sample(CAPTIONS, guidance=1.0, seeds=[1])
    with pytest.raises(ValueError, match="at most 50, as dataset-ddpm was trained with, got 51"):
        load(folder, SamplingConfig(steps=51))
    with pytest.raises(ValueError, match="it has the ancestral sampler alone, got ddim"):
        load(folder, SamplingConfig(steps=3, sampler="ddim"))

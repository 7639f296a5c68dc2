"""GANformer as a `Generator`: what a sample depends on, and folders that cannot be read."""

from dataclasses import replace

import pytest
import torch

from baselines.gansformer.generator import Gansformer
from baselines.gansformer.generator_network import GansformerGenerator
from baselines.gansformer.model import write_gansformer
from gcdp_bench.core.config import to_dict, write_json
from gcdp_bench.core.sampling_config import SamplingConfig
from gcdp_bench.core.types import Generator
from gcdp_bench.training.export import ship
from tests.baselines.gansformer.small import CONFIG, NETWORK


def write(folder, seed=0):
    torch.manual_seed(seed)
    network = GansformerGenerator(NETWORK)
    network.mapping.w_average.normal_()
    folder.mkdir()
    write_gansformer(folder, network)
    record = {"kind": "gansformer", "gansformer": to_dict(CONFIG)}
    write_json(folder / "config.json", {"task": record})
    return folder


def load(folder):
    return Gansformer.load("gansformer", folder, SamplingConfig())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write(tmp_path_factory.mktemp("trained") / "gansformer")


def test_it_is_a_generator_that_reads_no_captions(folder):
    model = load(folder)
    assert isinstance(model, Generator)
    assert not model.makes_layouts and not model.reads_captions
    assert model.parameter.symbol == "ψ" and model.num_steps == 1
    assert model.image_size == (16, 32) and model.trained_on == "stripes"


def test_a_sample_depends_on_its_seed_and_psi_alone(folder):
    model = load(folder)
    batch = model.sample(["a", "b", "c"], guidance=0.7, seeds=[1, 2, 3])
    assert batch.images.shape == (3, 3, 16, 32) and batch.layouts is None
    alone = model.sample(["x"], guidance=0.7, seeds=[2])
    assert (alone.images.int() - batch.images[1:2].int()).abs().max() <= 1
    other = model.sample(["b"], guidance=0.2, seeds=[2])
    assert (alone.images.int() - other.images.int()).abs().max() > 1
    with pytest.raises(ValueError, match="truncation psi"):
        model.sample(["a"], guidance=1.5, seeds=[1])
    with pytest.raises(ValueError, match="one seed per caption"):
        model.sample(["a"], guidance=1.0, seeds=[1, 2])


def test_the_digest_follows_the_weights(folder, tmp_path):
    assert load(folder).digest == load(folder).digest
    assert load(folder).digest != load(write(tmp_path / "other", seed=1)).digest


def test_it_ships(folder, tmp_path):
    ship(folder, tmp_path / "pretrained")
    pretrained = load(tmp_path / "pretrained")
    first, second = (
        m.sample(["a"], guidance=1.0, seeds=[4]).images for m in (load(folder), pretrained)
    )
    assert (first.int() - second.int()).abs().float().mean() < 1


def test_folders_that_hold_something_else_are_named(folder, tmp_path):
    with pytest.raises(FileNotFoundError, match="no config.json; train one with `gcdp-bench train"):
        load(tmp_path)
    wrong = write(tmp_path / "wrong")
    write_json(wrong / "config.json", {"task": {"kind": "ldm"}})
    with pytest.raises(ValueError, match="configuration of a gansformer, got one of ldm"):
        load(wrong)
    bigger = replace(CONFIG, network=replace(NETWORK, num_latents=5))
    write_json(wrong / "config.json", {"task": {"gansformer": to_dict(bigger)}})
    with pytest.raises(ValueError, match="w_average|identity"):
        load(wrong)

"""Training of the autoencoder: its turns, what it measures and what it writes."""

import math
from dataclasses import replace
from typing import Any

import pytest
import torch

from baselines.ldm.autoencoder import AutoencoderConfig, load_autoencoder
from baselines.ldm.autoencoder_presets import AUTOENCODER_PRESETS
from baselines.ldm.autoencoder_task import AutoencoderTask
from gcdp_bench.core.config import from_dict
from gcdp_bench.core.images import to_float, to_uint8
from gcdp_bench.core.progress import Silent
from gcdp_bench.core.rng import generator
from gcdp_bench.train import Request, plan
from gcdp_bench.training.loop import TrainingConfig, train
from gcdp_bench.training.task import AdversarialTask, Exporting
from tests.baselines.ldm.test_autoencoder import CONFIG
from tests.reference_model.conftest import Stripes

TRAINING = TrainingConfig(
    steps=6, batch_size=4, learning_rate=5e-3, warmup_steps=0, betas=(0.5, 0.9), checkpoint_every=3
)


@pytest.fixture
def task():
    return AutoencoderTask(CONFIG, Stripes(), Stripes("val"))


@pytest.fixture
def network(task):
    torch.manual_seed(0)
    return task.build()


def stripes() -> torch.Tensor:
    return torch.stack([Stripes()[index].image for index in range(6)])


def run(task, folder, training=TRAINING, resume=False):
    return train(task, training, folder, resume=resume, progress=Silent(), part="it", dataset="toy")


def test_it_is_what_the_loop_takes(task):
    assert isinstance(task, AdversarialTask) and isinstance(task, Exporting)
    assert task.num_examples == 6
    assert from_dict(AutoencoderConfig, task.metadata()["autoencoder"]) == CONFIG


def test_a_batch_is_drawn_from_its_generator(task):
    one, two, other = (task.batch([0, 3, 5], generator(name)) for name in ("a", "a", "b"))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert not torch.equal(one["normal"], other["normal"])
    assert one["image"].dtype == torch.uint8
    assert one["normal"].shape == (3, 4, 8, 8)


def test_images_are_mirrored_and_the_data_are_not(task):
    """Each image comes as it is or mirrored, both in a fair number, and afterwards unchanged."""
    originals = stripes()[[1, 3, 5]]  # with cars on one side
    num_mirrored = 0
    for seed in range(40):
        for found, original in zip(
            task.batch([1, 3, 5], generator("flip", seed))["image"], originals, strict=True
        ):
            mirrored = torch.equal(found, original.flip(-1))
            assert mirrored or torch.equal(found, original)
            num_mirrored += mirrored
    assert abs(num_mirrored - 60) < 4 * math.sqrt(120 / 4)


def test_the_discriminator_rests_until_its_step(task, network):
    batch = task.batch(range(4), generator("batch"))
    before = {phase: set(task.phase_losses(network, batch, phase, 2)) for phase in task.phases}
    after = {phase: set(task.phase_losses(network, batch, phase, 3)) for phase in task.phases}
    assert before == {"autoencoder": {"l1", "kl"}, "discriminator": set()}
    assert after == {
        "autoencoder": {"l1", "kl", "features", "adversarial"},
        "discriminator": {"hinge"},
    }
    assert task.loss_weights.keys() == after["autoencoder"] | after["discriminator"]


def test_terms_are_those_of_the_parts(task, network):
    """Against the library's own sample of the posterior and its KL."""
    batch = task.batch(range(4), generator("batch"))
    images = to_float(batch["image"])
    terms = task.phase_losses(network, batch, "autoencoder", 3)
    hinge = task.phase_losses(network, batch, "discriminator", 3)["hinge"]
    posterior = network.autoencoder.encode(images).latent_dist
    deviation = torch.exp(posterior.logvar).sqrt()
    fake = network.autoencoder.decode(posterior.mean + deviation * batch["normal"]).sample
    real_logits, fake_logits = (network.discriminator(x)[0] for x in (images, fake))
    torch.testing.assert_close(terms["l1"], (fake - images).abs().sum() / (4 * 3 * 16 * 16))
    torch.testing.assert_close(terms["kl"], posterior.kl().mean() / (3 * 16 * 16))
    torch.testing.assert_close(terms["adversarial"], -fake_logits.mean())
    margins = (1 - real_logits).clamp(min=0).mean() + (1 + fake_logits).clamp(min=0).mean()
    torch.testing.assert_close(hinge, margins / 2)


def test_the_discriminators_turn_does_not_reach_the_autoencoder(task, network):
    batch = task.batch(range(4), generator("batch"))
    task.phase_losses(network, batch, "discriminator", 3)["hinge"].backward()
    assert all(p.grad is None for p in network.autoencoder.parameters())
    assert all(p.grad is not None for p in network.discriminator.parameters())


def test_the_autoencoders_turn_deceives(task, network):
    """A step down the adversarial term alone raises the logits of the reconstructions."""
    batch = task.batch(range(4), generator("batch"))
    images = to_float(batch["image"])

    def fake_logit() -> float:
        with torch.no_grad():
            reconstruction, _, _ = network(images, batch["normal"])
            return float(network.discriminator(reconstruction)[0].mean())

    before = fake_logit()
    task.phase_losses(network, batch, "autoencoder", 3)["adversarial"].backward()
    torch.optim.SGD(network.autoencoder.parameters(), lr=0.1).step()
    assert fake_logit() > before


@pytest.mark.slow
def test_it_learns_to_reconstruct(tmp_path):
    """Six images, the discriminator with them at the end: an untrained network errs by about the
    images' own deviation."""
    config = replace(CONFIG, loss=replace(CONFIG.loss, adversarial_from=30))
    task = AutoencoderTask(config, Stripes(), Stripes("val"))
    run(task, tmp_path, replace(TRAINING, steps=40, ema_max_decay=0.9, checkpoint_every=40))
    images = to_float(stripes())
    with torch.no_grad():
        found = load_autoencoder(tmp_path)(images).sample
    error = (found - images).abs().mean()
    assert float(error) < 0.3 * float((images - images.mean()).abs().mean())


def test_scaled_latents_have_unit_variance(task, network, tmp_path):
    """Read with diffusers alone and sampled by it, 1000 times.

    The standard error of the deviation of N normal values is sqrt(1 / 2N); the images are the same
    in every draw, so only the noise within the posterior varies.
    """
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

    task.export(network, tmp_path)
    autoencoder: Any = AutoencoderKL.from_pretrained(tmp_path, subfolder="vae")
    with torch.no_grad():
        posterior = autoencoder.encode(to_float(stripes())).latent_dist
    source = generator("posterior")
    latents = torch.stack([posterior.sample(source) for _ in range(1000)])
    scaled = latents.double() * autoencoder.config["scaling_factor"]
    tolerance = 5 * math.sqrt(1 / (2 * scaled.numel()))
    assert float(scaled.std(correction=0)) == pytest.approx(1.0, abs=tolerance)
    assert autoencoder.config["scaling_factor"] != 0.18215


def test_export_takes_the_place_of_an_older_one(task, network, tmp_path):
    task.export(network, tmp_path)
    older = load_autoencoder(tmp_path)
    with torch.no_grad():
        network.autoencoder.quant_conv.weight.mul_(2)
    task.export(network, tmp_path)
    newer = load_autoencoder(tmp_path)
    assert newer.config["scaling_factor"] < older.config["scaling_factor"]
    assert torch.equal(
        newer.state_dict()["quant_conv.weight"], 2 * older.state_dict()["quant_conv.weight"]
    )
    assert [path.name for path in tmp_path.iterdir()] == ["vae"]


def test_validation_against_the_library(task, network):
    from torchmetrics.functional.image import peak_signal_noise_ratio

    values = task.validation(network)
    images = to_float(stripes())
    with torch.no_grad():
        posterior = network.autoencoder.encode(images).latent_dist
        found = network.autoencoder(images).sample
    psnr = peak_signal_noise_ratio(found, images, data_range=2.0, dim=(1, 2, 3))
    assert values["psnr"] == pytest.approx(float(psnr), rel=1e-4)
    assert values["l1"] == pytest.approx(float((found - images).abs().mean()), rel=1e-5)
    assert values["kl_per_latent"] == pytest.approx(
        float(posterior.kl().mean()) / (4 * 8 * 8), rel=1e-5
    )
    assert task.validation(network) == values


def test_preview_shows_originals_above_reconstructions(task, network):
    image_grid = task.preview(network)
    with torch.no_grad():
        found = to_uint8(network.autoencoder(to_float(stripes())).sample)
    assert image_grid.shape == (3, 2 * 16 + 2, 6 * 16 + 5 * 2)
    for index, original in enumerate(stripes()):
        left = index * 18
        assert torch.equal(image_grid[:, :16, left : left + 16], original)
        assert torch.equal(image_grid[:, 18:, left : left + 16], found[index])


def test_images_of_another_size_are_resized():
    task = AutoencoderTask(CONFIG, Stripes(image_size=(32, 32)), Stripes("val"))
    assert task.batch([0], generator("batch"))["image"].shape == (1, 3, 16, 16)


@pytest.mark.parametrize(("dataset", "size"), [("synth-city-25", 64), ("synth-face-25", 128)])
def test_the_command_finds_it(dataset, size):
    found = plan(Request(model="autoencoder", dataset=dataset, assignments=("steps=7",)))
    assert isinstance(found.task, AutoencoderTask)
    assert found.task.config.image_size == (size, 128)
    assert found.task.config.dataset == dataset
    assert found.training == replace(AUTOENCODER_PRESETS["tiny"].training, steps=7)

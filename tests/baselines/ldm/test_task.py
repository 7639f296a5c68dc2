"""The loss against its definition, and a training run from start to samples."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from baselines.ldm.config import NoiseConfig
from baselines.ldm.generator import LatentDiffusion
from baselines.ldm.task import LdmTask
from gcdp_bench.core.progress import Silent
from gcdp_bench.core.rng import generator
from gcdp_bench.core.sampling_config import SamplingConfig
from gcdp_bench.training.loop import TrainingConfig, train
from gcdp_bench.training.task import Exporting

from .tiny import CAPTIONS, SIZE, autoencoder, ldm_config, stripes


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Folder of an autoencoder."""
    folder = tmp_path_factory.mktemp("autoencoder")
    autoencoder().save_pretrained(folder)
    return folder


def ldm_task(weights, **changes) -> LdmTask:
    config = ldm_config(autoencoder=str(weights), **changes)
    return LdmTask(config, stripes(), stripes("val"), weights)


class Recorder(nn.Module):
    """Predicts half of its input, and remembers what it was given."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(0.5))

    def forward(self, z_t, timestep, encoder_hidden_states):
        self.given = z_t, timestep, encoder_hidden_states
        return SimpleNamespace(sample=self.weight * z_t)


def test_loss_is_the_mean_squared_error_of_the_noise(weights):
    task, network = ldm_task(weights), Recorder()
    batch = task.batch([0, 1, 2, 3], generator("batch"))
    beta = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    level = (1 - beta).cumprod(0)[batch["timestep"]][:, None, None, None].float()
    z_t = level.sqrt() * batch["latents"] + (1 - level).sqrt() * batch["noise"]
    terms = task.losses(network, batch)
    expected = ((0.5 * z_t - batch["noise"]) ** 2).mean()
    assert terms.keys() == task.loss_weights.keys() == {"noise"}
    torch.testing.assert_close(terms["noise"], expected, rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(network.given[0], z_t, rtol=1e-3, atol=1e-4)
    assert network.given[1] is batch["timestep"] and network.given[2] is batch["tokens"]


def test_a_batch_follows_its_generator(weights):
    task = ldm_task(weights)
    first, same, other = (task.batch([0, 1], generator(name)) for name in ("a", "a", "b"))
    for name in ("latents", "noise", "timestep"):
        assert torch.equal(first[name], same[name])
        assert not torch.equal(first[name], other[name])


def test_draws_of_a_batch(weights):
    batch = ldm_task(weights).batch(list(range(6)) * 100, generator("draws"))
    timestep, noise = batch["timestep"], batch["noise"]
    assert timestep.min() < 20 and timestep.max() > 979 and timestep.dtype == torch.long
    assert abs(float(timestep.float().mean()) - 499.5) < 40  # 3 standard errors: 35
    assert abs(float(noise.mean())) < 0.02 and abs(float(noise.std()) - 1) < 0.02
    assert noise.shape == batch["latents"].shape == (600, 4, 8, 16)


def test_timesteps_are_those_of_the_schedule(weights):
    task = ldm_task(weights, noise=NoiseConfig(num_steps=10))
    timestep = task.batch([0] * 200, generator("short"))["timestep"]
    assert timestep.unique().tolist() == list(range(10))


@pytest.mark.parametrize(("text_drop", "share"), [(0.0, 0.0), (0.1, 0.1), (1.0, 1.0)])
def test_dropped_captions_are_zero(weights, text_drop, share):
    task = ldm_task(weights, text_drop=text_drop)
    tokens = task.batch([1] * 400, generator("drop"))["tokens"]
    dropped = (tokens == 0).flatten(1).all(1)
    assert float(dropped.float().mean()) == pytest.approx(share, abs=0.05)


def test_horizontal_flip(weights):
    """With and without: the draws are the same, so only mirrored examples differ."""
    on, off = (ldm_task(weights, horizontal_flip=flip) for flip in (True, False))
    one, two = (task.batch([1] * 100, generator("flip"))["latents"] for task in (on, off))
    differs = ((one - two).abs() > 1e-3).flatten(1).any(1).float().mean()
    assert 0.3 < float(differs) < 0.7


def test_validation_repeats_and_preview_shows_every_caption(weights):
    task = ldm_task(weights)
    torch.manual_seed(0)
    network = task.build().eval()
    first = task.validation(network)
    assert first == task.validation(network) and first.keys() == {"noise"}
    image_grid = task.preview(network)
    assert image_grid is not None and image_grid.dtype == torch.uint8
    assert image_grid.shape == (3, 16, 6 * 32 + 5 * 2)


@pytest.mark.slow
def test_training_ends_in_a_model_that_samples(weights, tmp_path):
    task = ldm_task(weights)
    assert isinstance(task, Exporting)
    torch.manual_seed(0)
    before = task.validation(task.build().eval())["noise"]
    config = TrainingConfig(
        steps=25, batch_size=6, learning_rate=1e-2, warmup_steps=5, ema_max_decay=0.5
    )
    train(task, config, tmp_path, resume=False, progress=Silent(), part="it", dataset="toy")
    assert not (tmp_path / "model.safetensors").exists()
    model = LatentDiffusion.load("ldm", tmp_path, SamplingConfig(steps=3))
    assert task.validation(model.unet)["noise"] < 0.8 * before
    assert model.config == task.config
    assert model.sample(CAPTIONS, guidance=2.0, seeds=[1, 2, 3]).images.shape == (3, 3, *SIZE)


def test_a_run_goes_on_only_with_its_autoencoder(weights, tmp_path):
    config = TrainingConfig(steps=1, batch_size=2, checkpoint_every=1)
    folder = tmp_path / "autoencoder"
    changed = autoencoder()
    changed.save_pretrained(folder)
    train(
        ldm_task(folder),
        config,
        tmp_path / "run",
        resume=False,
        progress=Silent(),
        part="it",
        dataset="toy",
    )
    changed.decoder.conv_out.bias.data += 1
    changed.save_pretrained(folder)
    with pytest.raises(ValueError, match="another configuration; differing: task.autoencoder"):
        train(
            ldm_task(folder),
            config,
            tmp_path / "run",
            resume=True,
            progress=Silent(),
            part="it",
            dataset="toy",
        )


def test_no_autoencoder(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere: expected config.json of an Autoenc"):
        ldm_task(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"channels": 3}, "expected 4 latent channels, got 3"),
        ({"levels": 3}, "expected 2 pixels per latent, got 4"),
    ],
)
def test_an_autoencoder_of_another_shape(tmp_path, changes, message):
    autoencoder(**changes).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=message):
        ldm_task(tmp_path)

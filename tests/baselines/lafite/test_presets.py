"""The table of sizes, as the command resolves it."""

from dataclasses import replace

import pytest
import torch

from baselines.lafite.discriminator import LafiteDiscriminator
from baselines.lafite.generator_network import LafiteGenerator
from baselines.lafite.presets import LAFITE_PRESETS
from baselines.lafite.task import LafiteTask
from baselines.stylegan2 import EMA_MAX_DECAY
from gcdp_bench.train import Request, plan
from tests.baselines.lafite.taught import WideStripes, write_clip


class Square(WideStripes):
    def __init__(self, size):
        super().__init__()
        self.image_size = size


def test_the_average_forgets_half_in_ten_thousand_images_at_a_batch_of_32():
    assert EMA_MAX_DECAY == pytest.approx(0.5 ** (32 / 10_000), abs=5e-5)


@pytest.mark.parametrize(
    ("dataset", "size"), [("synth-city-25", (64, 128)), ("synth-face-25", (128, 128))]
)
def test_the_command_finds_the_tiny_one(dataset, size, tmp_path):
    clip = write_clip(tmp_path, embed_dim=64)
    assignments = ("steps=7", f"lafite.clip={clip}", "lafite.mixing_prob=1")
    found = plan(Request(model="lafite", dataset=dataset, assignments=assignments))
    assert isinstance(found.task, LafiteTask)
    assert found.task.config.image_size == size
    assert found.task.config.dataset == dataset
    assert found.task.config.mixing_prob == 1.0
    assert found.training == replace(LAFITE_PRESETS["tiny"].training, steps=7)


def test_a_missing_teacher_is_said_with_its_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    request = Request(model="lafite", dataset="synth-city-50")
    with pytest.raises(FileNotFoundError, match="train lafite-clip --dataset synth-city-50"):
        plan(request)


@pytest.mark.parametrize("size", [(64, 128), (128, 128)])
def test_the_tiny_networks_are_small(size):
    """About the size of the other models, both networks together."""
    config = LAFITE_PRESETS["tiny"].resolve(Square(size)).config.network
    with torch.device("meta"):
        networks = LafiteGenerator(config), LafiteDiscriminator(config)
    num = sum(p.numel() for network in networks for p in network.parameters())
    assert 2.5e6 < num < 4.5e6


def test_the_paper_sizes():
    """drboog/Lafite at 256 x 256: 25 million images."""
    run = LAFITE_PRESETS["paper-celeba"].resolve(Square((256, 256)))
    training = run.training
    assert training.steps * training.batch_size * training.accumulation == 25_000_000
    with torch.device("meta"):
        network = LafiteGenerator(run.config.network)
    assert sum(p.numel() for p in network.parameters()) == 44_997_026
    wide = LAFITE_PRESETS["paper-cityscapes"].resolve(Square((256, 512)))
    assert wide.config.network.start_size == (4, 8)

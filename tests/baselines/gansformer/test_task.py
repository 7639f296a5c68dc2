"""Training of GANformer: its turns, its lazy penalty, what it measures and how it resumes."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from baselines.gansformer.draws import drawn_images
from baselines.gansformer.model import read_gansformer
from baselines.gansformer.presets import GANSFORMER_PRESETS
from baselines.gansformer.task import GansformerTask
from gcdp_bench.core.rng import generator
from gcdp_bench.training.task import AdversarialTask, Exporting
from tests.baselines.gansformer.small import CONFIG, WideStripes


def make(**changes):
    return GansformerTask(replace(CONFIG, **changes), WideStripes(), WideStripes("val"))


def test_turns_have_the_logistic_terms_and_a_lazy_penalty():
    task = make(augment="none")
    assert isinstance(task, AdversarialTask) and isinstance(task, Exporting)
    torch.manual_seed(0)
    network = task.build()
    batch = task.batch(range(4), generator("batch"))
    first = task.phase_losses(network, batch, "discriminator", 0)
    second = task.phase_losses(network, batch, "discriminator", 1)
    assert set(first) == {"d_logistic", "r1"} and set(second) == {"d_logistic"}
    own = {k.removeprefix("generator."): v for k, v in batch.items() if k.startswith("generator.")}
    logits = network.discriminator(drawn_images(network.generator, own))
    (loss,) = task.phase_losses(network, batch, "generator", 0).values()
    torch.testing.assert_close(loss, F.softplus(-logits).mean())
    assert task.loss_weights["r1"] == CONFIG.r1_gamma / 2 * CONFIG.r1_every


def test_images_are_mirrored_by_the_draw():
    flipped = make().batch(range(8), generator("batch"))["image"]
    straight = make(horizontal_flip=False).batch(range(8), generator("batch"))["image"]
    same = [bool((a == b).all()) for a, b in zip(flipped, straight, strict=True)]
    assert 0 < sum(same) < 8
    assert all(
        bool((a.flip(-1) == b).all())
        for a, b, keep in zip(flipped, straight, same, strict=True)
        if not keep
    )


def test_a_run_is_a_trained_gansformer(trained):
    config, network = read_gansformer(trained("gansformer"))
    assert config == CONFIG and not network.training


def test_validation_and_preview():
    task = make()
    torch.manual_seed(0)
    network = task.build().eval()
    values = task.validation(network)
    assert set(values) == {"logit_real", "logit_fake", "spread_real", "spread_fake"}
    assert values == task.validation(network)
    assert task.preview(network).dtype == torch.uint8


@pytest.mark.parametrize(("name", "width"), [("tiny", 128), ("paper-cityscapes", 512)])
def test_presets_follow_the_dataset(name, width):
    dataset = WideStripes()
    dataset.image_size = (width // 2, width)
    found = GANSFORMER_PRESETS[name].resolve(dataset)
    assert found.config.image_size == (width // 2, width)
    assert found.config.class_names == dataset.class_names


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"style_mixing": 2.0}, "style_mixing: expected 0 to 1, got 2"),
        ({"r1_gamma": -1.0}, "r1_gamma: expected 0 or more, got -1"),
        ({"r1_every": 0}, "r1_every: expected at least 1, got 0"),
        ({"augment": "all"}, "augment: expected none, diffaugment or ada, got 'all'"),
    ],
)
def test_settings_that_do_not_fit_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        replace(CONFIG, **change)

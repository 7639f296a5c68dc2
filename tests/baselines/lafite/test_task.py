"""Training of Lafite: its turns, its lazy terms, what it measures and what it writes."""

import math
from dataclasses import replace
from functools import partial

import pytest
import torch
from torch.nn import functional as F

from baselines.lafite.model import LafiteConfig, read_lafite
from baselines.lafite.task import LafiteTask
from gcdp_bench.core.config import from_dict
from gcdp_bench.core.images import to_float, to_uint8
from gcdp_bench.core.progress import Silent
from gcdp_bench.core.rng import generator
from gcdp_bench.training import checkpoint
from gcdp_bench.training.loop import TrainingConfig, train
from gcdp_bench.training.task import AdversarialTask, Exporting
from tests.baselines.lafite.taught import (
    LAFITE,
    LOSS,
    REMEMBERING,
    WideStripes,
    images,
    teacher,
    write_clip,
)

TRAINING = TrainingConfig(
    steps=6,
    batch_size=4,
    learning_rate=2e-3,
    warmup_steps=0,
    betas=(0.0, 0.99),
    max_grad_norm=None,
    checkpoint_every=3,
)
DISCRIMINATOR, GENERATOR = {"d_logistic", "d_text"}, {"g_logistic", "g_text", "clip"}


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("clip"))


@pytest.fixture
def make(clip):
    """A task, with changes to its configuration."""

    def made(**changes):
        config = replace(LAFITE, **changes)
        return LafiteTask(config, WideStripes(), WideStripes("val"), clip)

    return made


def build(task):
    torch.manual_seed(0)
    network = task.build()
    for name, parameter in network.named_parameters():
        if name.endswith("noise_strength"):
            torch.nn.init.constant_(parameter, 0.3)
    return network


def run(task, folder, training=TRAINING, resume=False):
    return train(task, training, folder, resume=resume, progress=Silent(), part="it", dataset="toy")


def fakes(network, batch, phase):
    """Images of a turn, layer by layer."""
    own = {name.removeprefix(f"{phase}."): v for name, v in batch.items() if name.startswith(phase)}
    noise = [own[f"noise.{index}"] for index in range(4)]
    return network.generator(own["z"], own["text"], noise, mix=(own["other"], own["first"])), own[
        "text"
    ]


def test_it_is_what_the_loop_takes(make):
    task = make()
    assert isinstance(task, AdversarialTask) and isinstance(task, Exporting)
    assert task.num_examples == 6 and tuple(task.phases) == ("discriminator", "generator")
    assert from_dict(LafiteConfig, task.metadata()["lafite"]) == task.config
    assert task.metadata()["clip"] == task.teacher.digest
    assert {name for name, _ in build(task).named_children()} == set(task.phases)


def test_a_batch_is_drawn_from_its_generator(make):
    task = make()
    one, two, other = (task.batch([0, 3, 5], generator(name)) for name in ("a", "a", "b"))
    assert all(torch.equal(one[name], two[name]) for name in one)
    drawn = one.keys() - {"image", "discriminator.first", "generator.first"}
    assert not any(torch.equal(one[name], other[name]) for name in drawn)
    assert all(len(value) == 3 for value in one.values())
    assert one["image"].dtype == torch.uint8
    assert not torch.equal(one["discriminator.z"], one["generator.z"])


def test_images_are_mirrored_only_where_allowed(make):
    originals = images()[[1, 3, 5]]  # with cars on one side
    for allowed in (True, False):
        task = make(horizontal_flip=allowed)
        num_mirrored = 0
        for seed in range(40):
            for found, original in zip(
                task.batch([1, 3, 5], generator("flip", seed))["image"], originals, strict=True
            ):
                mirrored = torch.equal(found, original.flip(-1))
                assert mirrored or torch.equal(found, original)
                num_mirrored += mirrored
        assert abs(num_mirrored - 60 * allowed) < 4 * math.sqrt(120 / 4) * allowed + 1


def test_text_of_pairs_stays_near_the_captions(make):
    """Perturbed by a ninth of its length, a feature turns by at most arcsin(1 / 9)."""
    task = make()
    batch = task.batch(range(6), generator("text"))
    captions = task.teacher.text([WideStripes()[index].caption for index in range(6)])
    one, two = (batch[f"{phase}.text"] for phase in task.phases)
    for text in (one, two):
        torch.testing.assert_close(text.norm(dim=1), torch.ones(6))
        assert float((text * captions).sum(1).min()) >= math.sqrt(1 - 1 / 81) - 1e-6
    assert not torch.equal(one, two)


def test_the_share_that_is_language_free(make, monkeypatch):
    """0: pairs; 1: no caption is read; between them, each image by itself, mirrored with it."""
    for mixing_prob in (0.0, 0.3, 1.0):
        task = make(mixing_prob=mixing_prob)
        seen = []
        monkeypatch.setattr(task._train, "conditions", partial(recorded, seen))
        for step in range(50):
            batch = task.batch(range(6), generator("free", step))
            for flip, _ in seen[-2:]:
                for index in range(6):
                    original = WideStripes()[index].image
                    mirrored = original.flip(-1) if flip[index] else original
                    assert torch.equal(batch["image"][index], mirrored)
        free = torch.cat([free for _, free in seen]).float()
        assert len(free) == 600
        spread = math.sqrt(mixing_prob * (1 - mixing_prob) / 600)
        assert abs(float(free.mean()) - mixing_prob) <= 4 * spread


def recorded(seen, indices, flip, free, noise):
    seen.append((flip, free))
    return torch.zeros_like(noise)


def test_lazy_terms_come_every_so_many_steps(make):
    task = make()
    network, batch = build(task), make().batch(range(4), generator("batch"))
    for step in range(7):
        terms = {
            phase: set(task.phase_losses(network, batch, phase, step)) for phase in task.phases
        }
        assert terms["discriminator"] == DISCRIMINATOR | ({"r1"} if step % 2 == 0 else set())
        assert terms["generator"] == GENERATOR | ({"path"} if step % 3 == 0 else set())
    assert task.loss_weights == {
        "d_logistic": 1.0,
        "d_text": 5.0,
        "r1": 2.0 / 2 * 2,
        "g_logistic": 1.0,
        "g_text": 5.0,
        "clip": 3.0,
        "path": 2.0 * 3,
    }


def test_penalties_without_weight_are_not_computed(make):
    task = make(loss=replace(LOSS, r1_gamma=0.0, path_weight=0.0))
    batch = task.batch(range(4), generator("batch"))
    network = build(task)
    terms = [set(task.phase_losses(network, batch, phase, 0)) for phase in task.phases]
    assert terms == [DISCRIMINATOR, GENERATOR]
    assert not any(name.endswith("path") for name in batch)


@pytest.mark.parametrize(("tau", "sharpened"), [(0.5, False), (0.3, True)])
def test_terms_against_loops(make, tau, sharpened):
    """Logistic terms, contrastive terms and R1 from their formulas."""
    task = make(augment="none", loss=replace(LOSS, tau=tau, sharpened=sharpened))
    network, batch = build(task), task.batch(range(4), generator("batch"))
    found = task.phase_losses(network, batch, "discriminator", 0)
    found |= task.phase_losses(network, batch, "generator", 1)

    real = to_float(batch["image"]).requires_grad_()
    fake, text = fakes(network, batch, "discriminator")
    real_logits, real_features = network.discriminator(real, text)
    fake_logits, _ = network.discriminator(fake, text)
    expected = -(1 - torch.sigmoid(fake_logits)).log() - torch.sigmoid(real_logits).log()
    torch.testing.assert_close(found["d_logistic"], expected.mean())
    (gradient,) = torch.autograd.grad(real_logits.sum(), real)
    torch.testing.assert_close(found["r1"], gradient.square().sum() / 4)

    fake, generator_text = fakes(network, batch, "generator")
    logits, features = network.discriminator(fake, generator_text)
    torch.testing.assert_close(found["g_logistic"], -torch.sigmoid(logits).log().mean())
    for name, pictures, captions in (
        ("d_text", real_features, text),
        ("g_text", features, generator_text),
        ("clip", task.teacher.image(fake), generator_text),
    ):
        total = 0.0
        for j in range(4):
            cosines = [F.cosine_similarity(p, captions[j], dim=0) for p in pictures]
            weights = torch.stack([torch.exp(c / tau) for c in cosines])
            if sharpened:
                weights = weights.exp()
            share = weights[j] / weights.sum() * (tau if sharpened else 1)
            total = total - torch.log(share)
        torch.testing.assert_close(found[name], total / 4)


def test_the_path_penalty_against_single_images(make):
    """Half of the batch; |J^T y| of each image by itself."""
    task = make()
    network, batch = build(task), task.batch(range(4), generator("batch"))
    network.path_average.fill_(0.5)
    found = task.phase_losses(network, batch, "generator", 0)["path"]
    lengths = []
    for index in range(2):
        own = {name: value[index : index + 1] for name, value in batch.items()}
        z, text = own["generator.z"], own["generator.text"]
        ws = network.generator.ws(z, mix=(own["generator.other"], own["generator.first"]))
        noise = [own[f"generator.noise.{layer}"] for layer in range(4)]
        image = network.generator.synthesis(ws, text, noise)
        y = own["generator.path"] / math.sqrt(16 * 32)
        (gradient,) = torch.autograd.grad((image * y).sum(), ws)
        lengths.append(gradient.square().sum(2).mean().sqrt())
    average = 0.5 + 0.01 * (torch.stack(lengths).mean() - 0.5)
    expected = sum((length - average) ** 2 for length in lengths) / 2
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(network.path_average, average)


def test_a_turn_reaches_its_own_network(make):
    """As the loop calls it: the other network's parameters need no gradient."""
    task = make()
    network, batch = build(task), task.batch(range(4), generator("batch"))
    for phase in task.phases:
        for name, child in network.named_children():
            child.requires_grad_(name == phase)
        sum(task.phase_losses(network, batch, phase, 0).values()).backward()
        for name, child in network.named_children():
            reached = {p.grad is not None for p in child.parameters()}
            assert reached == {name == phase}
        network.zero_grad()


def test_both_turns_see_augmented_images(make):
    """The discriminator's turn for images and samples, each with draws of its own."""
    task = make()
    network, batch = build(task), task.batch(range(4), generator("batch"))
    for phase, name, terms in (
        ("discriminator", "discriminator.augment_real", {"d_logistic", "d_text"}),
        ("discriminator", "discriminator.augment", {"d_logistic"}),
        ("generator", "generator.augment", {"g_logistic", "g_text"}),
    ):
        changed = {**batch, name: 1 - batch[name]}
        one, two = (task.phase_losses(network, b, phase, 1) for b in (batch, changed))
        assert {key for key in one if not torch.equal(one[key], two[key])} == terms


@pytest.mark.parametrize("term", ["g_logistic", "clip"])
def test_the_generators_turn_goes_down(make, term):
    """A small step down one term alone."""
    task = make(augment="none")
    network, batch = build(task), task.batch(range(4), generator("batch"))
    before = task.phase_losses(network, batch, "generator", 1)[term]
    before.backward()
    with torch.no_grad():
        squared = sum(
            p.grad.square().sum() for p in network.generator.parameters() if p.grad is not None
        )
        for p in network.generator.parameters():
            if p.grad is not None:
                p -= 1e-3 / squared * p.grad
    after = task.phase_losses(network, batch, "generator", 1)[term]
    assert float((before - after).detach()) == pytest.approx(1e-3, rel=0.2)


def test_ada_follows_the_images_and_not_the_samples(make):
    """Four steps of 4 images whose logits are above 0 raise the chance by 16 / ramp."""
    task = make(augment="ada", ada_ramp_images=100)
    network = build(task)
    with torch.no_grad():
        network.discriminator.logit.bias.fill_(100.0)
    for step in range(8):
        batch = task.batch(range(4), generator(step))
        for phase in task.phases:
            task.phase_losses(network, batch, phase, step)
    assert float(network.adaptive.chance) == pytest.approx(0.32)


@pytest.mark.slow
def test_a_run_is_a_trained_lafite(trained):
    """The averaged generator, with the average of w that truncation needs."""
    run = trained("lafite")
    found = read_lafite(run)
    assert found.config == REMEMBERING
    assert found.teacher.digest == teacher(run.with_name("parts")).digest
    last = checkpoint.load_weights(checkpoint.checkpoints(run)[-1] / "averaged.safetensors")
    for name, tensor in found.network.state_dict().items():
        assert torch.equal(tensor, last[f"module.generator.{name}"])
    assert found.network.mapping.w_average.any()


def test_another_teacher_cannot_continue_a_run(make, tmp_path):
    run(make(), tmp_path / "run", replace(TRAINING, steps=1))
    task = make()
    write_clip(tmp_path / "clip", seed=1)
    other = LafiteTask(task.config, WideStripes(), WideStripes("val"), tmp_path / "clip")
    with pytest.raises(ValueError, match=r"another configuration; differing: .*task.clip"):
        run(other, tmp_path / "run", resume=True)


def test_validation_by_hand(make):
    """Six examples in groups of four: the first four."""
    task = make()
    network = build(task).eval()
    values = task.validation(network)
    captions = [WideStripes("val")[index].caption for index in range(4)]
    text, real = task.teacher.text(captions), to_float(images(4))
    with torch.no_grad():
        samples = torch.cat([sample(network, text[i : i + 1], i) for i in range(4)])
        expected = {
            "logit_real": network.discriminator(real, text)[0].mean(),
            "logit_fake": network.discriminator(samples, text)[0].mean(),
            "cosine_real": F.cosine_similarity(task.teacher.image(real), text).mean(),
            "cosine_fake": F.cosine_similarity(task.teacher.image(samples), text).mean(),
        }
        cosines = task.teacher.image(samples) @ text.T
    wins = [
        float(cosines[i, i] > cosines[i, j])
        for i in range(4)
        for j in range(4)
        if captions[i] != captions[j]
    ]
    assert values.keys() == expected.keys() | {"own_beats_other"}
    for name, value in expected.items():
        assert values[name] == pytest.approx(float(value), abs=1e-4)
    assert values["own_beats_other"] == pytest.approx(sum(wins) / len(wins))
    assert task.validation(network) == values


def sample(network, text, seed, psi=1.0):
    source = generator(seed, "lafite")
    z = torch.randn(1, 5, generator=source)
    shapes = network.generator.config.noise_sizes
    noise = [torch.randn(1, 1, *shape, generator=source) for shape in shapes]
    return network.generator(z, text, noise, psi=psi)


@torch.no_grad()
def test_preview_shows_samples_and_truncated_ones_below(make):
    task = make()
    network = build(task).eval()
    image_grid = task.preview(network)
    assert image_grid.shape == (3, 2 * 16 + 2, 6 * 32 + 5 * 2)
    for index in range(6):
        text = task.teacher.text([WideStripes("val")[index].caption])
        left = index * 34
        for psi, top in ((1.0, 0), (0.5, 18)):
            expected = to_uint8(sample(network, text, index, psi))[0].int()
            found = image_grid[:, top : top + 16, left : left + 32].int()
            assert int((found - expected).abs().max()) <= 1


@pytest.mark.slow
def test_it_learns_sky_over_road(make, tmp_path):
    """Forty steps on six images: the mean of samples comes nearer to the mean of the images."""
    task = make(loss=replace(LOSS, path_weight=0.0, image_text_weight=1.0, feature_text_weight=1.0))
    training = replace(TRAINING, steps=40, checkpoint_every=40, ema_max_decay=0.9)
    run(task, tmp_path, replace(training, learning_rate=1e-2))
    text = task.teacher.text([WideStripes()[index].caption for index in range(6)])
    wanted = to_float(images()).mean(0)
    torch.manual_seed(0)
    before, after = (
        (mean_sample(network, text) - wanted).abs().mean()
        for network in (task.build().generator.eval(), read_lafite(tmp_path).network)
    )
    assert float(after) < 0.75 * float(before)


@torch.no_grad()
def mean_sample(network, text):
    source = generator("samples")
    z = torch.randn(6, 5, generator=source)
    noise = [torch.randn(6, 1, *shape, generator=source) for shape in network.config.noise_sizes]
    return network(z, text, noise).mean(0)

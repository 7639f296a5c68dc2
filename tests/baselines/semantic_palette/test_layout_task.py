"""Training of the layout generator: its turns, its growing, what it measures and writes."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from baselines.semantic_palette.config import GrowthConfig, LayoutConfig
from baselines.semantic_palette.layout_losses import entropy, spread
from baselines.semantic_palette.layout_task import LayoutTask
from baselines.semantic_palette.layouts import one_hot
from baselines.semantic_palette.model import read_layouts
from gcdp_bench.core.config import from_dict
from gcdp_bench.core.images import mirror_layouts, resize_layouts
from gcdp_bench.core.rng import generator
from gcdp_bench.training import checkpoint
from gcdp_bench.training.task import AdversarialTask, Exporting
from tests.baselines.semantic_palette.small import (
    LAYOUTS,
    TRAINING,
    EyedStripes,
    build,
    run,
)


def make(**changes):
    return LayoutTask(replace(LAYOUTS, **changes), EyedStripes(), EyedStripes("val"))


def test_it_is_what_the_loop_takes():
    task = make()
    assert isinstance(task, AdversarialTask) and isinstance(task, Exporting)
    assert task.num_examples == 6 and tuple(task.phases) == ("critic", "generator")
    assert from_dict(LayoutConfig, task.metadata()["layouts"]) == task.config
    assert {name for name, _ in build(task).named_children()} == set(task.phases)
    weights = make(penalty_weight=3.0, entropy_weight=0.5, spread_weight=0.25).loss_weights
    assert weights == {"critic": 1, "penalty": 3, "adversarial": 1, "entropy": 0.5, "spread": 0.25}


def test_a_batch_is_drawn_from_its_generator():
    task = make()
    one, two, other = (task.batch([0, 3, 5], generator(name)) for name in ("a", "a", "b"))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert not any(torch.equal(one[name], other[name]) for name in one.keys() - {"layout"})
    assert all(len(value) == 3 for value in one.values())
    assert not torch.equal(one["critic.z"], one["generator.z"])
    torch.testing.assert_close(one["generator.palette"].sum(1), torch.ones(3))


def test_mirrored_layouts_change_sides_where_allowed():
    original = resize_layouts(EyedStripes()[3].layout[None], (4, 8))
    mirrored = mirror_layouts(original, EyedStripes.class_names)
    assert 2 in original and 3 in mirrored
    for allowed, kinds in ((True, 2), (False, 1)):
        task = make(horizontal_flip=allowed)
        seen = torch.cat([task.batch([3], generator(s))["layout"] for s in range(12)])
        assert len(seen.unique(dim=0)) == kinds
        for layout in seen[:, None]:
            assert torch.equal(layout, original) or (allowed and torch.equal(layout, mirrored))


def test_the_palettes_are_those_of_the_training_set():
    """Components come near to the shares of whole layouts, ignored pixels left out."""
    task = make()
    mean = (task.palettes.weights[:, None] * task.palettes.means).sum(0)
    shares = one_hot(torch.stack([EyedStripes()[i].layout for i in range(6)]), 4).mean((0, 2, 3))
    torch.testing.assert_close(mean.float(), shares * 128 / 127, atol=1e-5, rtol=0)


def test_terms_of_the_generator():
    task = make()
    network, batch = build(task), task.batch(range(4), generator("batch"))
    terms = task.phase_losses(network, batch, "generator", 1)  # half faded in
    drawing = network.generator(batch["generator.z"], batch["generator.palette"], 0.5)
    torch.testing.assert_close(terms["adversarial"], -network.critic(drawing.final, 0.5).mean())
    torch.testing.assert_close(terms["entropy"], sum(entropy(x) for x in drawing.layouts))
    torch.testing.assert_close(terms["spread"], sum(spread(x) for x in drawing.masks))
    assert len(drawing.masks) == 2 and float(network.generator.level) == 0.5


def test_terms_of_the_critic():
    task = make()
    network, batch = build(task), task.batch(range(4), generator("batch"))
    terms = task.phase_losses(network, batch, "critic", 5)
    fake = network.generator(batch["critic.z"], batch["critic.palette"], 1.0).final
    real = task.real_layouts(batch["layout"], 1.0)
    wanted = network.critic(fake, 1.0).mean() - network.critic(real, 1.0).mean()
    torch.testing.assert_close(terms["critic"], wanted)
    between = (fake + batch["epsilon"][:, None, None, None] * (real - fake)).detach()
    between.requires_grad_()
    (slopes,) = torch.autograd.grad(network.critic(between, 1.0).sum(), between)
    lengths = slopes.square().sum((1, 2, 3)).sqrt()
    torch.testing.assert_close(terms["penalty"].detach(), ((lengths - 1) ** 2).mean())


def test_real_layouts_fade_in_too():
    task = make(blur_sigma_px=0.0)
    layouts = task.batch(range(4), generator("batch"))["layout"]
    hard = one_hot(layouts, 4)
    assert torch.equal(task.real_layouts(layouts, 1.0), hard)
    part = task.real_layouts(layouts, 0.25)
    coarse = F.interpolate(F.avg_pool2d(hard, 2), scale_factor=2)
    torch.testing.assert_close(part, 0.75 * coarse + 0.25 * hard)
    assert task.real_layouts(layouts, 0.0).shape == (4, 4, 2, 4)


def test_a_turn_reaches_its_own_network():
    task = make(growth=GrowthConfig(fade_steps=0, stable_steps=0))
    network, batch = build(task), task.batch(range(4), generator("batch"))
    for phase in task.phases:
        for name, child in network.named_children():
            child.requires_grad_(name == phase)
        sum(task.phase_losses(network, batch, phase, 0).values()).backward()
        for name, child in network.named_children():
            reached = [p.grad is not None for p in child.parameters()]
            assert any(reached) == (name == phase)
        network.zero_grad()


def test_a_run_is_a_trained_layout_generator(trained):
    task, run = make(), trained("palette-layouts")
    found = read_layouts(run)
    assert found.config == task.config and found.palettes.mixture == task.palettes.mixture
    assert float(found.network.level) == 1.0
    last = checkpoint.load_weights(checkpoint.checkpoints(run)[-1] / "averaged.safetensors")
    for name, tensor in found.network.state_dict().items():
        assert torch.equal(tensor, last[f"module.generator.{name}"])


@torch.no_grad()
def test_validation_by_hand():
    task = make()
    network = build(task).eval()
    network.generator.level.fill_(1.0)
    values = task.validation(network)
    examples = [EyedStripes("val")[index].layout for index in range(6)]
    z = torch.stack([torch.randn(5, generator=generator(i, "asked")) for i in range(6)])
    palettes = torch.stack([one_hot(x[None], 4).sum((0, 2, 3)) / 127 for x in examples])
    final = network.generator(z, palettes, 1.0).final
    distances = []
    for index in range(6):
        shares = torch.bincount(final[index].argmax(0).flatten(), minlength=4) / 32
        distances.append(float((shares - palettes[index]).abs().sum() / 2))
    assert values["palette_distance"] == pytest.approx(sum(distances) / 6, abs=1e-6)
    assert values["confidence"] == pytest.approx(float(final.amax(1).mean()))
    real = task.real_layouts(resize_layouts(torch.stack(examples), (4, 8)), 1.0)
    assert values["value_real"] == pytest.approx(float(network.critic(real, 1.0).mean()))
    assert values["value_fake"] == pytest.approx(float(network.critic(final, 1.0).mean()))
    assert task.validation(network) == values


def test_preview_shows_real_layouts_above_drawn_ones():
    assert make().preview(build(make()).eval()).shape == (3, 2 * 4 + 2, 6 * 8 + 5 * 2)


def test_it_learns_sky_over_road(tmp_path):
    """The upper half of drawn layouts becomes sky, the lower one road, and pixels sure."""
    task = make(growth=GrowthConfig(fade_steps=10, stable_steps=10), horizontal_flip=False)
    training = replace(
        TRAINING, steps=40, checkpoint_every=40, learning_rate=2e-2, ema_max_decay=0.9
    )
    run(task, tmp_path, training)
    found = read_layouts(tmp_path)
    source = generator("samples")
    palettes = found.palettes.draw(16, source)
    soft = found.network.draw(torch.randn(16, 5, generator=source), palettes)
    assert float(soft[:, 1, 3].mean()) > float(soft[:, 1, 0].mean()) + 0.4
    assert float(soft[:, 0, 0].mean()) > float(soft[:, 0, 3].mean()) + 0.3

"""Training of the image generator: what it needs, its turns, what it measures and writes."""

from dataclasses import replace

import pytest
import torch

from baselines.semantic_palette.config import ImageConfig
from baselines.semantic_palette.image_losses import (
    discriminator_hinge,
    feature_matching,
    generator_hinge,
)
from baselines.semantic_palette.image_task import ImageTask
from baselines.semantic_palette.layouts import one_hot
from baselines.semantic_palette.model import read_palette
from gcdp_bench.core.config import from_dict
from gcdp_bench.core.images import mirror_layouts, to_float
from gcdp_bench.core.rng import generator
from gcdp_bench.profiling.training_cost import generator_costs, write_cost
from gcdp_bench.training.task import AdversarialTask, Exporting
from tests.baselines.semantic_palette.small import (
    IMAGES,
    TRAINING,
    EyedStripes,
    build,
    run,
    write_layout_folder,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_layout_folder(tmp_path_factory.mktemp("layouts"))


@pytest.fixture
def make(folder):
    def made(**changes):
        config = replace(IMAGES, **changes)
        return ImageTask(config, EyedStripes(), EyedStripes("val"), folder)

    return made


def test_it_is_what_the_loop_takes(make):
    task = make()
    assert isinstance(task, AdversarialTask) and isinstance(task, Exporting)
    assert task.num_examples == 6 and tuple(task.phases) == ("discriminator", "generator")
    assert from_dict(ImageConfig, task.metadata()["images"]) == task.config
    assert task.metadata()["layout_generator"] == task.layouts.digest
    assert {name for name, _ in build(task).named_children()} == set(task.phases)
    weights = make(features_weight=3.0).loss_weights
    assert weights == {"hinge": 1.0, "adversarial": 1.0, "features": 3.0}


def test_images_and_layouts_are_mirrored_together(make):
    original = EyedStripes()[3]
    for allowed in (True, False):
        task, flips = make(horizontal_flip=allowed), 0
        for seed in range(12):
            batch = task.batch([3], generator(seed))
            flipped = torch.equal(batch["image"][0], original.image.flip(-1))
            layout = original.layout[None]
            wanted = mirror_layouts(layout, EyedStripes.class_names) if flipped else layout
            assert torch.equal(batch["layout"], wanted)
            flips += flipped
        assert (0 < flips < 12) if allowed else flips == 0


def test_a_batch_is_drawn_from_its_generator(make):
    one, two = (make().batch([0, 3, 5], generator("a")) for _ in range(2))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert one["discriminator.z"].shape == (3, 5)
    assert not torch.equal(one["discriminator.z"], one["generator.z"])


def test_terms_by_hand(make):
    task = make()
    network, batch = build(task).eval(), make().batch(range(4), generator("batch"))
    hot = one_hot(batch["layout"], 4)
    real = network.discriminator(to_float(batch["image"]), hot)
    for phase in task.phases:
        drawn = network.generator(batch["layout"], batch[f"{phase}.z"])
        fake = network.discriminator(drawn, hot)
        terms = task.phase_losses(network, batch, phase, 0)
        if phase == "discriminator":
            wanted = {"hinge": discriminator_hinge(real, fake)}
        else:
            wanted = {
                "adversarial": generator_hinge(fake),
                "features": feature_matching(real, fake),
            }
        assert terms.keys() == wanted.keys()
        for name, value in wanted.items():
            torch.testing.assert_close(terms[name], value)


def test_a_turn_reaches_its_own_network(make):
    task = make()
    network, batch = build(task), task.batch(range(4), generator("batch"))
    for phase in task.phases:
        for name, child in network.named_children():
            child.requires_grad_(name == phase)
        sum(task.phase_losses(network, batch, phase, 0).values()).backward()
        for name, child in network.named_children():
            assert {p.grad is not None for p in child.parameters()} == {name == phase}
        network.zero_grad()


def test_a_run_is_a_whole_model(make, tmp_path, folder):
    """With what both trainings cost."""
    run(make(), tmp_path / "layouts-run", replace(TRAINING, steps=1))
    own = generator_costs(tmp_path / "layouts-run")
    assert len(own) == 1  # nobody recorded what the layout generator cost
    layouts = write_layout_folder(tmp_path / "with-cost")
    write_cost(layouts, replace(own[0], part="palette-layouts"))
    task = ImageTask(IMAGES, EyedStripes(), EyedStripes("val"), layouts)
    run(task, tmp_path / "run", replace(TRAINING, steps=1))
    found = read_palette(tmp_path / "run")
    assert found.config == task.config and found.layouts.digest == task.layouts.digest
    assert [cost.part for cost in generator_costs(tmp_path / "run")] == ["it", "palette-layouts"]


def test_other_layouts_cannot_continue_a_run(make, tmp_path):
    run(make(), tmp_path / "run", replace(TRAINING, steps=1))
    other = write_layout_folder(tmp_path / "other", seed=1)
    task = ImageTask(IMAGES, EyedStripes(), EyedStripes("val"), other)
    with pytest.raises(ValueError, match=r"differing: .*task.layout_generator"):
        run(task, tmp_path / "run", resume=True)


@torch.no_grad()
def test_validation_by_hand(make):
    task = make()
    network = build(task).eval()
    values = task.validation(network)
    examples = [EyedStripes("val")[index] for index in range(6)]
    layouts = torch.stack([example.layout for example in examples])
    images = to_float(torch.stack([example.image for example in examples]))
    sources = [generator(i, "semantic-palette", "image") for i in range(6)]
    drawn = network.generator(
        layouts, torch.stack([torch.randn(5, generator=source) for source in sources])
    )
    real, fake = (network.discriminator(x, one_hot(layouts, 4)) for x in (images, drawn))
    assert values["l1"] == pytest.approx(float((drawn - images).abs().mean()))
    for name, scored in (("logit_real", real), ("logit_fake", fake)):
        wanted = sum(float(logits.mean()) for logits, _ in scored) / 2
        assert values[name] == pytest.approx(wanted, abs=1e-6)
    assert values["features"] == pytest.approx(float(feature_matching(real, fake)))
    assert task.validation(network) == values


def test_preview_shows_layouts_above_images(make):
    assert make().preview(build(make()).eval()).shape == (3, 4 * 8 + 3 * 2, 6 * 16 + 5 * 2)


@pytest.mark.slow
def test_it_learns_the_colours_of_classes(make, tmp_path):
    """Fourteen steps on six images: nearer to the images of the layouts."""
    task = make()
    training = replace(
        TRAINING, steps=14, checkpoint_every=14, learning_rate=2e-2, ema_max_decay=0.9
    )
    before = task.validation(build(task).eval())["l1"]
    run(task, tmp_path, training)
    network = build(task).eval()
    network.generator.load_state_dict(read_palette(tmp_path).network.state_dict())
    assert task.validation(network)["l1"] < 0.7 * before

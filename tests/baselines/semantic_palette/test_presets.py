"""The tables of sizes, as the commands resolve them."""

from dataclasses import replace

import pytest
import torch
from torch.nn.utils import parametrizations

from baselines.semantic_palette.image_task import ImageNetworks, ImageTask
from baselines.semantic_palette.layout_task import LayoutNetworks, LayoutTask
from baselines.semantic_palette.model import TrainedLayouts, write_layouts_copy
from baselines.semantic_palette.palettes import Mixture, Palettes
from baselines.semantic_palette.presets import IMAGE_PRESETS, LAYOUT_PRESETS, layout_network
from gcdp_bench.train import Request, plan
from tests.baselines.semantic_palette.small import EyedStripes


class Sized(EyedStripes):
    def __init__(self, size, num_classes=20):
        super().__init__()
        self.image_size = size
        self.class_names = tuple(map(str, range(num_classes)))


def counts(network, config):
    """Numbers of weights, which have no values: none of their norms is estimated."""
    with pytest.MonkeyPatch.context() as patch, torch.device("meta"):
        patch.setattr(parametrizations._SpectralNorm, "_power_method", lambda *_: None)
        children = network(config).children()
    return [sum(p.numel() for p in child.parameters()) for child in children]


def test_the_tables_have_the_same_names_and_widths():
    names = {"tiny": 128, "paper-celeba": 256, "paper-cityscapes": 512}
    for presets in (LAYOUT_PRESETS, IMAGE_PRESETS):
        assert {name: preset.width for name, preset in presets.items()} == names


@pytest.mark.parametrize(
    ("size", "start", "layout"),
    [((64, 128), (4, 8), (32, 64)), ((128, 128), (4, 4), (64, 64)), ((96, 128), (6, 8), (48, 64))],
)
def test_the_tiny_networks_are_small(size, start, layout):
    """About the size of the other models, all four networks together."""
    dataset = Sized(size)
    run = LAYOUT_PRESETS["tiny"].resolve(dataset)
    assert run.config.network.start_size == start and run.config.size == layout
    images = IMAGE_PRESETS["tiny"].resolve(dataset)
    assert images.config.image_size == size and images.config.layouts is None
    assert run.config.dataset == images.config.dataset == "stripes"
    total = counts(LayoutNetworks, run.config) + counts(ImageNetworks, images.config)
    assert 1.5e6 < sum(total) < 3.5e6


def test_the_paper_sizes():
    """valeoai/SemanticPalette: 35 classes at 128 x 256; 28.5 and 23.0 million for layouts, 93.0
    and 5.6 million for images, whose generator starts from the layout there, from noise here.
    """
    dataset = Sized((128, 256), 35)
    layouts = LAYOUT_PRESETS["paper-cityscapes"].resolve(dataset).config
    assert layouts.size == (128, 256)
    assert counts(LayoutNetworks, layouts) == pytest.approx([28.5e6, 23.0e6], rel=0.01)
    images = IMAGE_PRESETS["paper-cityscapes"].resolve(dataset).config
    assert counts(ImageNetworks, images) == pytest.approx([93.0e6, 5.6e6], rel=0.1)


@pytest.mark.parametrize(("name", "size"), [("celeba", (256, 256)), ("cityscapes", (256, 512))])
def test_the_paper_sizes_reach_the_image(name, size):
    layouts = LAYOUT_PRESETS[f"paper-{name}"].resolve(Sized(size)).config
    assert layouts.size == size and len(layouts.network.channels) == 7
    steps, growth = LAYOUT_PRESETS[f"paper-{name}"].training.steps, layouts.growth
    assert growth.level_at(steps - 1, 6) == 6.0
    images = IMAGE_PRESETS[f"paper-{name}"].resolve(Sized(size)).config
    assert images.network.level_sizes[0] == (size[0] // 32, size[1] // 32)


def test_the_tiny_layouts_are_whole_for_the_last_quarter_of_their_training():
    run = LAYOUT_PRESETS["tiny"].resolve(Sized((64, 128)))
    steps = run.training.steps
    assert run.config.growth.level_at(0, 3) == 0.0
    assert run.config.growth.level_at(steps * 3 // 4, 3) == 3.0


def test_the_commands_find_the_tiny_ones(tmp_path):
    assignments = ("steps=7", "layouts.entropy_weight=2", "layouts.growth.fade_steps=5")
    found = plan(Request(model="palette-layouts", dataset="synth-city-25", assignments=assignments))
    assert isinstance(found.task, LayoutTask)
    assert found.training == replace(LAYOUT_PRESETS["tiny"].training, steps=7)
    assert found.task.config.entropy_weight == 2 and found.task.config.growth.fade_steps == 5
    layouts = TrainedLayouts(
        found.task.config,
        found.task.build().generator,
        Palettes(Mixture(weights=(1.0,), means=((0.05,) * 20,), covariances=(unit(20),))),
    )
    write_layouts_copy(tmp_path, layouts)
    images = plan(
        Request(
            model="semantic-palette",
            dataset="synth-city-25",
            assignments=(f"images.layouts={tmp_path}", "learning_rate=0.1"),
        )
    )
    assert isinstance(images.task, ImageTask)
    assert images.task.config.image_size == (64, 128)
    assert images.training == replace(IMAGE_PRESETS["tiny"].training, learning_rate=0.1)


def unit(num):
    return tuple(tuple(float(row == column) for column in range(num)) for row in range(num))


def test_sides_that_cannot_be_reduced_are_refused():
    with pytest.raises(ValueError, match=r"multiples of 2, got \(63, 128\); take another width"):
        LAYOUT_PRESETS["tiny"].resolve(Sized((63, 128)))
    network = layout_network((63, 128), reduction=1, channels=(1024, 64), z_dim=64)
    assert network.start_size == (63, 128)

"""Items from other processes: their order, and that a training has the same numbers with them."""

from dataclasses import replace

import pytest
import torch

from gcdp_bench.datasets.synth_city import SynthCity
from gcdp_bench.training.read_ahead import first_uses, items
from gcdp_bench.training.settings import TrainingConfig
from gcdp_bench.training.steps import step_indices
from tests.trainings import TRAININGS

CONFIG = TrainingConfig(steps=9, batch_size=3, accumulation=2)


@pytest.mark.parametrize("step", [0, 1, 7])
def test_every_example_comes_once_in_the_order_of_the_steps(step):
    order = first_uses(CONFIG, 10, step)
    assert sorted(order) == list(range(10))
    steps = [step_indices(step + k, 6, 10, CONFIG.seed) for k in range(5)]
    seen = list(dict.fromkeys(index for indices in steps for index in indices))
    assert order == seen[: len(order)]


@pytest.mark.parametrize("num_workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_items_are_those_of_the_dataset_in_order(num_workers):
    dataset, order = SynthCity("train", image_size=(32, 64)), [5, 0, 3]
    found = list(items(dataset, order, num_workers))
    assert [index for index, _ in found] == order
    for index, triplet in found:
        own = dataset[index]
        assert triplet.id == own.id and triplet.caption == own.caption
        assert torch.equal(triplet.image, own.image) and torch.equal(triplet.layout, own.layout)


def test_a_task_has_the_same_batches(tmp_path):
    training = TRAININGS["reference"]
    plain, ahead = training.task(tmp_path), training.task(tmp_path)
    config = replace(training.config, batch_size=4)
    ahead.read_ahead(first_uses(config, ahead.num_examples, 0), 1)
    for step in range(3):
        indices = step_indices(step, 4, plain.num_examples, 0)
        one, two = (
            task.batch(indices, torch.Generator().manual_seed(step)) for task in (plain, ahead)
        )
        assert one.keys() == two.keys()
        assert all(torch.equal(one[name], two[name]) for name in one)

"""Training of the classifiers: what they learn from, and what is left when it ends."""

import math
from dataclasses import replace

import pytest
import torch

from baselines.dataset_ddpm.labelling import label_images
from baselines.dataset_ddpm.model import read_ddpm
from baselines.dataset_ddpm.task import LabelTask
from gcdp_bench.core.config import read_json
from gcdp_bench.core.progress import Silent
from gcdp_bench.core.rng import generator
from gcdp_bench.profiling.training_cost import read_cost, write_cost
from gcdp_bench.training.checkpoint import load_weights
from gcdp_bench.training.loop import TrainingConfig, train
from gcdp_bench.training.task import AdversarialTask, Exporting

from .small import LABELS, ensemble, stage, stripes, stripes_images, write_stage

TRAINING = TrainingConfig(
    steps=6,
    batch_size=8,
    learning_rate=1e-2,
    warmup_steps=0,
    max_grad_norm=None,
    ema_max_decay=0.0,
    checkpoint_every=3,
    validate_every=6,
    preview_every=6,
)


@pytest.fixture(scope="module")
def ddpm(tmp_path_factory):
    return write_stage(tmp_path_factory.mktemp("trained") / "ddpm")


def make(ddpm, **changes) -> LabelTask:
    config = replace(LABELS, ddpm=str(ddpm), **changes)
    return LabelTask(config, stripes(), stripes("val"), ddpm)


@pytest.fixture(scope="module")
def task(ddpm):
    return make(ddpm)


def run(task, folder, training=TRAINING, *, resume=False):
    return train(task, training, folder, resume=resume, progress=Silent(), part="it", dataset="toy")


def test_it_is_what_the_loop_takes(task):
    assert task.num_examples == 4 and task.loss_weights == {"cross_entropy": 3.0}
    assert make(task._folder, num_images=None).num_examples == 6
    assert isinstance(task, Exporting) and not isinstance(task, AdversarialTask)


def test_a_batch_is_drawn_from_its_generator(task):
    one, two, other = (task.batch(range(5), generator(name)) for name in ("a", "a", "b"))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert not torch.equal(one["features"], other["features"])
    assert one["features"].shape == (5, 3, 72) and one["classes"].shape == (5, 3)
    assert not torch.equal(one["features"][:, 0], one["features"][:, 1])


def test_pixels_are_drawn_uniformly_from_the_labelled_ones(task):
    """Cars are rare; sky is as frequent as in the chosen layouts, by a four-sigma bound."""
    classes = task.batch(range(500), generator("many"))["classes"].flatten()
    layouts = torch.stack([stripes()[index].layout for index in task.chosen])
    share = float((layouts == 0).sum() / (layouts < 2).sum())
    assert set(classes.tolist()) == {0, 1}
    spread = math.sqrt(share * (1 - share) / len(classes))
    assert float((classes == 0).float().mean()) == pytest.approx(share, abs=4 * spread)
    assert set(
        make(task._folder, min_pixels=15)
        .batch(range(500), generator("many"))["classes"]
        .flatten()
        .tolist()
    ) == {0, 1, 2}


def test_a_feature_belongs_to_its_class(ddpm):
    """Trained on one block that sees colours, the vote is right nearly everywhere."""
    task = make(ddpm, blocks=("final",), num_images=None, min_pixels=0)
    torch.manual_seed(0)
    network = task.build()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    for step in range(150):
        terms = task.losses(network, task.batch(range(64), generator("step", step)))
        optimizer.zero_grad()
        terms["cross_entropy"].backward()
        optimizer.step()
    values = task.validation(network)
    assert values["accuracy"] > 0.85 and values["cross_entropy"] < 0.5
    assert 0.3 < values["miou"] <= 1 and 0 <= values["disagreement"] < math.log(3)
    assert task.validation(network) == values


def test_the_loss_is_the_mean_of_the_members(task):
    network = ensemble()
    batch = task.batch(range(6), generator("batch"))
    log_p = network(batch["features"]).log_softmax(-1)  # (B, M, K)
    expected = -log_p.gather(2, batch["classes"][..., None]).mean()
    torch.testing.assert_close(task.losses(network, batch)["cross_entropy"], expected)


def test_a_preview_shows_images_layouts_and_votes(task):
    assert task.preview(ensemble()).shape == (3, 3 * 18 - 2, 6 * 34 - 2)


def test_a_run_samples_by_itself(trained):
    found = read_ddpm(trained("dataset-ddpm"))
    assert found.config.num_images == 4
    layouts = label_images(found, stripes_images(2))
    assert layouts.shape == (2, 16, 32) and layouts.dtype == torch.uint8


def test_the_number_of_images_is_stored_where_all_are_taken(task, ddpm):
    assert task.metadata()["labels"]["num_images"] == 4
    assert make(ddpm, num_images=None).metadata()["labels"]["num_images"] == 6


def test_the_cost_of_the_diffusion_model_is_copied(ddpm, tmp_path):
    folder = write_stage(tmp_path / "ddpm")
    task = make(folder)
    task.export(ensemble(), tmp_path / "without")
    assert read_cost(tmp_path / "without" / "ddpm") is None
    run(task, tmp_path / "run")
    cost = read_cost(tmp_path / "run")
    assert cost is not None and cost.examples_seen == 48
    write_cost(folder, replace(cost, part="ddpm"))
    task.export(ensemble(), tmp_path / "with")
    assert read_cost(tmp_path / "with" / "ddpm") == replace(cost, part="ddpm")
    assert read_json(tmp_path / "run" / "config.json")["task"]["kind"] == "dataset-ddpm"


def test_the_diffusion_model_is_kept_as_it_was_read(tmp_path):
    """Its own training may go on meanwhile."""
    folder = write_stage(tmp_path / "ddpm")
    task = make(folder)
    write_stage(folder, stage(seed=1))
    task.export(ensemble(), tmp_path / "it")
    found = load_weights(tmp_path / "it" / "ddpm" / "model.safetensors")
    assert all(torch.equal(found[k], t) for k, t in stage().network.state_dict().items())


def test_another_diffusion_model_cannot_take_over(ddpm, tmp_path):
    run(make(ddpm), tmp_path / "it", replace(TRAINING, steps=1))
    other = write_stage(tmp_path / "ddpm", stage(seed=1))
    with pytest.raises(ValueError, match="another configuration; differing: task.ddpm"):
        run(make(other), tmp_path / "it", resume=True)


def test_without_a_diffusion_model(tmp_path):
    with pytest.raises(FileNotFoundError, match="train one with `gcdp-bench train ddpm`"):
        make(tmp_path / "nothing")

"""Training of a stage: what it draws, what it reports, and that it learns and resumes."""

from dataclasses import replace

import pytest
import torch

from gcdp_bench.core.progress import Silent
from gcdp_bench.core.rng import generator
from gcdp_bench.training.loop import TrainingConfig, train
from reference_model.stage import load_stage
from reference_model.task import StageTask
from reference_model.text import build_text_encoder

from .conftest import TEXT, Stripes, base_config, sr_config


def task_of(config):
    return StageTask(config, Stripes(), Stripes(split="val"), build_text_encoder(TEXT))


@pytest.mark.parametrize("config_of", [base_config, sr_config])
def test_terms(config_of, layouts):
    task = task_of(config_of(layouts=layouts))
    torch.manual_seed(0)
    network = task.build()
    batch = task.batch(range(4), generator(0))
    terms = task.losses(network, batch)
    assert set(terms) == ({"image", "layout"} if layouts else {"image"})
    sum(terms.values()).backward()
    again = task.losses(network, task.batch(range(4), generator(0)))
    assert {k: float(v.detach()) for k, v in again.items()} == {
        k: float(v.detach()) for k, v in terms.items()
    }
    assert ("layout" in batch) == layouts
    assert set(task.validation(network.eval())) == set(terms)
    assert task.preview(network).dtype == torch.uint8


def test_flips_move_image_and_layout_together():
    task = task_of(replace(base_config(), image_size=(16, 16)))
    batch = task.batch([1] * 16, generator(3))
    car = batch["layout"] == 2
    sides = set(car.float().argmax(-1).amax(1).tolist())
    assert len(sides) == 2, "some are flipped, some are not"
    red = batch["image"][:, 0]
    assert torch.equal(red == 200, car)


def test_captions_are_dropped_at_the_given_rate():
    task = task_of(replace(base_config(), text_drop=0.3))
    keep = torch.cat([task.batch(range(6), generator(i))["keep"] for i in range(60)])
    assert float(keep.float().mean()) == pytest.approx(0.7, abs=0.08)


def test_an_unconditional_stage_sees_no_caption():
    task = task_of(replace(base_config(), text_drop=1.0))
    batches = [task.batch(range(6), generator(i)) for i in range(4)]
    assert not any(bool(batch["keep"].any()) for batch in batches)
    torch.manual_seed(0)
    network = task.build()
    terms = task.losses(network, batches[0])
    other = batches[0] | {"tokens": batches[0]["tokens"] + 1.0}
    assert {k: float(v.detach()) for k, v in task.losses(network, other).items()} == {
        k: float(v.detach()) for k, v in terms.items()
    }
    assert task.preview(network.eval()).dtype == torch.uint8


def test_steps_cover_1_to_T():
    task = task_of(base_config())
    drawn = torch.cat([task.batch(range(6), generator(i))["t"] for i in range(200)])
    assert set(drawn.tolist()) == set(range(1, 51))


def test_crops_of_the_super_resolution_stage():
    task = task_of(sr_config())
    batch = task.batch(range(4), generator(0))
    assert batch["image"].shape == (4, 3, 8, 8) and batch["low_normal"].shape == (4, 3, 8, 8)


def test_image_only_super_resolution_trains_on_noised_low_resolution_images():
    """Noise-conditioning augmentation (Ho et al. 2022): each image to its own level, which the
    network is told; alpha_bar of the linear schedule is exp(-(1e-4 + 10 (t / T)^2))."""
    task = task_of(sr_config(layouts=False))
    network = task.build()
    seen = []
    network.register_forward_hook(lambda *call: seen.append(call[2]["low_res"]), with_kwargs=True)
    batch = task.batch(range(4), generator(0))
    assert batch["low_level"].unique().numel() > 1 and int(batch["low_level"].max()) < 50
    batch["low_level"] = torch.tensor([1, 10, 30, 49])
    task.losses(network, batch)
    task.losses(network, batch | {"low_level": torch.zeros(4, dtype=torch.long)})
    noised, clean = seen
    assert noised.layout is None and clean.layout is None
    time = torch.tensor([1, 10, 30, 49], dtype=torch.float64) / 50
    alpha_bar = torch.exp(-(1e-4 + 10 * time**2))  # (B,)
    torch.testing.assert_close(noised.log_snr.double(), torch.logit(alpha_bar), atol=1e-4, rtol=0)
    signal, sigma = (a.sqrt()[:, None, None, None].float() for a in (alpha_bar, 1 - alpha_bar))
    expected = signal * clean.image + sigma * batch["low_normal"]
    torch.testing.assert_close(noised.image, expected, atol=1e-5, rtol=0)


@pytest.mark.slow
def test_it_learns_and_what_it_saves_can_be_sampled(tmp_path, layouts):
    config = TrainingConfig(
        steps=30,
        batch_size=6,
        learning_rate=3e-3,
        warmup_steps=0,
        checkpoint_every=30,
        validate_every=30,
        preview_every=30,
        ema_max_decay=0.9,
    )
    task = task_of(base_config(layouts=layouts))
    torch.manual_seed(0)
    before = task.validation(task.build().eval())
    train(task, config, tmp_path, resume=False, progress=Silent(), part="it", dataset="toy")
    stage = load_stage(tmp_path)
    after = task.validation(stage.network)
    assert sum(after.values()) < 0.9 * sum(before.values())
    assert stage.config == task.config
    assert (tmp_path / "previews" / "step-00000030.png").exists()


def test_a_layout_outside_the_classes_stops_with_its_name():
    class Wrong(Stripes):
        def __getitem__(self, index):
            triplet = super().__getitem__(index)
            triplet.layout[0, 0] = 7
            return triplet

    task = StageTask(base_config(), Wrong(), Stripes(), build_text_encoder(TEXT))
    with pytest.raises(ValueError, match="stripes 0.*: layout has class 7, expected 0 to 2 or 255"):
        task.batch([0], generator(0))


def test_another_datasets_classes_are_refused():
    other = Stripes(class_names=("a", "b", "c"))
    with pytest.raises(ValueError, match="expected the classes of the stage"):
        StageTask(base_config(), other, Stripes(), build_text_encoder(TEXT))

"""The recorded run is the sampler's; what is read from it is known from elsewhere."""

from dataclasses import replace

import pytest
import torch

from gcdp_bench.core.finite import NotFinite
from reference_model.sampler import sample
from reference_model.schedules import respaced_steps
from reference_model.text import build_text_encoder
from reference_model.trajectory import explained_variance, label_agreement, record

from .conftest import TEXT, base_config, build_stage, sr_config

CAPTIONS = ["sky and road", "cars"]
SETTINGS = {"seeds": [1, 2], "num_steps": 6}


@pytest.fixture(scope="module")
def text():
    return build_text_encoder(TEXT).encode(CAPTIONS)


@pytest.mark.parametrize("guidance", [1.0, 3.0])
def test_it_is_the_run_of_the_sampler(text, guidance):
    stage = build_stage(base_config())
    run = record(stage, text, guidance=guidance, **SETTINGS)
    drawn = sample(stage, text, guidance=guidance, **SETTINGS)
    assert drawn.layout is not None and torch.equal(run.layout, drawn.layout)
    assert torch.equal(run.z_0.image, drawn.image)
    assert run.steps == respaced_steps(50, 6)
    assert run.x_0_hat.shape == (6, 2, 3, 8, 8)
    assert run.y_0_hat.shape == run.y_t.shape == (6, 2, 8, 8)


def test_the_last_prediction_is_the_final_image(text):
    run = record(build_stage(base_config()), text, guidance=2.0, **SETTINGS)
    assert torch.allclose(run.x_0_hat[-1], run.z_0.image, atol=1e-5)
    assert run.x_0_hat.abs().max() <= 1.0 + 1e-5
    found = explained_variance(run.x_0_hat, run.z_0.image)
    assert found[:, -1].tolist() == pytest.approx([1.0, 1.0], abs=1e-6)
    assert (found <= 1.0).all()


def test_predicted_labels_are_the_most_likely_ones(text, monkeypatch):
    stage = build_stage(base_config())
    wanted = torch.arange(64).reshape(1, 8, 8) % 3
    forward = stage.network.forward

    def sure(*args, **kwargs):
        output = forward(*args, **kwargs)
        labels = wanted.expand(len(output.noise), 8, 8)  # (B, 8, 8)
        logits = 200.0 * torch.nn.functional.one_hot(labels, 3).permute(0, 3, 1, 2)
        return replace(output, logits=logits)

    monkeypatch.setattr(stage.network, "forward", sure)
    run = record(stage, text, guidance=2.0, **SETTINGS)
    assert torch.equal(run.layout, wanted.expand(2, 8, 8))
    assert label_agreement(run.y_0_hat, run.layout).eq(1.0).all()
    shown = label_agreement(run.y_t, run.layout)
    assert shown[:, 0].mean() == pytest.approx(1 / 3, abs=0.15)  # z_T is uniform
    assert shown[:, -1].mean() > 0.9


def test_a_run_does_not_depend_on_its_batch(text):
    stage = build_stage(base_config())
    both = record(stage, text, guidance=2.0, **SETTINGS)
    one = record(
        stage, build_text_encoder(TEXT).encode(CAPTIONS[1:]), guidance=2.0, seeds=[2], num_steps=6
    )
    assert torch.equal(one.y_0_hat[:, 0], both.y_0_hat[:, 1])
    assert torch.allclose(one.x_0_hat[:, 0], both.x_0_hat[:, 1], atol=1e-4)


def test_label_agreement_by_hand():
    final = torch.tensor([[[0, 1], [2, 2]], [[1, 1], [1, 1]]])  # (2, 2, 2)
    layouts = torch.stack([torch.full_like(final, 2), final])  # (2, 2, 2, 2)
    assert label_agreement(layouts, final).tolist() == [[0.5, 1.0], [0.0, 1.0]]


def test_explained_variance_is_that_of_scikit_learn():
    from sklearn.metrics import r2_score

    generator = torch.Generator().manual_seed(0)
    final = torch.rand(2, 3, 5, 4, generator=generator) * 2 - 1
    mean = final.mean((2, 3), keepdim=True).expand_as(final)
    images = torch.stack([torch.rand(2, 3, 5, 4, generator=generator), mean, final])
    found = explained_variance(images, final)
    for sample_place in range(2):
        for step in range(2):
            true, guess = (
                image.reshape(3, -1).T.numpy()
                for image in (final[sample_place], images[step, sample_place])
            )
            expected = r2_score(true, guess, multioutput="variance_weighted")
            assert float(found[sample_place, step]) == pytest.approx(expected, abs=1e-6)
    assert found[:, 1].tolist() == pytest.approx([0.0, 0.0], abs=1e-6)
    assert found[:, 2].tolist() == [1.0, 1.0]
    assert explained_variance(images[:, :1], torch.full((1, 3, 5, 4), 0.3)).isnan().all()


@pytest.mark.parametrize("config", [base_config(layouts=False), sr_config()])
def test_other_stages_are_refused(text, config):
    with pytest.raises(ValueError, match="expected a base stage that makes layouts, got an?"):
        record(build_stage(config), text, guidance=1.0, **SETTINGS)


@pytest.mark.parametrize("part", ["noise", "logits"])
@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_a_run_that_is_not_finite_is_none(text, part, value):
    stage = build_stage(base_config())
    calls = [0]

    def spoil(_module, _inputs, output):
        calls[0] += 1
        if calls[0] == 3:
            getattr(output, part)[1, 0, 0, 0] = value

    stage.network.register_forward_hook(spoil)
    name = {"noise": "predicted noise", "logits": "label logits"}[part]
    step = respaced_steps(50, 6)[2]
    shown = rf"{name} at step {step} of 50 of the base stage, in 1 of 2 images \(float32 on cpu\)"
    with pytest.raises(NotFinite, match=shown):
        record(stage, text, guidance=1.0, **SETTINGS)

"""Every row resolves; an ablation differs from its size in one setting, and does what it says."""

from dataclasses import replace

import pytest
import torch

from gcdp_bench.core.config import to_dict
from gcdp_bench.core.progress import Silent
from gcdp_bench.training.loop import TrainingConfig, train
from reference_model.categorical import posterior_log_probs
from reference_model.joint import JointProcess, LossConfig
from reference_model.presets import PRESETS, SIZES, stage_config
from reference_model.sampler import sample
from reference_model.stage import load_stage
from reference_model.task import StageTask
from reference_model.text import build_text_encoder

from .conftest import TEXT, Stripes, base_config, sr_config

ABLATIONS = [name for name in PRESETS if name not in SIZES]


def resolved(name, stage, *, layouts=True):
    dataset = Stripes(image_size=PRESETS[name].image_size(0.5))
    return stage_config(PRESETS[name], stage, dataset, layouts=layouts)


def leaves(value, path=""):
    if not isinstance(value, dict):
        return {path: value}
    return {k: v for key, part in value.items() for k, v in leaves(part, f"{path}.{key}").items()}


@pytest.mark.parametrize(
    ("name", "layouts"), [(name, True) for name in PRESETS] + [(name, False) for name in SIZES]
)
@pytest.mark.parametrize("stage", ["base", "sr"])
def test_every_preset_resolves(name, stage, layouts):
    config = resolved(name, stage, layouts=layouts)
    assert config.makes_layouts == layouts
    assert config.image_size[1] == PRESETS[name].width // (2 if stage == "base" else 1)
    assert all(side % config.unet.divisor == 0 for side in config.image_size)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("stage", ["base", "sr"])
def test_without_captions_no_text_encoder_is_needed(size, stage):
    dataset = Stripes(image_size=PRESETS[size].image_size(0.5))
    config = stage_config(PRESETS[size], stage, dataset, layouts=True, captions=False)
    assert not config.reads_captions and config.text.encoder == "hash-ngram"
    assert resolved(size, stage).reads_captions


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("stage", ["base", "sr"])
@pytest.mark.parametrize(
    ("suffix", "changes"),
    [
        ("no-layout-loss", {".loss.layout_weight": 0.0}),
        ("layouts-cosine-p", {".process.layout_schedule.power": 0.5}),
        ("layouts-linear", {".process.layout_schedule.name": "linear"}),
    ],
)
def test_an_ablation_changes_one_setting_of_both_stages(size, stage, suffix, changes):
    whole = leaves(to_dict(resolved(size, stage)))
    ablated = leaves(to_dict(resolved(f"{size}-{suffix}", stage)))
    assert ablated == whole | changes != whole
    for part in ("base", "sr"):
        own = getattr(PRESETS[f"{size}-{suffix}"], part)
        assert own == getattr(PRESETS[size], part), "network and training are the same"


def test_every_size_has_three_ablations():
    assert len(ABLATIONS) == 3 * len(SIZES) == 12


@pytest.mark.parametrize("name", ABLATIONS)
def test_an_ablation_of_layouts_needs_layouts(name):
    with pytest.raises(ValueError, match="but the model has no layouts; use one of tiny, small"):
        resolved(name, "base", layouts=False)


@pytest.mark.parametrize(
    ("suffix", "expected"),
    [
        # alpha_bar of models at t = 100, 250, 500, 750, 900 over that at 0 (models.md 1.2).
        ("", [0.971942, 0.846881, 0.493767, 0.144250, 0.024088]),
        ("-layouts-linear", [0.904747, 0.535208, 0.082077, 0.003606, 0.000304]),
    ],
)
def test_layouts_follow_their_own_schedule(suffix, expected):
    process = JointProcess(resolved(f"tiny{suffix}", "base").process)
    at = torch.tensor([100, 250, 500, 750, 900])
    start = 0.999845 if not suffix else 0.999900
    wanted = torch.tensor(expected, dtype=torch.float64) / start
    torch.testing.assert_close(process.layout.alpha_bar[at], wanted, rtol=0, atol=1e-6)
    cosine = JointProcess(resolved("tiny", "base").process).image.alpha_bar
    assert torch.equal(process.image.alpha_bar, cosine), "images keep theirs"


def test_cosine_p_is_the_root_of_cosine():
    roots = JointProcess(resolved("tiny-layouts-cosine-p", "base").process).layout.alpha_bar
    whole = JointProcess(resolved("tiny", "base").process).layout.alpha_bar
    torch.testing.assert_close(roots[:950], whole[:950].sqrt())


@pytest.mark.parametrize("config_of", [base_config, sr_config])
def test_without_the_layout_loss_the_head_stays_at_zero(tmp_path, config_of):
    config = replace(config_of(), loss=LossConfig(layout_weight=0.0))
    training = TrainingConfig(
        steps=3,
        batch_size=4,
        learning_rate=1e-2,
        warmup_steps=0,
        checkpoint_every=9,
        validate_every=9,
        preview_every=9,
    )
    task = StageTask(config, Stripes(), Stripes(split="val"), build_text_encoder(TEXT))
    train(task, training, tmp_path, resume=False, progress=Silent(), part="it", dataset="toy")
    weights = load_stage(tmp_path).network.state_dict()
    assert not weights["final_conv_seg.weight"].any() and not weights["final_conv_seg.bias"].any()
    assert weights["final_conv.weight"].any(), "images are learned"


def test_a_layout_chain_without_predictions_ends_uniform(tmp_path):
    """What `no-layout-loss` samples: logits of 0 say nothing, whatever text and guidance."""
    config = replace(base_config(), loss=LossConfig(layout_weight=0.0))
    training = TrainingConfig(
        steps=1, batch_size=4, checkpoint_every=9, validate_every=9, preview_every=9
    )
    task = StageTask(config, Stripes(), Stripes(split="val"), build_text_encoder(TEXT))
    train(task, training, tmp_path, resume=False, progress=Silent(), part="it", dataset="toy")
    captions = ["sky and road", "cars"] * 40
    layout = sample(
        load_stage(tmp_path),
        build_text_encoder(TEXT).encode(captions),
        guidance=4.0,
        seeds=range(80),
        num_steps=5,
    ).layout  # (80, 8, 8)
    assert layout is not None
    for part in (layout[::2], layout[1::2]):
        shares = torch.bincount(part.flatten(), minlength=3) / part.numel()
        # Standard deviation of a share of n = 2560 pixels: sqrt((1/3)(2/3) / n) = 0.0093.
        torch.testing.assert_close(shares, torch.full((3,), 1 / 3), rtol=0, atol=0.04)


def test_uniform_predictions_keep_a_uniform_layout_uniform():
    """sum over y_t of p(y_s | y_t) / K = 1 / K: the marginal of every step, in closed form."""
    process = JointProcess(base_config().process)
    for t, s in ((50, 49), (20, 10), (1, 0)):
        rates = process.layout_rates(torch.tensor([t]), torch.tensor([s]))
        each = torch.arange(3).reshape(1, 1, 3)  # y_t = 0, 1, 2
        p_0 = torch.full((1, 3, 1, 3), 1 / 3, dtype=torch.float64)
        p_s = posterior_log_probs(each, p_0, *rates).exp()  # (1, K, 1, 3)
        torch.testing.assert_close(p_s.mean(-1).flatten(), p_0[0, :, 0, 0])

"""Scales and sign conventions of the CLIP score."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from gcdp_bench.metrics.clip_score import clip_values


def values(cosines):
    flags = np.zeros(len(cosines), bool)
    return {row.metric: row for row in clip_values(np.asarray(cosines), flags)}


def test_the_three_scales_differ_where_a_cosine_is_negative():
    """Hessel 0.458333, torchmetrics 15.0; to cut first and then scale by 100 is 18.3333."""
    rows = values([0.30, -0.10, 0.25])
    assert rows["clip-cos"].value == pytest.approx(0.15)
    assert rows["clip-x100"].value == pytest.approx(15.0)
    assert rows["clip-w2.5"].value == pytest.approx(0.4583333333)


def test_hessels_is_proportional_where_none_is():
    rows = values([0.1, 0.2, 0.4])
    assert rows["clip-w2.5"].value == pytest.approx(0.025 * rows["clip-x100"].value)


class GivenCosines(torch.nn.Module):
    """Stands for CLIP: image i and caption i have the cosine given for them."""

    config = SimpleNamespace()

    def __init__(self, cosines):
        super().__init__()
        self.cosines = torch.tensor(cosines, dtype=torch.float64)

    def get_image_features(self, pixels):
        return torch.stack([self.cosines, (1 - self.cosines**2).sqrt()], 1)  # (B, 2)

    def get_text_features(self, ids, mask):
        return torch.tensor([[2.0, 0.0]], dtype=torch.float64).expand(len(self.cosines), 2)


def processor(**inputs):
    return {name: torch.zeros(1) for name in ("pixel_values", "input_ids", "attention_mask")}


@pytest.mark.parametrize("cosines", [[0.30, -0.10, 0.25], [-0.2, 0.1, 0.05]])
def test_x100_equals_torchmetrics_up_to_its_cut_of_a_negative_mean(cosines):
    from torchmetrics.multimodal import CLIPScore

    metric = CLIPScore(lambda: (GivenCosines(cosines), processor))
    metric.update(torch.zeros(3, 3, 4, 4), ["a", "b", "c"])
    expected = max(values(cosines)["clip-x100"].value, 0.0)
    assert float(metric.compute()) == pytest.approx(expected, abs=1e-5)  # float32 there


def test_intervals_scale_with_the_value_and_the_count_has_none():
    rng = np.random.default_rng(0)
    cosines = rng.normal(0.2, 0.05, 100).astype(np.float32)
    rows = clip_values(cosines, np.arange(100) < 7)
    cos, times_100, _, long = rows
    assert times_100.ci_low == pytest.approx(100 * cos.ci_low)
    assert cos.ci_low < cos.value < cos.ci_high and cos.ci_method == "basic"
    assert (long.metric, long.value, long.ci_method) == ("clip_long_captions", 7.0, "none")
    with pytest.raises(ValueError, match="got 2 flags and 100 cosines"):
        clip_values(cosines, np.zeros(2, bool))


def test_pairs_without_a_cosine_are_left_out_and_said(caplog):
    rows = clip_values(np.array([0.2, np.nan, 0.4]), np.zeros(3, bool))
    assert rows[0].value == pytest.approx(0.3) and rows[0].num_samples == 2
    assert "1 of 3 captions have no cosine" in caplog.text
    caplog.clear()
    clip_values(np.array([0.2, 0.4]), np.zeros(2, bool))
    assert not caplog.text

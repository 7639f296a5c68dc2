"""Clusters of features that hold the layout, and of features that hold nothing."""

from dataclasses import replace

import pytest
import torch

import reference_model.features
from gcdp_bench.analysis.features import COLUMNS, FeatureRequest, analyze_features
from gcdp_bench.core.progress import Silent
from gcdp_bench.core.sampling_config import SamplingConfig
from reference_model.features import _modules
from reference_model.generator import Cascade
from tests.reference_model.conftest import Stripes
from tests.reference_model.test_generator import write_cascade

REQUEST = FeatureRequest(
    timesteps=(10, 50), blocks=("final",), num_images=6, num_clusters=3, steps=5
)


@pytest.fixture(scope="module")
def cascades(tmp_path_factory):
    found = []
    for name, layouts in (("reference", True), ("imagen", False)):
        folder = tmp_path_factory.mktemp(name)
        write_cascade(folder, layouts=layouts)
        found.append(Cascade.load(name, folder, SamplingConfig()))
    return found


def analyse(cascades, request=REQUEST, dataset=None):
    dataset = dataset or Stripes(image_size=cascades[0].image_size)
    return analyze_features(cascades, dataset, request, progress=Silent())


def test_features_of_the_layout_agree_with_it_and_noise_does_not(cascades, monkeypatch):
    """At t = 10 the features are the layout's one-hot maps, at t = 50 noise; two classes occur."""
    layouts = torch.zeros(6, *cascades[0].stages[0].config.image_size, dtype=torch.uint8)
    for index, layout in enumerate(layouts):
        layout[:, 1 + index :] = 1

    def features(stage, text, images, *, timesteps, blocks, seeds, num_steps):
        random = torch.Generator().manual_seed(0)
        one_hot = torch.nn.functional.one_hot(layouts.long(), 3).permute(0, 3, 1, 2).float()
        noise = torch.randn(one_hot.shape, generator=random)
        return {(10, "final"): one_hot + 0.01 * noise, (50, "final"): noise}

    monkeypatch.setattr(reference_model.features, "internal_features", features)
    monkeypatch.setattr("gcdp_bench.analysis.features.resize_layouts", lambda *_: layouts)
    table = analyse(cascades, replace(REQUEST, num_clusters=2)).table
    assert tuple(table.columns) == COLUMNS
    values = table[table["model"] == "reference"].set_index(["t", "metric"])["value"]
    assert values[10, "ari"] == values[10, "nmi"] == pytest.approx(1.0)
    assert values[10, "probe_miou"] == pytest.approx(1.0)
    assert values[50, "ari"] < 0.1 and values[50, "probe_miou"] < 0.5


def test_both_models_are_measured_alike_and_again(cascades):
    found = analyse(cascades)
    assert set(found.clusters) == {
        (m, "final", t) for m in ("reference", "imagen") for t in (10, 50)
    }
    assert found.clusters["reference", "final", 10].shape == found.layouts.shape
    counts = found.table.groupby(["model", "t"])["metric"].apply(sorted)
    assert all(metrics == ["ari", "nmi", "probe_miou"] for metrics in counts)
    assert found.table.equals(analyse(cascades).table)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_images": 3}, "num_images: expected 4 to 6"),
        ({"num_images": 7}, "num_images: expected 4 to 6"),
        ({"num_clusters": 1}, "num_clusters: expected at least 2"),
        ({"timesteps": (0,)}, "timesteps: expected 1 to 50"),
        ({"blocks": ("top",)}, "blocks: expected some of middle, up.0, up.1, final, got top"),
    ],
)
def test_mistakes(cascades, change, message):
    with pytest.raises(ValueError, match=message):
        analyse(cascades, replace(REQUEST, **change))


def test_features_that_are_not_finite_stop_it(cascades):
    """With the block, the step, the caption and the precision."""
    network = cascades[1].stages[0].network
    dataset = Stripes(image_size=cascades[0].image_size)

    def spoil(_module, _inputs, output):
        output[2, 0, 0, 0] = torch.inf

    handle = next(m for n, m in _modules(network).items() if n == "final")
    handle = handle.register_forward_hook(spoil)
    try:
        with pytest.raises(FloatingPointError) as stopped:
            analyse(cascades)
    finally:
        handle.remove()
    message = str(stopped.value)
    assert message.startswith("imagen: expected finite numbers, got NaN or infinite ones in the")
    assert "features of block final at step 10, in 1 of 6 images (float32 on cpu)" in message
    assert f"caption {dataset[2].caption!r}" in message
    analyse(cascades)

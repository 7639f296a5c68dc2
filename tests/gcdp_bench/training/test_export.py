"""Shipped weights: half the size, read like a run."""

import pytest
import torch

from gcdp_bench.extractors.segmenter import TrainedSegmenter
from gcdp_bench.training.checkpoint import save_weights
from gcdp_bench.training.export import halved, ship


def test_an_exported_extractor_sees_the_same(toy, tmp_path):
    (path,) = ship(toy.segmenter, tmp_path / "pretrained")
    assert path.stat().st_size < 0.7 * (toy.segmenter / "model.safetensors").stat().st_size
    images = torch.randint(
        0, 256, (4, 3, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    before, after = (TrainedSegmenter.load(f).predict(images) for f in (toy.segmenter, path.parent))
    assert (before.layouts == after.layouts).float().mean() > 0.98
    assert torch.allclose(before.features, after.features, rtol=0.02, atol=1e-4)


def test_vectors_stay_and_overflow_is_refused():
    small = halved({"weight": torch.ones(2, 2), "bias": torch.ones(2), "count": torch.tensor(3)})
    assert {name: str(value.dtype) for name, value in small.items()} == {
        "weight": "torch.float16",
        "bias": "torch.float32",
        "count": "torch.int64",
    }
    with pytest.raises(ValueError, match="weight: expected values in the range of float16"):
        halved({"weight": torch.full((1, 1), 1e6)})


def test_parts_are_exported_and_checkpoints_are_not(tmp_path):
    for name in ("unet/weights", "vae/weights", "checkpoints/step-00000001/network"):
        save_weights(tmp_path / "run" / f"{name}.safetensors", {"weight": torch.ones(2, 2)})
    (tmp_path / "run" / "vae" / "config.json").write_text('{"scaling_factor": 0.5}')
    (tmp_path / "run" / "checkpoints" / "step-00000001" / "state.json").write_text("{}")
    ship(tmp_path / "run", tmp_path / "pretrained")
    files = {
        path.relative_to(tmp_path / "pretrained").as_posix()
        for path in (tmp_path / "pretrained").rglob("*.*")
    }
    assert files == {"unet/weights.safetensors", "vae/weights.safetensors", "vae/config.json"}


def test_a_run_without_weights(tmp_path):
    with pytest.raises(FileNotFoundError, match="train the model first"):
        ship(tmp_path, tmp_path / "out")

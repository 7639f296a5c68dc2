"""The convolutional image tower: what it pools, what it refuses, and that CLIP works with it."""

from dataclasses import replace

import pytest
import torch

from gcdp_bench.core.config import to_dict, write_json
from gcdp_bench.core.rng import generator
from gcdp_bench.extractors.clip import SmallClip, build_clip
from gcdp_bench.extractors.clip_tower import ConvTower
from gcdp_bench.extractors.clip_training import ClipTask
from gcdp_bench.training.checkpoint import save_weights
from tests.gcdp_bench.extractors.test_clip import CONFIG, Shades

CONVOLUTIONAL = replace(CONFIG, tower="convolutional", patch=4)


def images(num: int = 3) -> torch.Tensor:
    return torch.rand(num, 3, 16, 32, generator=generator(0)) * 2 - 1


@pytest.mark.parametrize("patch", [2, 4, 8])
def test_one_patch_per_square_and_the_feature_is_made_of_their_maximum_and_mean(patch):
    tower = ConvTower(5, patch=patch, width=32)
    assert tower(images()).shape == (3, 5)
    tower.output_tokens = True
    pooled, patches = tower(images())
    assert patches.shape == (3, (16 // patch) * (32 // patch), 32)
    statistics = torch.stack([torch.cat([p.max(0).values, p.mean(0)]) for p in patches])
    torch.testing.assert_close(pooled, tower.head(statistics))


def test_patches_are_in_reading_order():
    """A bright spot in the second row, sixth column changes that patch the most."""
    torch.manual_seed(0)
    tower = ConvTower(5, patch=4, width=32)
    tower.output_tokens = True
    plain = torch.zeros(1, 3, 16, 32)
    spot = plain.clone()
    spot[..., 4:8, 20:24] = 1
    change = (tower(spot)[1] - tower(plain)[1]).norm(dim=-1)[0]  # (32,)
    assert int(change.argmax()) == 8 + 5


@pytest.mark.parametrize(
    ("patch", "width", "message"),
    [
        (1, 32, "patch: expected a power of two above 1, got 1"),
        (6, 32, "patch: expected a power of two above 1, got 6"),
        (8, 40, "width: expected a multiple of 32 with patch=8, got 40"),
    ],
)
def test_impossible_sizes_are_refused(patch, width, message):
    with pytest.raises(ValueError, match=message):
        ConvTower(5, patch=patch, width=width)


def test_its_files_are_read_back(tmp_path):
    torch.manual_seed(0)
    network = build_clip(CONVOLUTIONAL)
    save_weights(
        tmp_path / "model.safetensors",
        {f"clip.{name}": tensor for name, tensor in network.state_dict().items()},
    )
    write_json(tmp_path / "config.json", {"task": {"clip": to_dict(CONVOLUTIONAL)}})
    clip = SmallClip.load(tmp_path)
    assert isinstance(clip.network.visual, ConvTower)
    expected = torch.nn.functional.normalize(network.visual(images()), dim=-1)
    torch.testing.assert_close(clip.image_features(images()), expected)


class Colours(Shades):
    """Eight colours beside black: normalised maps do not tell one even grey from another."""

    def __getitem__(self, index):
        triplet = super().__getitem__(index)
        image = torch.zeros(3, 16, 32, dtype=torch.uint8)
        image[:, :, :16] = torch.tensor([100 + 100 * (index >> bit & 1) for bit in range(3)])[
            :, None, None
        ]
        return replace(triplet, image=image)


def test_it_learns_to_tell_captions_apart():
    task = ClipTask(CONVOLUTIONAL, Colours(), Colours())
    torch.manual_seed(0)
    network = task.build()
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    for step in range(60):
        terms = task.losses(network.train(), task.batch(range(8), generator(step)))
        optimizer.zero_grad()
        terms["contrastive"].backward()
        optimizer.step()
    assert task.validation(network.eval())["own_beats_other"] > 0.9

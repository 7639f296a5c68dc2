"""The teacher: what it sees, where it is found, and that a copy of it is the same."""

import pytest
import torch
from torch.nn import functional as F

from baselines.lafite.clip_features import StandardTeacher, load_teacher
from gcdp_bench.core.config import write_json
from gcdp_bench.core.images import to_float
from gcdp_bench.extractors.clip import SmallClip
from gcdp_bench.extractors.clip_standard import StandardClip
from gcdp_bench.extractors.clip_training import TEACHER
from gcdp_bench.generators.registry import LAFITE_CLIP
from tests.baselines.lafite.taught import images, teacher, write_clip
from tests.gcdp_bench.extractors.test_clip_standard import pictures, tiny_network

CAPTIONS = ["sky and road", "sky and road and cars"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("clip"))


def test_features_are_those_of_the_network(folder):
    """Halving by the antialiased filter: rows and columns of [1, 3, 3, 1] / 8 away from the edge,
    so the middle of a picture can be checked against a strided convolution."""
    small, found = SmallClip.load(folder), teacher(folder)
    pixels = to_float(images())
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
    kernel = (taps[:, None] * taps).expand(3, 1, 4, 4)
    inside = F.conv2d(pixels, kernel, stride=2, padding=1, groups=3)[..., 1:-1, 1:-1]
    seen = {}
    small.network.visual.register_forward_pre_hook(lambda _, args: seen.update(pixels=args[0]))
    found._clip = small
    features = found.image(pixels)
    assert seen["pixels"].shape == (6, 3, 8, 16)
    torch.testing.assert_close(seen["pixels"][..., 1:-1, 1:-1], inside, atol=1e-5, rtol=0)
    expected = small.network.encode_image(seen["pixels"])
    torch.testing.assert_close(features, expected / expected.norm(dim=1, keepdim=True))
    tokens, _ = small._tokenizer(CAPTIONS)
    text = small.network.encode_text(tokens)
    torch.testing.assert_close(found.text(CAPTIONS), text / text.norm(dim=1, keepdim=True))
    assert found.width == features.shape[1] == 6
    assert found.digest == small.digest


def test_images_are_reached_by_gradients_and_weights_are_not(folder):
    """Against the central difference along a random direction, where no two patches are alike."""
    found = teacher(folder)
    rough = torch.rand(2, 3, 16, 32, generator=torch.Generator().manual_seed(1))
    pixels = (to_float(images(2)) * 0.5 + rough).requires_grad_()
    goal = torch.tensor([1.0, -2, 0, 3, 1, 0])
    (found.image(pixels) * goal).sum().backward()
    assert pixels.grad is not None
    direction = torch.randn(pixels.shape, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        ends = [(found.image(pixels + s * 1e-3 * direction) * goal).sum() for s in (1, -1)]
    expected = (ends[0] - ends[1]) / 2e-3
    assert float((pixels.grad * direction).sum()) == pytest.approx(float(expected), rel=1e-2)
    assert all(weight.grad is None for weight in found._clip.network.parameters())


def test_a_copy_has_the_same_digest(folder, tmp_path):
    found = teacher(folder)
    found.export(tmp_path / "clip")
    copy = teacher(tmp_path / "clip")
    copy.export(tmp_path / "clip")  # onto itself, as a resumed run may
    assert copy.digest == found.digest
    assert torch.equal(teacher(tmp_path / "clip").text(CAPTIONS), found.text(CAPTIONS))
    assert teacher(write_clip(tmp_path / "other", seed=1)).digest != found.digest


def test_the_standard_one_has_the_features_of_the_extractor_for_small_pictures():
    """At the network's own size neither resizes, so features are those of open_clip's transform."""
    network = tiny_network()
    found = StandardTeacher(network)
    extractor = StandardClip(network, name="tiny", digest="0")
    small = pictures(3, (32, 32))
    torch.testing.assert_close(
        found.image(to_float(small)), extractor.embed(small), atol=1e-5, rtol=1e-4
    )
    captions = ["a red car", "sky", "An image of an urban street view"]
    cosines = (found.image(to_float(small)) * found.text(captions)).sum(1)
    torch.testing.assert_close(
        cosines, torch.from_numpy(extractor.cosines(small, captions).cosines), atol=1e-5, rtol=1e-4
    )
    assert found.image(torch.zeros(1, 3, 20, 60)).shape == (1, 16)


def test_the_standard_one_is_read_from_a_file_and_from_a_copy(tmp_path, monkeypatch):
    prompted = []

    def create_model(name, *, pretrained, force_quick_gelu, device):
        if str(device) == "meta":
            return tiny_network()
        prompted.append((name, pretrained, force_quick_gelu))
        return tiny_network(seed=len(prompted))

    monkeypatch.setattr("open_clip.create_model", create_model)
    torch.save(tiny_network().state_dict(), tmp_path / "ViT-B-32.pt")
    found = load_teacher(tmp_path / "ViT-B-32.pt")
    found.export(tmp_path / "clip")
    copy = load_teacher(tmp_path / "clip")
    assert prompted == [("ViT-B-32", None, True)] * 2
    assert copy.digest == found.digest == StandardTeacher(tiny_network()).digest
    assert torch.equal(copy.text(CAPTIONS), found.text(CAPTIONS))


def test_another_network_is_refused(tmp_path):
    write_json(tmp_path / "config.json", {"task": {"kind": "segmenter"}})
    with pytest.raises(ValueError, match="expected a CLIP, got a network of kind segmenter"):
        load_teacher(tmp_path)


def test_the_command_trains_the_teacher():
    assert dict(LAFITE_CLIP.training().presets) == {"tiny": TEACHER}

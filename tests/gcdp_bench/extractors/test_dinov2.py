"""DINOv2 against transformers' own forward pass and DINOv2's own resize of positions."""

import json
import shutil
import warnings

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from gcdp_bench.core.rng import generator
from gcdp_bench.extractors.dinov2 import DinoV2, fit_positions, read_dinov2

SIZES = [(32, 32), (224, 224), (256, 512)]


def write(folder, image_size):
    """A random network of width 32 in Hugging Face's format."""
    from transformers import Dinov2Config, Dinov2Model

    torch.manual_seed(0)
    network = Dinov2Model(
        Dinov2Config(
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            mlp_ratio=2,
            patch_size=14,
            image_size=image_size,
        )
    )
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator("dino")))
    network.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write(tmp_path_factory.mktemp("dinov2"), 518)


def pictures(num, size):
    shape = (num, 3, *size)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator("dino", *size))


def reference_pixels(images):
    """dgm-eval's transform in numpy: Pillow's bicubic squash, ImageNet's mean and deviation."""
    pixels = []
    for image in images:
        picture = Image.fromarray(image.permute(1, 2, 0).numpy())
        array = np.asarray(picture.resize((224, 224), Image.Resampling.BICUBIC)) / 255.0
        array = (array - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
        pixels.append(torch.from_numpy(array.astype(np.float32)).permute(2, 0, 1))
    return torch.stack(pixels)


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
def test_pixels_are_dgm_evals(folder, size):
    extractor = DinoV2(read_dinov2(folder), digest="0")
    images = pictures(2, size)
    assert torch.allclose(extractor.pixels(images), reference_pixels(images), atol=1e-6)


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
def test_features_are_transformers_class_token(tmp_path, size):
    """With positions learned at 224 pixels nothing is resized, and the two must be equal."""
    from transformers import Dinov2Model

    write(tmp_path, 224)
    images = pictures(3, size)
    reference = Dinov2Model.from_pretrained(tmp_path).eval()
    with torch.no_grad():
        expected = reference(reference_pixels(images)).last_hidden_state[:, 0]
    extractor = DinoV2(read_dinov2(tmp_path), digest="0")
    features = extractor.features(images)
    assert features.shape == (3, 32) and features.dtype == torch.float32
    assert torch.allclose(features, expected, atol=1e-5)
    assert float(expected.std(0).mean()) > 1e-3
    assert torch.allclose(extractor.features(images[2:]), features[2:], atol=1e-5)


def test_positions_are_resized_as_dinov2_does(folder):
    """Cubic convolution (a = -0.75) at the places that a scale of 16.1 / 37 gives."""
    network = read_dinov2(folder)
    old = network.embeddings.position_embeddings.detach()[0]
    fit_positions(network, 16)
    new = network.embeddings.position_embeddings[0]
    assert new.shape == (1 + 16 * 16, 32)
    assert torch.equal(new[0], old[0])
    weights = np.zeros((16, 37))
    for index in range(16):
        place = (index + 0.5) * 37 / 16.1 - 0.5
        for tap in range(int(np.floor(place)) - 1, int(np.floor(place)) + 3):
            weights[index, min(max(tap, 0), 36)] += cubic(abs(place - tap))
    grid = old[1:].reshape(37, 37, 32).double().numpy()
    expected = np.einsum("ai,bj,ijd->abd", weights, weights, grid).reshape(256, 32)
    assert np.allclose(new[1:].numpy(), expected, atol=1e-5)


def cubic(x, a=-0.75):
    if x <= 1:
        return (a + 2) * x**3 - (a + 3) * x**2 + 1
    return a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a if x < 2 else 0.0


def test_the_resize_of_positions_is_not_transformers_but_near(folder):
    from transformers import Dinov2Model

    images = pictures(2, (224, 224))
    with torch.no_grad():
        theirs = Dinov2Model.from_pretrained(folder).eval()(reference_pixels(images)).pooler_output
    ours = DinoV2(read_dinov2(folder), digest="0").features(images)
    difference = float((ours - theirs).abs().max())
    assert 1e-5 < difference < 0.2 * float(theirs.abs().max())


@pytest.mark.parametrize("change", ["missing", "unexpected", "mismatched"])
def test_another_network_is_refused(folder, tmp_path, change):
    weights = load_file(folder / "model.safetensors")
    name = "layernorm.bias"
    if change == "missing":
        del weights[name]
    elif change == "unexpected":
        name = "layernorm.extra"
        weights[name] = torch.zeros(3)
    else:
        weights[name] = torch.zeros(7)
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    (tmp_path / "config.json").write_text((folder / "config.json").read_text())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ValueError, match=rf"another network: {change} {name}"):
            read_dinov2(tmp_path)


@pytest.mark.parametrize("name", ["num_attention_heads", "hidden_act", "layer_norm_eps"])
def test_a_setting_that_no_tensor_tells_is_not_invented(folder, tmp_path, name):
    shutil.copyfile(folder / "model.safetensors", tmp_path / "model.safetensors")
    settings = json.loads((folder / "config.json").read_text())
    del settings[name]
    (tmp_path / "config.json").write_text(json.dumps(settings))
    with pytest.raises(ValueError, match=f"got no {name}, for which transformers would take"):
        read_dinov2(tmp_path)


def test_a_damaged_file_is_refused(folder, tmp_path):
    (tmp_path / "config.json").write_text((folder / "config.json").read_text())
    (tmp_path / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(ValueError, match="expected a Dinov2Model in Hugging Face's format"):
        read_dinov2(tmp_path)


def test_a_folder_loads_and_a_missing_one_says_where_to_get_it(folder, tmp_path):
    extractor = DinoV2.load(folder)
    assert extractor.protocol == "dinov2"
    assert len(extractor.digest) == 12
    with pytest.raises(FileNotFoundError, match="dinov2-vit-l-14: expected a folder"):
        DinoV2.load(tmp_path)

"""The standard CLIP with a small network in its place: pixels, texts, files."""

import warnings

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from gcdp_bench.core.rng import generator
from gcdp_bench.extractors.clip_standard import (
    ClipFeatures,
    StandardClip,
    as_uint8,
    build_network,
    openai_weights,
)
from gcdp_bench.metrics.clip_score import clip_values
from gcdp_bench.training.checkpoint import load_into

SIZES = [(32, 32), (64, 64), (40, 96), (256, 512), (24, 20), (336, 336)]
CAPTIONS = ["a red car", "An image of an urban street view with Roads", "sky"]


def tiny_network(seed=0):
    from open_clip import CLIP, CLIPTextCfg, CLIPVisionCfg

    torch.manual_seed(seed)
    return CLIP(
        embed_dim=16,
        vision_cfg=CLIPVisionCfg(image_size=32, layers=1, width=32, head_width=16, patch_size=8),
        text_cfg=CLIPTextCfg(context_length=77, vocab_size=49408, width=32, heads=2, layers=1),
        quick_gelu=True,
    )


@pytest.fixture(scope="module")
def clip():
    return StandardClip(tiny_network(), name="tiny", digest="0")


def pictures(num, size):
    shape = (num, 3, *size)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator("clip", *size))


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
def test_preprocessing_is_open_clips(clip, size):
    """Its own transform for evaluation, at the published model's settings but 32 pixels."""
    import open_clip

    images = pictures(2, size)
    transform = open_clip.image_transform(
        32,
        is_train=False,
        mean=open_clip.OPENAI_DATASET_MEAN,
        std=open_clip.OPENAI_DATASET_STD,
        interpolation="bicubic",
        resize_mode="shortest",
    )
    expected = [transform(Image.fromarray(i.permute(1, 2, 0).numpy())) for i in images]
    assert torch.equal(clip.pixels(images), torch.stack(expected))
    assert clip.resizer == "pil-bicubic-shortest-32-crop"


def test_cosines_are_the_networks(clip):
    images = pictures(3, (40, 96))
    match = clip.cosines(images, CAPTIONS)
    import open_clip

    with torch.no_grad():
        image = clip.network.encode_image(clip.pixels(images))
        text = clip.network.encode_text(open_clip.tokenize(CAPTIONS))
    expected = torch.cosine_similarity(image, text).numpy()
    assert match.cosines.shape == (3,) and match.cosines.dtype == np.float32
    assert np.allclose(match.cosines, expected, atol=1e-6)
    assert float(np.ptp(match.cosines)) > 1e-3
    assert np.allclose(clip.cosines(images[1:], CAPTIONS[1:]).cosines, expected[1:], atol=1e-6)


def test_the_score_is_torchmetrics_on_the_same_features(clip):
    """100 x mean cosine; torchmetrics' own functional, with these features put in."""
    from torchmetrics.functional.multimodal.clip_score import _clip_score_update

    class Processor:
        tokenizer = None

        def __call__(self, text=None, images=None, **_):
            if images is not None:
                return {"pixel_values": clip.pixels(torch.stack(images))}
            return {"input_ids": clip._tokenizer(text), "attention_mask": clip._tokenizer(text)}

    class Model(nn.Module):
        class config:
            class text_config:
                max_position_embeddings = 77

        def get_image_features(self, pixels):
            return clip.network.encode_image(pixels)

        def get_text_features(self, tokens, _):
            return clip.network.encode_text(tokens)

    images = pictures(3, (32, 32))
    with torch.no_grad():
        scores, num = _clip_score_update(images, CAPTIONS, Model(), Processor())
    match = clip.cosines(images, CAPTIONS)
    ours = {v.metric: v.value for v in clip_values(match.cosines, match.too_long)}
    assert num == 3
    assert ours["clip-x100"] == pytest.approx(float(scores.mean()), abs=1e-4)


@pytest.mark.parametrize("size", [(32, 32), (40, 96)])
def test_float_images_give_the_value_of_uint8_images(clip, size):
    images = pictures(3, size)
    match = clip.cosines(images, CAPTIONS)
    for floats in (images.float() / 255, images.double() / 255):
        assert np.abs(clip.cosines(floats, CAPTIONS).cosines - match.cosines).max() <= 1e-6
    assert torch.equal(as_uint8(images.float() / 255), images)


@pytest.mark.parametrize("images", [pictures(1, (8, 8)).float(), pictures(1, (8, 8)) / 127.5 - 1])
def test_floats_on_another_scale_are_refused(images):
    with pytest.raises(ValueError, match=r"expected floats in \[0, 1\], got"):
        as_uint8(images)


def test_other_types_and_numbers_are_refused(clip):
    with pytest.raises(ValueError, match=r"expected uint8, or float in \[0, 1\], got torch\.int32"):
        as_uint8(torch.zeros(1, 3, 8, 8, dtype=torch.int32))
    with pytest.raises(ValueError, match="expected a caption per image, got 3 for 2"):
        clip.cosines(pictures(2, (32, 32)), CAPTIONS)


def test_captions_over_77_tokens_are_reported(clip):
    """75 words of one token each, a start and an end just fit."""
    captions = ["car " * 75, "car " * 76, "car"]
    assert [clip.num_tokens(text) for text in captions] == [77, 78, 3]
    match = clip.cosines(pictures(1, (32, 32)).expand(3, -1, -1, -1), captions)
    assert match.too_long.tolist() == [False, True, False]
    assert np.isclose(match.cosines[0], match.cosines[1], atol=1e-6)  # the same beginning


def test_embeddings_for_cmmd_are_of_length_1_from_the_same_network(clip):
    extractor = ClipFeatures(clip)
    features = extractor.features(pictures(3, (40, 96)))
    assert features.dtype == torch.float32 and features.shape == (3, 16)
    assert torch.allclose(features.norm(dim=1), torch.ones(3), atol=1e-6)
    assert extractor.protocol == "cmmd"
    assert (extractor.digest, extractor.resizer) == (clip.digest, clip.resizer)


class Holder(nn.Module):
    """Tensors by dotted names, as a TorchScript archive stores them."""

    def __init__(self, tensors):
        super().__init__()
        inner = {}
        for name, tensor in tensors.items():
            head, _, rest = name.partition(".")
            if rest:
                inner.setdefault(head, {})[rest] = tensor
            else:
                self.register_buffer(head, tensor)
        for head, part in inner.items():
            self.add_module(head, Holder(part))


def test_openais_archive_loads_strictly(tmp_path):
    network = tiny_network()
    path = tmp_path / "ViT.pt"
    half = {name: value.half() for name, value in network.state_dict().items()}
    extras = {
        "input_resolution": torch.tensor(32),
        "context_length": torch.tensor(77),
        "vocab_size": torch.tensor(49408),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(Holder({**half, **extras})).save(path)
    weights = openai_weights(path)
    other = tiny_network(seed=1)
    load_into(other, weights, source=path)
    for name, value in other.state_dict().items():
        assert value.dtype == torch.float32
        assert torch.equal(value, half[name].float())


@pytest.mark.parametrize("wrapped", [False, True])
def test_tensors_alone_load_too(tmp_path, wrapped):
    path, state = tmp_path / "clip.pt", tiny_network().state_dict()
    torch.save({"state_dict": state} if wrapped else state, path)
    assert openai_weights(path).keys() == state.keys()


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "clip.pt"
    torch.save({"model": "ViT"}, path)
    with pytest.raises(ValueError, match="expected CLIP weights"):
        openai_weights(path)
    path.write_bytes(b"damaged")
    with pytest.raises(ValueError, match="expected CLIP weights"):
        openai_weights(path)
    state = tiny_network().state_dict()
    state["visual.extra"] = state.pop("visual.proj")
    torch.save(state, path)
    with pytest.raises(ValueError, match=r"missing visual\.proj; unexpected visual\.extra"):
        load_into(tiny_network(), openai_weights(path), source=path)


def test_the_published_architecture():
    """24 layers of width 1024 at 336 pixels, QuickGELU: 427.9 million parameters."""
    from open_clip.transformer import QuickGELU

    with torch.device("meta"):
        network = build_network()
    assert network.visual.image_size == (336, 336)
    assert sum(p.numel() for p in network.parameters()) == 427_944_193
    assert isinstance(network.visual.transformer.resblocks[0].mlp.gelu, QuickGELU)
    assert network.context_length == 77


def test_missing_weights_say_where_to_get_them(tmp_path, monkeypatch):
    monkeypatch.setenv("GCDP_WEIGHTS", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="clip-vit-l-14-336: expected a weights file"):
        StandardClip.load()
    with pytest.raises(FileNotFoundError, match="found none at"):
        StandardClip.load(tmp_path / "none.pt")

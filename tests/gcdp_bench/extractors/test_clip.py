"""The small CLIP: tokens, files, and that it can tell captions apart."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gcdp_bench.core.config import to_dict, write_json
from gcdp_bench.core.rng import generator
from gcdp_bench.core.types import Triplet
from gcdp_bench.extractors.clip import ClipConfig, SmallClip, Tokenizer, build_clip
from gcdp_bench.extractors.clip_training import CLIP_PRESETS, ClipTask
from gcdp_bench.training.checkpoint import save_weights
from gcdp_bench.training.steps import weighted_total


class Shades:
    """Eight grey levels, each with its own caption."""

    name, split, class_names, image_size = "shades", "train", ("a",), (16, 32)

    def __len__(self):
        return 8

    def __getitem__(self, index):
        image = torch.full((3, 16, 32), 30 * index, dtype=torch.uint8)
        return Triplet(
            f"{index}",
            image,
            image[0],
            f"shade {'zero one two three four five six seven'.split()[index]}",
        )

    def caption_classes(self, caption):
        return frozenset()


CONFIG = replace(
    CLIP_PRESETS["tiny"].resolve(Shades()).config,
    width=32,
    layers=1,
    head_width=16,
    embed_dim=16,
    context_length=8,
)


def test_the_end_token_keeps_the_largest_index():
    tokens, too_long = Tokenizer(CONFIG)(["shade one", "shade unseenword two"])
    end = len(CONFIG.vocabulary) + 1
    assert tokens.max(1).values.tolist() == [end, end]
    assert not too_long.any()
    assert (tokens[1] == 1).any() and not (tokens[0] == 1).any()


def test_long_captions_are_marked_and_still_end():
    tokens, too_long = Tokenizer(CONFIG)(
        ["shade one two three four five six seven one", "shade one"]
    )
    assert too_long.tolist() == [True, False]
    assert tokens[0, -1] == len(CONFIG.vocabulary) + 1


def test_cosines_are_those_of_the_network_and_do_not_depend_on_the_batch(tmp_path):
    torch.manual_seed(0)
    network = build_clip(CONFIG)
    trained = {f"clip.{name}": tensor for name, tensor in network.state_dict().items()}
    save_weights(tmp_path / "model.safetensors", {**trained, "image_bias": torch.zeros(1)})
    write_json(tmp_path / "config.json", {"task": {"clip": to_dict(CONFIG)}})
    clip = SmallClip.load(tmp_path)
    images = torch.randint(0, 256, (3, 3, 16, 32), dtype=torch.uint8, generator=generator(0))
    captions = ["shade one", "shade two", "shade three"]
    got = clip.cosines(images, captions)
    tokens, _ = Tokenizer(CONFIG)(captions)
    with torch.no_grad():
        image = network.encode_image(images.float() / 127.5 - 1)
        text = network.encode_text(tokens)
    expected = torch.cosine_similarity(image, text).numpy()
    assert np.allclose(got.cosines, expected, atol=1e-5)
    assert got.too_long.tolist() == [False] * 3
    assert np.allclose(clip.cosines(images[2:], captions[2:]).cosines, got.cosines[2:], atol=1e-5)
    with pytest.raises(ValueError, match=r"expected images of \(16, 32\)"):
        clip.cosines(images[..., :16], captions)


def test_features_are_unit_vectors_and_images_get_gradients():
    """Of 70 captions in chunks of 64, each is that of the caption alone."""
    torch.manual_seed(0)
    clip = SmallClip(CONFIG, build_clip(CONFIG))
    images = torch.rand(2, 3, 16, 32, generator=generator(0)) * 2 - 1
    features = clip.image_features(images.requires_grad_())
    expected = clip.network.encode_image(images)
    torch.testing.assert_close(features, expected / expected.norm(dim=1, keepdim=True))
    features[0, 0].backward()
    assert images.grad is not None and images.grad[0].any() and not images.grad[1].any()
    captions = ["shade one", "shade two three", *["shade four"] * 67, "shade seven"]
    text = clip.text_features(captions)
    assert text.shape == (70, 16)
    for index in (0, 1, 30, 69):
        tokens, _ = Tokenizer(CONFIG)([captions[index]])
        with torch.no_grad():
            alone = clip.network.encode_text(tokens)[0]
        torch.testing.assert_close(text[index], alone / alone.norm(), atol=1e-5, rtol=1e-4)
    with pytest.raises(ValueError, match=r"expected images of \(16, 32\)"):
        clip.image_features(images[..., :16])


def test_the_teacher_is_apart_from_the_extractor():
    extractor, teacher = (CLIP_PRESETS[name].resolve(Shades()) for name in ("tiny", "teacher"))
    assert (extractor.config.tower, teacher.config.tower) == ("transformer", "convolutional")
    assert extractor.training.seed != teacher.training.seed
    assert (CLIP_PRESETS["tiny"].width, CLIP_PRESETS["teacher"].width) == (128, 64)


def test_it_learns_to_tell_captions_apart():
    task = ClipTask(CONFIG, Shades(), Shades())
    torch.manual_seed(0)
    network = task.build()
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    first = task.validation(network.eval())
    for step in range(60):
        terms = task.losses(network.train(), task.batch(range(8), generator(step)))
        loss = weighted_total(terms, task.loss_weights)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    last = task.validation(network.eval())
    assert last["contrastive"] < 0.5 * first["contrastive"]
    assert last["own_beats_other"] > 0.9


def test_the_same_caption_is_not_held_against_its_twin():
    class Twins(Shades):
        def __getitem__(self, index):
            return replace(super().__getitem__(index), caption="shade one")

    task = ClipTask(CONFIG, Twins(), Twins())
    network = task.build()
    loss = task.losses(network, task.batch(range(8), generator(0)))["contrastive"]
    images = task.batch(range(8), generator(0))["image"].float() / 127.5 - 1
    tokens, _ = Tokenizer(CONFIG)(["shade one"] * 8)
    output = network(images, tokens, tokens[:1])
    logits = (network.clip.logit_scale.exp() * output["image"] @ output["text"].T).detach()
    uniform = -(logits.log_softmax(1).mean() + logits.T.log_softmax(1).mean()) / 2
    assert float(loss.detach()) == pytest.approx(float(uniform), rel=1e-4)


def test_patches_and_captions_are_asked_for_the_classes_of_the_layout():
    class Halves(Shades):
        class_names = ("left", "right")

        def __getitem__(self, index):
            triplet = super().__getitem__(index)
            layout = torch.zeros(16, 32, dtype=torch.uint8)
            layout[:, 24:] = 1
            return replace(triplet, layout=layout)

        def caption_classes(self, caption):
            return frozenset({1} if "one" in caption else set())

    task = ClipTask(CONFIG, Halves(), Halves())
    _, patches, named, _ = task._examples("train", [0, 1])
    assert patches[0, 0].tolist() == [[True, True, True, False]] * 2  # of 8 x 8 pixels
    assert patches[0, 1].tolist() == [[False, False, False, True]] * 2
    assert named.tolist() == [[False, False], [False, True]]


def test_config_is_the_presets():
    assert isinstance(CONFIG, ClipConfig) and 49407 in CONFIG.vocabulary

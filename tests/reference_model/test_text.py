"""The weightless encoder is fixed and sensible; T5 is read from a folder."""

import json
import logging
import shutil
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from gcdp_bench.core.progress import Silent
from gcdp_bench.extractors.store import add_weights
from reference_model.text import TextConfig, build_text_encoder

HASH = TextConfig(encoder="hash-ngram", dim=64, max_tokens=6)


def vector(word: str) -> torch.Tensor:
    return build_text_encoder(HASH).encode([word]).tokens[0, 0]


def test_vectors_are_the_same_on_every_machine():
    expected = torch.tensor([0.9577, -0.8103, 0.9466])
    assert vector("car")[:3] == pytest.approx(expected, abs=1e-4)


def test_related_words_are_closer_than_unrelated_ones():
    def cosine(a, b):
        return torch.cosine_similarity(vector(a), vector(b), dim=0)

    assert cosine("motorcycle", "motorcycles") > 0.6
    assert abs(cosine("motorcycle", "vegetation")) < 0.4


def test_padding_is_zero_and_masked():
    encoded = build_text_encoder(HASH).encode(["Two words", ""])
    assert encoded.mask.sum(1).tolist() == [2, 0]
    assert encoded.tokens[0, 2:].abs().max() == 0
    assert encoded.tokens.shape == (2, 6, 64)


def test_a_caption_does_not_depend_on_its_batch():
    encoder = build_text_encoder(HASH)
    alone, together = encoder.encode(["a car"]), encoder.encode(["trees and sky", "a car"])
    assert torch.equal(alone.tokens[0], together.tokens[1])


def test_a_long_caption_is_cut_with_a_warning(caplog):
    with caplog.at_level(logging.WARNING):
        encoded = build_text_encoder(HASH).encode(["a b c d e f g h"])
    assert encoded.mask.all()
    assert "1 captions are longer than 6 tokens" in caplog.text


@pytest.fixture(scope="module")
def t5_folder(tmp_path_factory):
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, T5Config, T5EncoderModel

    folder = tmp_path_factory.mktemp("t5")
    words = ["<pad>", "</s>", "<unk>", "a", "car", "and", "sky"]
    tokenizer = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    ).save_pretrained(folder)
    config = T5Config(vocab_size=8, d_model=16, d_kv=4, d_ff=32, num_layers=1, num_heads=4)
    torch.manual_seed(0)
    T5EncoderModel(config).save_pretrained(folder)
    return folder


def test_t5_equals_the_model_without_padding(t5_folder):
    from transformers import T5EncoderModel

    config = TextConfig(encoder="t5", dim=16, max_tokens=8, path=str(t5_folder))
    encoded = build_text_encoder(config).encode(["a car and sky", "a car"])
    model = T5EncoderModel.from_pretrained(t5_folder).eval()
    with torch.no_grad():
        expected = model(torch.tensor([[3, 4]])).last_hidden_state[0]
    assert encoded.mask[1].tolist() == [True] * 2 + [False] * 6
    assert torch.allclose(encoded.tokens[1, :2], expected, atol=1e-5)
    assert encoded.tokens[1, 2:].abs().max() == 0


def test_t5_of_another_width_is_refused(t5_folder):
    config = TextConfig(encoder="t5", dim=1024, max_tokens=8, path=str(t5_folder))
    with pytest.raises(ValueError, match="expected token width 1024, got 16"):
        build_text_encoder(config)


def changed(folder, target, *, without=(), **files):
    """A copy of a folder, without some files or with other contents; the suffix is json."""
    shutil.copytree(folder, target, ignore=shutil.ignore_patterns(*without))
    for name, content in files.items():
        (target / f"{name}.json").write_text(content)
    return TextConfig(encoder="t5", dim=16, max_tokens=8, path=str(target))


@pytest.mark.parametrize(
    ("without", "found"),
    [
        (["tokenizer.json"], "got config.json, model.safetensors, tokenizer_config.json"),
        (["tokenizer*"], "got config.json, model.safetensors"),
        (["config.json"], "config.json: expected the settings of a t5, found none"),
    ],
)
def test_t5_without_one_of_its_files_is_refused(t5_folder, tmp_path, without, found):
    with pytest.raises(FileNotFoundError, match=found):
        build_text_encoder(changed(t5_folder, tmp_path / "t5", without=without))


def test_a_vocabulary_in_another_format_says_how_it_is_converted(t5_folder, tmp_path):
    config = changed(t5_folder, tmp_path / "t5", without=["tokenizer.json"])
    (tmp_path / "t5" / "spiece.model").write_bytes(b"")
    with pytest.raises(FileNotFoundError, match=r"from_pretrained\(FOLDER\)\.save_pretrained"):
        build_text_encoder(config)


@pytest.mark.parametrize("content", ["", "{}", "version https://git-lfs.github.com/spec/v1"])
def test_a_damaged_tokenizer_is_refused(t5_folder, tmp_path, content):
    with pytest.raises(ValueError, match=r"tokenizer\.json: expected a tokenizer"):
        build_text_encoder(changed(t5_folder, tmp_path / "t5", tokenizer=content))


@pytest.mark.parametrize("num_words", [0, 9, 300])
def test_the_tokenizer_of_another_network_is_refused(t5_folder, tmp_path, num_words):
    tokenizer = json.loads((t5_folder / "tokenizer.json").read_text())
    words = ["<pad>", "</s>", "<unk>", *(f"word{i}" for i in range(num_words))]
    tokenizer["model"]["vocab"] = {word: index for index, word in enumerate(words)}
    folder = t5_folder if num_words else large_t5(tmp_path / "large", t5_folder)
    config = changed(folder, tmp_path / "t5", tokenizer=json.dumps(tokenizer))
    with pytest.raises(ValueError, match=f"token embeddings of the network, got {len(words)}"):
        build_text_encoder(config)


def large_t5(folder, t5_folder):
    """The same network with 200 token embeddings."""
    from transformers import T5Config, T5EncoderModel

    shutil.copytree(t5_folder, folder)
    config = T5Config.from_pretrained(t5_folder, vocab_size=200)
    T5EncoderModel(config).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("name", ["num_heads", "d_kv", "layer_norm_epsilon", "vocab_size"])
def test_t5_without_a_setting_is_refused(t5_folder, tmp_path, name):
    settings = json.loads((t5_folder / "config.json").read_text())
    del settings[name]
    with pytest.raises(ValueError, match=f"got no {name}, for which transformers would take"):
        build_text_encoder(changed(t5_folder, tmp_path / "t5", config=json.dumps(settings)))


@pytest.mark.parametrize("kind", ["bert", None])
def test_another_kind_of_network_is_refused(t5_folder, tmp_path, kind):
    settings = json.loads((t5_folder / "config.json").read_text()) | {"model_type": kind}
    with pytest.raises(ValueError, match="expected model_type t5 or mt5"):
        build_text_encoder(changed(t5_folder, tmp_path / "t5", config=json.dumps(settings)))


@pytest.mark.parametrize("extra", ["decoder.block.0.weight", "lm_head.weight", None])
def test_t5_without_a_tensor_is_refused_and_with_its_decoder_read(t5_folder, tmp_path, extra):
    config = changed(t5_folder, tmp_path / "t5")
    path = tmp_path / "t5" / "model.safetensors"
    weights = load_file(path)
    if extra is not None:
        save_file({**weights, extra: torch.zeros(2)}, path, metadata={"format": "pt"})
        assert build_text_encoder(config).encode(["a car"]).mask.sum() == 2
        return
    name = "encoder.block.0.layer.0.SelfAttention.q.weight"
    del weights[name]
    save_file(weights, path, metadata={"format": "pt"})
    with pytest.raises(ValueError, match=f"another network: missing {name}"):
        build_text_encoder(config)


def test_different_captions_have_different_vectors_or_are_refused(t5_folder, caplog):
    config = TextConfig(encoder="t5", dim=16, max_tokens=8, path=str(t5_folder))
    encoder = build_text_encoder(config)
    one, other = encoder.encode(["a car and sky", "sky and a car"]).tokens
    assert not torch.allclose(one, other)
    assert not caplog.text
    encoder.encode(["a zebra"])
    assert "1 captions have characters that the T5 tokenizer does not know" in caplog.text
    with pytest.raises(ValueError, match="knows no word: 'zebras run'"):
        encoder.encode(["a car", "zebras run"])
    assert encoder.encode([""]).tokens.shape == (1, 8, 16)


def test_missing_t5_says_how_to_get_it(tmp_path):
    with pytest.raises(FileNotFoundError, match="expected a folder with T5 weights"):
        build_text_encoder(TextConfig(encoder="t5", path=str(tmp_path / "none")))
    with pytest.raises(FileNotFoundError, match="hf download google-t5/t5-large"):
        build_text_encoder(TextConfig(encoder="t5", path=str(tmp_path)))


def test_without_a_path_t5_comes_from_the_store(t5_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("GCDP_WEIGHTS", str(tmp_path / "store"))
    config = TextConfig(encoder="t5", dim=16, max_tokens=8)
    with pytest.raises(FileNotFoundError, match="gcdp-bench weights add t5-large"):
        build_text_encoder(config)
    add_weights("t5-large", t5_folder, progress=Silent())
    given = replace(config, path=str(t5_folder))
    stored, expected = (build_text_encoder(c).encode(["a car"]) for c in (config, given))
    assert torch.equal(stored.tokens, expected.tokens)

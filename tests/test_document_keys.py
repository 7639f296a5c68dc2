"""Settings that documents and messages name exist."""

import json
import re
from collections.abc import Iterator
from functools import cache
from itertools import islice

from gcdp_bench.core.config import override, to_dict
from gcdp_bench.generators.registry import NETWORKS
from gcdp_bench.train import Request, resolve
from tests.documents import is_prose, texts

KEY = r"[a-z][a-z_0-9]*(?:\.[a-z][a-z_0-9]*)*"
ASSIGNED = re.compile(rf"(?:--set|\b[Ss]et) `?({KEY})=")
NAMED = re.compile(rf"--set ({KEY})")
HEADS = (
    "stage",
    "training",
    "unet",
    "text",
    "process",
    "low_res",
    "loss",
    "network",
    "ldm",
    "lafite",
    "labels",
    "layouts",
    "segmenter",
    "attributes",
    "gansformer",
    "autoencoder",
)
DOTTED = re.compile(rf"(?<![\w./@-])((?:{'|'.join(HEADS)})\.[a-z][a-z_0-9.]*[a-z_0-9])(?![\w(/])")
NOT_KEYS = (".json", ".py", ".safetensors", ".md", ".npz", ".parquet", ".csv", ".jsonl")


@cache
def keys() -> dict[str, str]:
    """Every key that is named -> where."""
    found: dict[str, str] = {}
    for where, text in texts():
        for pattern in (ASSIGNED, NAMED, DOTTED):
            for key in pattern.findall(text):
                key = key.rstrip(".")
                if not key.endswith(NOT_KEYS) and (pattern is not DOTTED or is_prose(where, text)):
                    found.setdefault(key, where)
    return found


@cache
def runs() -> dict[str, object]:
    """A resolved configuration of every network, at a preset of either text encoder."""
    found = {}
    for name, network in NETWORKS.items():
        for preset in sorted({"tiny", network.presets[-1] if name != "imagen" else "paper-celeba"}):
            for stage in network.stages or (None,):
                request = Request(model=name, dataset="celeba-25", preset=preset, stage=stage)
                found[f"{name} {stage} {preset}"] = resolve(request).settings.tables()
    return found


def value_of(config: object, key: str) -> object:
    """Of the one setting that ends with `key`.

    Raises:
        KeyError: there is none.
    """
    parts = key.split(".") if "." in key else ["training", key]

    def walk(node: object, path: list[str]) -> Iterator[object]:
        if isinstance(node, dict):
            for name, value in node.items():
                here = [*path, name]
                if here[-len(parts) :] == parts:
                    yield value
                yield from walk(value, here)

    found = list(walk(to_dict(config), []))
    if not found:
        raise KeyError(key)
    return found[0]


def accepted_by(key: str) -> Iterator[str]:
    """Networks for which `train --set KEY=VALUE` accepts the key, with the value that it has."""
    for name, config in runs().items():
        full = key if "." in key else f"training.{key}"
        try:
            value = json.dumps(value_of(config, key))
            if to_dict(override(config, [f"{full}={value}"])) == to_dict(config):
                yield name
        except (KeyError, ValueError):
            continue


def test_every_key_that_is_named_is_a_setting():
    assert {"text.path", "text.dim", "ldm.autoencoder", "precision", "stage.unet.dim"} <= {*keys()}
    assert len(keys()) > 30
    wrong = {key: where for key, where in keys().items() if not any(accepted_by(key))}
    assert not wrong


def test_a_key_that_does_not_exist_would_be_noticed():
    assert ASSIGNED.findall("pass `--set text.pth=FOLDER`") == ["text.pth"]
    assert not any(accepted_by("text.pth")) and not any(accepted_by("stepps"))
    assert any(accepted_by("text.path")) and any(accepted_by("lafite.loss.image_text_weight"))


if __name__ == "__main__":
    for key, where in sorted(keys().items()):
        print(f"{key:44s} {where:44s} {', '.join(islice(accepted_by(key), 3))}")

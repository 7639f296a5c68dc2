"""What `guided` fuzzes: readers, a valid file for each, and how bytes become a file.

Formats whose parts have check sums are built around the bytes, so that changes reach the reader.
"""

import io
import json
import pickle
import struct
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save

from gcdp_bench.core.config import from_dict, override, read_json, to_dict
from gcdp_bench.core.images import read_image, read_layout
from gcdp_bench.datasets.captions import parse_caption
from gcdp_bench.datasets.celeba.pickled import read_pickled_ids
from gcdp_bench.datasets.faces import ATTRIBUTE_NAMES
from gcdp_bench.datasets.folder_files import read_captions
from gcdp_bench.evaluation.features import FeatureCache
from gcdp_bench.extractors.checkpoints import read_checkpoint
from gcdp_bench.extractors.torchscript import torchscript_tensors
from gcdp_bench.generators.sample_folder import read_record
from gcdp_bench.io.validation import check_caption, check_id
from gcdp_bench.results.schema import to_frame
from gcdp_bench.results.table import read_rows
from gcdp_bench.training.checkpoint import load_weights
from reference_model.stage import StageConfig
from tests.fuzz.common import png
from tests.fuzz.test_manifests import FILE_READERS, LINE_READERS
from tests.fuzz.test_pickles import packed, scripted
from tests.gcdp_bench.profiling.test_training_cost import COST
from tests.gcdp_bench.results.test_schema import record
from tests.reference_model.conftest import base_config

STAGE = base_config()
NAMES = ("road", "car", "bus", "tree")


@dataclass(frozen=True)
class Target:
    """A reader. `seed` is content that it takes; `file` makes the file of any content."""

    name: str  # of the file
    seed: bytes
    read: Callable[[Path], Any]
    file: Callable[[bytes], bytes] = bytes


def lines(*records: Any) -> bytes:
    return "\n".join(json.dumps(record) for record in records).encode()


def picture(kind: str, mode: str = "RGB") -> bytes:
    stream = io.BytesIO()
    Image.new(mode, (5, 4)).save(stream, kind)
    return stream.getvalue()


def png_of(content: bytes) -> bytes:
    """A PNG with the width, height, depth and colour of the first bytes and rows of the others."""
    width, height, depth, colour = struct.unpack(">HHBB", content[:6].ljust(6, b"\1"))
    return png(width, height, content[6:], depth=depth, colour=colour)


def zipped(name: str, others: Mapping[str, bytes] = MappingProxyType({})) -> Callable:
    """Puts content into an archive, beside other files."""

    def file(content: bytes) -> bytes:
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            for other, kept in {name: content, **others}.items():
                archive.writestr(other, kept)
        return stream.getvalue()

    return file


def part_of(archive: bytes, name: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return next(opened.read(entry) for entry in opened.namelist() if entry.endswith(name))


def array(values: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, values)
    return stream.getvalue()


def parquet() -> bytes:
    return to_frame([record(), record(seed=1)]).to_parquet(index=False)


def text_of(read: Callable[[str], Any]) -> Callable[[Path], Any]:
    return lambda path: read(path.read_bytes().decode("utf-8", "surrogateescape"))


WEIGHTS = {"a.weight": torch.arange(6.0).reshape(2, 3), "b": torch.ones(3).half()}
TWO = ({"id": "a", "caption": "a car and a tree"}, {"id": "b", "caption": "\u05d0 <script>"})
FACES = f"1\n{' '.join(ATTRIBUTE_NAMES)}\n0.jpg {'1 -1 ' * 20}\n".encode()

TARGETS: Mapping[str, Target] = {
    "json": Target("some.json", b'{"a": [1, -2.5e3, null, true, "\\u00e9"]}', read_json),
    "configuration": Target(
        "config.json",
        json.dumps(to_dict(STAGE)).encode(),
        lambda path: from_dict(StageConfig, read_json(path), where="config.json"),
    ),
    "setting": Target("set", b"unet.dim=16", text_of(lambda text: override(STAGE, [text]))),
    "captions": Target("captions.jsonl", lines(*TWO), read_captions),
    "caption": Target(
        "caption",
        b"two cars, a bus and no tree",
        text_of(lambda text: (check_caption(text), parse_caption(text, NAMES))),
    ),
    "id": Target("id", b"aachen_000001", text_of(check_id)),
    "samples": Target(
        "samples.json",
        b'{"seconds": 1.5, "hardware": ["a CPU"]}',
        lambda path: read_record(path.parent),
    ),
    "classes": Target(
        "classes.json",
        b'{"classes": ["road", "car"], "dataset": "city"}',
        FILE_READERS["classes.json"],
    ),
    "point": Target(
        "point.json",
        b'{"samples": "points/a", "reference": "cache/b.npz"}',
        FILE_READERS["point.json"],
    ),
    "cost": Target("cost.json", json.dumps(to_dict(COST)).encode(), FILE_READERS["cost.json"]),
    "exclude": Target(
        "quarantine.jsonl", b'{"id": "a", "split": "test"}', LINE_READERS["quarantine.jsonl"]
    ),
    "manifest": Target(
        "a_captions.jsonl",
        b'{"file_name": "a.png", "text": ["a car"]}',
        LINE_READERS["a_captions.jsonl"],
    ),
    "mapping": Target(
        "mapping.txt", b"id index file\n0 12 000013.jpg\n", LINE_READERS["mapping.txt"]
    ),
    "attributes": Target("attributes.txt", FACES, LINE_READERS["attributes.txt"]),
    "png": Target("a.png", picture("PNG"), read_image),
    "png parts": Target("a.png", struct.pack(">HHBB", 2, 2, 8, 2) + bytes(14), read_image, png_of),
    "jpeg": Target("a.jpg", picture("JPEG"), read_image),
    "layout": Target("a.png", picture("PNG", "P"), read_layout),
    "layout parts": Target(
        "a.png", struct.pack(">HHBB", 2, 2, 8, 0) + bytes(6), read_layout, png_of
    ),
    "safetensors": Target("model.safetensors", save(WEIGHTS), load_weights),
    "checkpoint": Target(
        "a.pth", packed("legacy", WEIGHTS), lambda path: read_checkpoint(path, expected="weights")
    ),
    "checkpoint's pickle": Target(
        "a.pth",
        part_of(packed("zip", WEIGHTS), "data.pkl"),
        lambda path: read_checkpoint(path, expected="weights"),
        zipped(
            "archive/data.pkl",
            {
                "archive/data/0": bytes(24),
                "archive/data/1": bytes(6),
                "archive/version": b"3\n",
                "archive/byteorder": b"little",
            },
        ),
    ),
    "torchscript's pickle": Target(
        "a.pt",
        part_of(scripted(torch.nn.Linear(2, 2)), "data.pkl"),
        torchscript_tensors,
        zipped(
            "a/data.pkl",
            {
                "a/code/a.py": b"",
                "a/constants.pkl": pickle.dumps(()),
                "a/data/0": bytes(16),
                "a/data/1": bytes(8),
            },
        ),
    ),
    "torchscript": Target("a.pt", scripted(torch.nn.Linear(2, 2)), torchscript_tensors),
    "pickled ids": Target("ids.pickle", pickle.dumps(["12", "7"]), read_pickled_ids),
    "array": Target(
        "a.npz", array(np.arange(6.0).reshape(2, 3)), FeatureCache.load, zipped("cosines.npy")
    ),
    "arrays": Target("a.npz", zipped("cosines.npy")(array(np.arange(3.0))), FeatureCache.load),
    "table": Target("results.parquet", parquet(), lambda path: read_rows(path.parent)),
}

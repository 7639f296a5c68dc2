"""A whole benchmark small enough to run in a test: data, generators, extractors, all untrained."""

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from gcdp_bench.core.config import to_dict, write_json
from gcdp_bench.core.rng import generator
from gcdp_bench.core.types import Dataset
from gcdp_bench.datasets.folder_writer import FolderWriter
from gcdp_bench.datasets.identities import dataset_identity
from gcdp_bench.datasets.identity import DatasetIdentity
from gcdp_bench.extractors.clip_training import CLIP_PRESETS, ClipTask
from gcdp_bench.extractors.hrnet import HRNetSegmenter
from gcdp_bench.extractors.segmenter import SegmenterConfig
from gcdp_bench.training.checkpoint import save_weights
from tests.gcdp_bench.extractors.test_segmenter import NARROW
from tests.reference_model.conftest import Stripes
from tests.reference_model.test_generator import write_cascade

NUM = {"train": 6, "val": 3, "test": 12}
NAMES = Stripes().class_names


@dataclass(frozen=True)
class Toy:
    """Folders of the parts."""

    data: Path
    reference: Path
    imagen: Path
    segmenter: Path
    clip: Path

    @property
    def identity(self) -> DatasetIdentity:
        """Of the data."""
        return dataset_identity(str(self.data))

    def extractors(self) -> list[str]:
        """Options of the command line."""
        return ["--segmenter", str(self.segmenter), "--clip", str(self.clip)]


def named(name: str) -> DatasetIdentity:
    """A dataset of which only the name is known."""
    return DatasetIdentity(
        name=name, kind="catalogue", class_names=None, digest=None, num_training=None, place=name
    )


def at(root: Path) -> Toy:
    """The parts that `build` wrote into a folder."""
    return Toy(*(root / name for name in ("stripes", "reference", "imagen", "segmenter", "clip")))


def build(root: Path) -> None:
    toy = at(root)
    for split, num in NUM.items():
        _write_split(toy.data / split, split, num)
    write_cascade(toy.reference)
    write_cascade(toy.imagen, layouts=False)
    write_extractors(toy.segmenter, toy.clip, Stripes())


def write_extractors(segmenter: Path, clip: Path, dataset: Dataset) -> None:
    """An untrained segmenter and CLIP for a dataset."""
    torch.manual_seed(0)
    config = SegmenterConfig(
        dataset=dataset.name,
        class_names=dataset.class_names,
        image_size=dataset.image_size,
        network=NARROW,
        variant="tiny",
    )
    network = HRNetSegmenter(NARROW, len(dataset.class_names))
    _write(segmenter, network, "segmenter", config)
    clip_config = replace(
        CLIP_PRESETS["tiny"].resolve(dataset).config,
        width=32,
        layers=1,
        head_width=16,
        embed_dim=16,
        context_length=12,
    )
    _write(clip, ClipTask(clip_config, dataset, dataset).build(), "clip", clip_config)


def _write_split(folder: Path, split: str, num: int) -> None:
    writer = FolderWriter(folder, class_names=NAMES, dataset="stripes", split=split)
    scenes, random = Stripes(), generator("toy", split)
    for index in range(num):
        triplet = scenes[index % len(scenes)]
        noise = torch.randint(0, 40, triplet.image.shape, generator=random, dtype=torch.uint8)
        writer.write(f"{index:03d}", triplet.image + noise, triplet.layout, triplet.caption)


def _write(folder: Path, network: torch.nn.Module, kind: str, config) -> None:
    folder.mkdir(parents=True)
    save_weights(folder / "model.safetensors", network.state_dict())
    write_json(folder / "config.json", {"task": {kind: to_dict(config)}})

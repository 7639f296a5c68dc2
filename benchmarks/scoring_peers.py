"""Scoring a folder against the usual programs, one after the other on the same PNG files.

    OMP_NUM_THREADS=1 python -m benchmarks.scoring_peers [--num-images 256] [--pairs 3]
        [--size 256x512] [--resize native] [--clip ViT-L-14-336]

Theirs: torch-fidelity (FID, KID, precision and recall; the reference's features come from its
cache), open_clip (cosine of every image and its caption), mmseg (`inference_model` on every image,
mIoU). Ours: `extract_features` and `score_generated` with the reference's statistics at hand: these
metrics and all others, with intervals. All of them are packages of `pip install -e .[dev]`.

The networks have the standard architectures and random weights, written here; both sides use the
same ones. Loading is not counted, except of Inception by torch-fidelity, which loads it in every
call. CPU seconds of one thread, in alternating pairs after one image of each. A line of the table
per part: `inception`, `clip` and `segmenter` are the networks' calls of ours against the whole
programs; `rest` is what ours needs besides, reading and all metrics; `all` is the comparison.
Lines of the same images and networks are replaced.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from benchmarks.numerics import processor
from benchmarks.pairs import compared
from gcdp_bench.core.images import Size
from gcdp_bench.core.progress import Silent
from gcdp_bench.datasets.folder import Folder
from gcdp_bench.datasets.folder_writer import FolderWriter
from gcdp_bench.datasets.registry import open_dataset
from gcdp_bench.evaluation import (
    EvalOptions,
    Reference,
    extract_features,
    reference_statistics,
    score_generated,
)
from gcdp_bench.extractors.bundle import Extractors
from gcdp_bench.extractors.clip_standard import StandardClip
from gcdp_bench.extractors.hrnet import W48, HRNetSegmenter, quiet_mmseg
from gcdp_bench.extractors.inception import Inception, InceptionNetwork
from gcdp_bench.extractors.resizers import tf1_bilinear
from gcdp_bench.extractors.segmenter_standard import (
    CITYSCAPES_CLASSES,
    MEAN,
    STD,
    StandardSegmenter,
    parse_resize,
)
from gcdp_bench.io.atomic import replacing
from gcdp_bench.io.cache import UserCache

DATASET = "synth-city-25"
MMSEG_CONFIG = ".mim/configs/hrnet/fcn_hr48_4xb2-160k_cityscapes-512x1024.py"
CPU_BATCH_NORM = {"type": "BN", "requires_grad": True}
BATCH = 32
CALIBRATION = 4  # images that set the statistics of batch norm
KEY = ["part", "num_images", "size", "resize", "clip"]

Seconds = dict[str, float]
Values = dict[str, float]


@dataclass(frozen=True)
class Folders:
    """PNG files, layouts and captions."""

    generated: Path
    real: Path


class Theirs:
    """The three programs.

    Args:
        mmseg_model: with weights, and `cfg.test_pipeline`.
        clip: of open_clip, with weights.
        inception: file of weights.
        cache: folder for torch-fidelity's features of the reference.
    """

    def __init__(self, mmseg_model: Any, clip: Any, inception: Path, cache: Path):
        import open_clip
        from open_clip.transform import PreprocessCfg, image_transform_v2

        self._segmenter, self._clip = mmseg_model, clip
        self._inception, self._cache = inception, cache
        settings = PreprocessCfg(**open_clip.get_model_preprocess_cfg(clip))
        self._preprocess: Any = image_transform_v2(settings, is_train=False)
        self._tokenizer = open_clip.SimpleTokenizer(context_length=clip.context_length)

    def score(self, folders: Folders, num: int) -> tuple[Seconds, Values]:
        """Score the generated images, by one program after the other."""
        samples = Folder(folders.generated, "test")
        names = list(samples.ids)[:num]
        images = [samples.image_path(name) for name in names]
        captions = samples.own_captions() or {}
        seconds: Seconds = {}
        values: Values = {}
        for part, program in (
            ("inception", lambda: self.fidelity(folders)),
            ("clip", lambda: self.cosine(images, [captions[name] for name in names])),
            ("segmenter", lambda: self.miou(images, [samples.layout_path(n) for n in names])),
        ):
            start = time.process_time()
            values |= program()
            seconds[part] = time.process_time() - start
        return seconds | {"all": sum(seconds.values())}, values

    def fidelity(self, folders: Folders) -> Values:
        """torch-fidelity."""
        from torch_fidelity import calculate_metrics

        num = len(list((folders.generated / "images").glob("*.png")))
        with quiet():
            found = calculate_metrics(
                input1=str(folders.generated / "images"),
                input2=str(folders.real / "images"),
                input2_cache_name="real",
                cache_root=str(self._cache),
                fid=True,
                kid=True,
                prc=True,
                feature_extractor="inception-v3-compat",
                feature_extractor_weights_path=str(self._inception),
                kid_subset_size=min(1000, num),
                cuda=False,
                verbose=False,
                batch_size=BATCH,
                save_cpu_ram=True,
            )
        return {"fid": found["frechet_inception_distance"], "recall": found["recall"]}

    @torch.no_grad()
    def cosine(self, images: Sequence[Path], captions: Sequence[str]) -> Values:
        """open_clip's usual loop."""
        from PIL import Image

        cosines = []
        for start in range(0, len(images), BATCH):
            part = slice(start, start + BATCH)
            pixels = [self._preprocess(Image.open(path).convert("RGB")) for path in images[part]]
            image = self._clip.encode_image(torch.stack(pixels), normalize=True)
            text = self._clip.encode_text(self._tokenizer(list(captions[part])), normalize=True)
            cosines.append((image * text).sum(-1))
        return {"clip": float(torch.cat(cosines).mean())}

    def miou(self, images: Sequence[Path], layouts: Sequence[Path]) -> Values:
        """mmseg."""
        from mmseg.apis import inference_model
        from mmseg.evaluation import IoUMetric
        from PIL import Image

        num = len(CITYSCAPES_CLASSES)
        areas: list[tuple[torch.Tensor, ...]] = []
        for path, layout in zip(images, layouts, strict=True):
            with quiet():
                found: Any = inference_model(self._segmenter, str(path))
            own = np.array(Image.open(layout))
            own[own >= num] = 255
            predicted = found.pred_sem_seg.data[0].cpu()
            label = torch.from_numpy(own)
            areas.append(IoUMetric.intersect_and_union(predicted, label, num, 255))
        intersect, union = (torch.stack([area[place] for area in areas]).sum(0) for place in (0, 1))
        return {"miou": float((intersect / union).nanmean())}


class Ours:
    """The package."""

    def __init__(self, extractors: Extractors, reference: Reference):
        self._extractors, self._reference = extractors, reference

    def score(self, folders: Folders, num: int) -> tuple[Seconds, Values]:
        """Score the generated images."""
        seconds: Seconds = {}
        start = time.process_time()
        extractors = self._extractors
        with (
            timed(extractors.features[0], "features", "inception", seconds),
            timed(extractors.clip, "cosines", "clip", seconds),
            timed(extractors.segmenter, "predict", "segmenter", seconds),
        ):
            samples = Folder(folders.generated, "test")
            options = EvalOptions(num=num)
            seen = extract_features(samples, extractors, options, progress=Silent(), task="score")
        rows = score_generated(seen, self._reference, extractors).frame()
        total = time.process_time() - start
        rows = rows[rows["class"] == "all"].set_index("metric")["value"]
        values = {
            "fid": rows["fid-tf1"],
            "recall": rows["recall-tf1"],
            "clip": seen.cosines.mean(),
            "miou": rows["miou"],
        }
        return seconds | {"rest": total - sum(seconds.values()), "all": total}, values


@contextmanager
def timed(owner: Any, method: str, part: str, seconds: Seconds):
    """Add the CPU seconds of an object's method to those of a part."""
    plain: Callable = getattr(owner, method)

    def call(*args: Any) -> Any:
        start = time.process_time()
        found = plain(*args)
        seconds[part] = seconds.get(part, 0.0) + time.process_time() - start
        return found

    setattr(owner, method, call)
    try:
        yield
    finally:
        delattr(owner, method)


@contextmanager
def quiet():
    """Without the programs' own warnings and prints."""
    with warnings.catch_warnings(), redirect_stdout(StringIO()):
        warnings.simplefilter("ignore")
        yield


def write_folder(path: Path, split: str, num: int, size: Size) -> Path:
    """Procedural street scenes with layouts and captions."""
    scenes = open_dataset(DATASET, split, size=size, data_root=None)
    writer = FolderWriter(path, class_names=scenes.class_names, dataset=DATASET, split="test")
    for index in range(num):
        scene = scenes[index]
        writer.write(scene.id, scene.image, scene.layout, scene.caption)
    return path


def calibrate(network: nn.Module, run: Callable[[], Any]) -> None:
    """Statistics of batch norm as after training; else the signal dies on its way."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad(), quiet():
        network.train()
        run()
    network.eval()


def write_inception(path: Path, pixels: torch.Tensor) -> Path:
    """Random weights in torch-fidelity's format."""
    from torchvision.models import inception_v3

    network = inception_v3(weights=None, aux_logits=False, num_classes=1008, init_weights=False)
    calibrate(network, lambda: network((tf1_bilinear(pixels) - 128) / 128))
    torch.save(network.state_dict(), path)
    return path


def build_mmseg(pixels: torch.Tensor, resize: str) -> Any:
    """mmseg's segmentor of its own configuration with random weights."""
    with quiet_mmseg(), quiet():
        import mmseg
        from mmengine import Config
        from mmengine.registry import DefaultScope
        from mmseg.registry import MODELS
        from mmseg.utils import register_all_modules

        register_all_modules(init_default_scope=True)
        config = Config.fromfile(Path(mmseg.__file__).parent / MMSEG_CONFIG)
        settings = config.model
        settings.backbone.norm_cfg = settings.decode_head.norm_cfg = CPU_BATCH_NORM
        settings.pretrained = None
        with DefaultScope.overwrite_default_scope("mmseg"):
            model = MODELS.build(settings)
    nn.init.normal_(model.decode_head.conv_seg.weight, std=0.02)
    mean, std = (torch.tensor(value).view(3, 1, 1) for value in (MEAN, STD))
    seen = (pixels.float() - mean) / std
    calibrate(model, lambda: model.decode_head(model.backbone(seen)))
    box = parse_resize(resize)
    enlarge = [] if box is None else [{"type": "Resize", "scale": box[::-1], "keep_ratio": True}]
    steps = [{"type": "LoadImageFromFile"}, *enlarge, {"type": "PackSegInputs"}]
    config.test_pipeline = steps
    model.cfg = config
    return model


def build(options: argparse.Namespace, root: Path) -> tuple[Folders, Ours, Theirs]:
    """Both sides, with the same weights."""
    import open_clip

    folders = Folders(
        write_folder(root / "generated", "val", options.num_images, options.size),
        write_folder(root / "real", "test", options.num_images, options.size),
    )
    real = Folder(folders.real, "test")
    pixels = torch.stack([real[index].image for index in range(CALIBRATION)])
    torch.manual_seed(0)
    inception = write_inception(root / "inception.pth", pixels)
    model = build_mmseg(pixels, options.resize)
    with quiet():
        clip = open_clip.create_model(options.clip, pretrained=None, force_quick_gelu=True).eval()
    network = HRNetSegmenter(W48, len(CITYSCAPES_CLASSES))
    network.load_state_dict(model.state_dict())
    extractors = Extractors(
        StandardSegmenter(network, digest="0", resize=options.resize),
        StandardClip(clip, name=options.clip, digest="0"),
        (Inception(InceptionNetwork(inception), "tf1"),),
    )
    reference = reference_statistics(real, extractors, UserCache(limit=0), Silent())
    theirs = Theirs(model, clip, inception, root / "cache")
    theirs.fidelity(folders)  # fills its cache
    return folders, Ours(extractors, reference), theirs


def compare(options: argparse.Namespace) -> pd.DataFrame:
    """Alternating pairs; a line per part."""
    found: list[list[Seconds]] = [[], []]
    with tempfile.TemporaryDirectory() as root:
        folders, ours, theirs = build(options, Path(root))
        ours.score(folders, 2)
        for pair in range(options.pairs):
            values: dict[int, Values] = {}
            for side in (0, 1) if pair % 2 == 0 else (1, 0):
                seconds, values[side] = (ours, theirs)[side].score(folders, options.num_images)
                found[side].append(seconds)
            print(pd.DataFrame(values).set_axis(["ours", "theirs"], axis=1), flush=True)
    common = {
        "num_images": options.num_images,
        "size": "x".join(map(str, options.size)),
        "resize": options.resize,
        "clip": options.clip,
        "pairs": options.pairs,
        "machine": f"{processor()}, torch {torch.__version__}",
    }
    return pd.DataFrame([line(part, *found) | common for part in found[0][0]])


def line(part: str, ours: Sequence[Seconds], theirs: Sequence[Seconds]) -> dict[str, Any]:
    """Median CPU seconds of a part, and their ratio with its range over the pairs."""
    own = [seconds[part] for seconds in ours]
    other = [seconds.get(part, np.nan) for seconds in theirs]
    return {"part": part} | compared(own, other, digits=2)


def main() -> None:
    """Measure, and write the table."""
    parser = argparse.ArgumentParser(description="Scoring against the usual programs.")
    parser.add_argument("--num-images", type=int, default=256)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument(
        "--size", type=lambda text: tuple(map(int, text.split("x"))), default=(256, 512)
    )
    parser.add_argument("--resize", default="native", help="of the segmenter, or HEIGHTxWIDTH")
    parser.add_argument("--clip", default="ViT-L-14-336", help="architecture, as open_clip says it")
    parser.add_argument("--out", type=Path, default=Path("results/performance/scoring_peers.csv"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    frame = compare(options)
    print(frame.to_string(index=False))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    if options.out.exists():
        frame = pd.concat([pd.read_csv(options.out), frame]).drop_duplicates(KEY, keep="last")
    with replacing(options.out) as temporary:
        frame.to_csv(temporary, index=False)


if __name__ == "__main__":
    main()

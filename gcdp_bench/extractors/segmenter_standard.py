"""HRNet-W48 of OpenMMLab, trained on Cityscapes: the paper's extractor of layouts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from gcdp_bench.core.finite import require_finite
from gcdp_bench.core.images import Size
from gcdp_bench.core.types import Dataset, Prediction
from gcdp_bench.extractors.checkpoints import read_checkpoint
from gcdp_bench.extractors.hrnet import W48, HRNetConfig, HRNetSegmenter, quiet_mmseg
from gcdp_bench.extractors.inference import COMPUTATION, FOLDED, for_evaluation
from gcdp_bench.extractors.names import BOX, CONFIGURED, NATIVE
from gcdp_bench.extractors.names import HRNET as NAME
from gcdp_bench.extractors.registry import find_weights
from gcdp_bench.extractors.weights import file_digest
from gcdp_bench.io.validation import shown
from gcdp_bench.training.loading import load_known

MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)  # RGB, of pixels 0..255
CHUNK_PX = 2 * 1024 * 2048  # pixels that the network sees at once
TRAINING_ONLY = "auxiliary_head."  # weights that a checkpoint may have and evaluation does not use

REMEDY = (
    "expected mmsegmentation's fcn_hr48 (HRNet-W48) of 19 classes; give the file that it "
    "published, or train a segmenter with `gcdp-bench train segmenter` and give its folder"
)

CITYSCAPES_CLASSES = (
    "road",
    "sidewalk",
    "building",
    "wall",
    "fence",
    "pole",
    "traffic light",
    "traffic sign",
    "vegetation",
    "terrain",
    "sky",
    "person",
    "rider",
    "car",
    "truck",
    "bus",
    "train",
    "motorcycle",
    "bicycle",
)
"""The 19 training classes (Cordts et al. 2016), in the order of the network's outputs."""


class StandardSegmenter:
    """mmseg's `fcn_hr48` with an official checkpoint: a `Segmenter` of 19 classes.

    `resize` is part of the name, since recall and mIoU depend on it:

    - "native": images as they are. The network was trained on crops of 512x1024 at full
      resolution, so objects of a 256x512 image are smaller than it knows.
    - "HEIGHTxWIDTH", "1024x2048" in mmseg's configuration: images are enlarged (OpenCV's bilinear
      filter, ratio kept, the whole image within the box) and logits are brought back (bilinear)
      before the class is chosen, as mmseg does at test time.

    Single scale, no flip. bfloat16 on CUDA, float32 elsewhere.
    """

    class_names = CITYSCAPES_CLASSES

    def __init__(
        self, network: HRNetSegmenter, *, digest: str, resize: str = CONFIGURED, device: str = "cpu"
    ):
        """Wrap a network that has its weights.

        Raises:
            ValueError: `resize` is neither "native" nor HEIGHTxWIDTH.
        """
        self._box = parse_resize(resize)
        self._device = torch.device(device)
        self.network = for_evaluation(network, self._device)
        self.resizer = resize
        self.name = f"{NAME}@{resize}"
        self.digest = f"{digest}@{resize}"  # hash of the weights, and the size

    @classmethod
    def load(
        cls, path: Path | None = None, *, resize: str = CONFIGURED, device: str = "cpu"
    ) -> StandardSegmenter:
        """Read an OpenMMLab checkpoint: `path`, else the one in the user's weights store.

        Raises:
            FileNotFoundError: there is none; says where to get it.
            ValueError: it is no OpenMMLab checkpoint, or of another network.
        """
        file = find_weights(NAME, path)
        network = load_known(
            lambda: HRNetSegmenter(W48, len(CITYSCAPES_CLASSES)),
            openmmlab_weights(file),
            source=file,
            remedy=REMEDY,
        )
        return cls(network, digest=file_digest(file), resize=resize, device=device)

    @property
    def _is_reduced(self) -> bool:
        return self._device.type == "cuda"

    @property
    def computation(self) -> str:
        """Precision, and that batch norm is folded."""
        return f"{'bfloat16' if self._is_reduced else COMPUTATION}, {FOLDED}"

    @property
    def config(self) -> HRNetConfig:
        """Sizes of the network."""
        return self.network.config

    def check(self, dataset: Dataset) -> None:
        """Refuse a dataset whose first classes are not the 19 of Cityscapes.

        Classes after them, as "unlabeled", are never predicted.

        Raises:
            ValueError: other classes; says what to do.
        """
        first = dataset.class_names[: len(self.class_names)]
        if first != self.class_names:
            names = [
                f"{i} {name!r}"
                for i, name in enumerate(first)
                if name not in self.class_names[i : i + 1]
            ]
            raise ValueError(
                f"{self.name}: expected the {len(self.class_names)} training classes of Cityscapes "
                f"first, {dataset.name} has {len(dataset.class_names)} classes"
                f"{', differing at ' + ', '.join(names[:3]) if names else ''}; train a segmenter "
                f"with `gcdp-bench train segmenter --dataset {dataset.name}`"
            )

    @torch.no_grad()
    def predict(self, images: Tensor) -> Prediction:
        """Segment uint8 images (B, 3, H, W) of any size.

        Raises:
            NotFinite: a logit is not finite.
        """
        size = (images.shape[-2], images.shape[-1])
        seen_px = size[0] * size[1] if self._box is None else self._box[0] * self._box[1]
        layouts, features = [], []
        for chunk in images.split(max(1, CHUNK_PX // seen_px)):
            logits, vectors = self.logits(chunk)
            require_finite(
                f"label logits of {self.name}", logits, remedy="give another --segmenter"
            )
            layouts.append(logits.argmax(1).to(torch.uint8).cpu())  # (b, H, W)
            features.append(vectors.float().cpu())
        return Prediction(torch.cat(layouts), torch.cat(features))

    @torch.no_grad()
    def logits(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Logits float (B, 19, H, W) at the images' own size, and features (B, 720)."""
        seen = images if self._box is None else _rescale(images, self._box)
        mean, std = (torch.tensor(v, device=self._device).view(3, 1, 1) for v in (MEAN, STD))
        pixels = (seen.to(self._device).float() - mean) / std  # (B, 3, h, w)
        with torch.autocast("cuda", torch.bfloat16, enabled=self._is_reduced):
            logits, features = self.network(pixels)
        if logits.shape[-2:] != images.shape[-2:]:
            logits = F.interpolate(
                logits, size=images.shape[-2:], mode="bilinear", align_corners=False
            )
        return logits.float(), features


def parse_resize(text: str) -> Size | None:
    """Box of "HEIGHTxWIDTH" in pixels; None for "native".

    Raises:
        ValueError: neither of the two.
    """
    if text == NATIVE:
        return None
    match = re.fullmatch(BOX, text)
    if match is None:
        raise ValueError(
            f"resize of {NAME}: expected {NATIVE!r} or HEIGHTxWIDTH as {CONFIGURED!r}, got {text!r}"
        )
    return int(match[1]), int(match[2])


def openmmlab_weights(path: Path) -> dict[str, Tensor]:
    """Weights of an OpenMMLab checkpoint: a dictionary with `state_dict`, and `meta`, `optimizer`.

    `auxiliary_head.*`, a second head that only training uses, is left out; nothing else is.

    Raises:
        ValueError: another format.
    """
    checkpoint: Any = read_checkpoint(path, expected="an OpenMMLab checkpoint")
    state = checkpoint.get("state_dict") if isinstance(checkpoint, Mapping) else None
    if not isinstance(state, Mapping):
        found = (
            ", ".join(map(str, list(checkpoint)[:5]))
            if isinstance(checkpoint, Mapping)
            else type(checkpoint).__name__
        )
        raise ValueError(
            f"{path}: expected an OpenMMLab checkpoint (a dictionary with state_dict), got "
            f"{found}; give the file that mmsegmentation published"
        )
    if not all(isinstance(k, str) and isinstance(v, Tensor) for k, v in state.items()):
        raise ValueError(
            f"{path}: expected names and tensors in state_dict, got other things; "
            "give the file that mmsegmentation published"
        )
    _check_classes(path, checkpoint.get("meta"))
    return {name: value for name, value in state.items() if not name.startswith(TRAINING_ONLY)}


def _check_classes(path: Path, meta: Any) -> None:
    """Refuse classes that are written in the checkpoint and differ; old files may tell none."""
    if not isinstance(meta, Mapping):
        return
    newer = meta.get("dataset_meta")  # of mmsegmentation 1; before it, "CLASSES"
    classes = newer.get("classes") if isinstance(newer, Mapping) else meta.get("CLASSES")
    if not isinstance(classes, tuple | list) or tuple(classes) == CITYSCAPES_CLASSES:
        return
    raise ValueError(
        f"{path}: expected a network of the {len(CITYSCAPES_CLASSES)} training classes of "
        f"Cityscapes, got one of {len(classes)} classes, {shown(', '.join(map(str, classes)))}; "
        f"{REMEDY}"
    )


def _rescale(images: Tensor, box: Size) -> Tensor:
    """mmcv's `imrescale` of each uint8 image, the long side within the box's long one.

    uint8 (B, 3, H, W) to (B, 3, h, w).
    """
    with quiet_mmseg():
        import mmcv
    scale = (box[1], box[0])
    resized = [
        torch.from_numpy(mmcv.imrescale(image.permute(1, 2, 0).contiguous().numpy(), scale))
        for image in images.cpu()
    ]  # (h, w, 3) each
    return torch.stack(resized).permute(0, 3, 1, 2).contiguous()  # (B, 3, h, w)

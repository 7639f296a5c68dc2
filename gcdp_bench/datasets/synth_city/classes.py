"""The 19 Cityscapes training classes (Cordts et al. 2016) and unlabeled."""

from __future__ import annotations

CLASS_NAMES = (
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
    "unlabeled",
)
ID = {name: index for index, name in enumerate(CLASS_NAMES)}

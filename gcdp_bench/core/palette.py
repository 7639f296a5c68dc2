"""Colours of layouts, by class name, so a class looks the same in every picture."""

from __future__ import annotations

import colorsys
import hashlib
import math
from collections.abc import Sequence

import torch
from torch import Tensor

Colour = tuple[int, int, int]

APART = 90.0  # distance in RGB from which on two colours are told apart at a glance
NUM_CANDIDATES = 128  # colours that a name may have

# Colours of the Cityscapes label definition (Cordts et al. 2016), also used for CamVid's names, and
# of CelebAMask-HQ's colour maps (Lee et al. 2020).
KNOWN_COLOURS = {
    "road": (128, 64, 128),
    "sidewalk": (244, 35, 232),
    "pavement": (244, 35, 232),
    "building": (70, 70, 70),
    "wall": (102, 102, 156),
    "fence": (190, 153, 153),
    "pole": (153, 153, 153),
    "traffic light": (250, 170, 30),
    "traffic sign": (220, 220, 0),
    "sign symbol": (220, 220, 0),
    "vegetation": (107, 142, 35),
    "tree": (107, 142, 35),
    "terrain": (152, 251, 152),
    "sky": (70, 130, 180),
    "person": (220, 20, 60),
    "pedestrian": (220, 20, 60),
    "rider": (255, 0, 0),
    "car": (0, 0, 142),
    "truck": (0, 0, 70),
    "bus": (0, 60, 100),
    "train": (0, 80, 100),
    "motorcycle": (0, 0, 230),
    "bicycle": (119, 11, 32),
    "bicyclist": (119, 11, 32),
    "unlabeled": (0, 0, 0),
    "void": (0, 0, 0),
    "background": (0, 0, 0),
    "skin": (204, 0, 0),
    "nose": (76, 153, 0),
    "eyeglasses": (204, 204, 0),
    "left eye": (51, 51, 255),
    "right eye": (204, 0, 204),
    "left eyebrow": (0, 255, 255),
    "right eyebrow": (255, 204, 204),
    "left ear": (102, 51, 0),
    "right ear": (255, 0, 0),
    "mouth": (102, 204, 0),
    "upper lip": (255, 255, 0),
    "lower lip": (0, 0, 153),
    "hair": (0, 0, 204),
    "hat": (255, 51, 153),
    "earring": (0, 204, 204),
    "necklace": (0, 51, 0),
    "neck": (255, 153, 51),
    "clothes": (0, 204, 0),
}


def class_colours(names: Sequence[str]) -> list[Colour]:
    """Colours of all classes of a dataset.

    A class has the field's usual colour where there is one, else one that a hash of its name
    chooses, far from those of the classes before it; of many classes, as far as can be.
    """
    usual = [KNOWN_COLOURS.get(name.lower()) for name in names]
    taken = [colour for colour in usual if colour is not None]
    colours: list[Colour] = []
    for name, known in zip(names, usual, strict=True):
        chosen = known or _far_from(taken, name)
        if known is None:
            taken.append(chosen)
        colours.append(chosen)
    return colours


def _far_from(taken: Sequence[Colour], name: str) -> Colour:
    """The first candidate of a name that is `APART` from all, else the farthest."""
    if not taken:
        return _candidate(name, 0)
    best, farthest = _candidate(name, 0), -1.0
    for attempt in range(NUM_CANDIDATES):
        colour = _candidate(name, attempt)
        distance = min(math.dist(colour, other) for other in taken)
        if distance >= APART:
            return colour
        if distance > farthest:
            best, farthest = colour, distance
    return best


def _candidate(name: str, attempt: int) -> Colour:
    text = name.lower() if attempt == 0 else f"{name.lower()} {attempt}"
    digest = hashlib.sha256(text.encode()).digest()
    hue, lightness = digest[0] / 255, 0.35 + 0.3 * digest[1] / 255
    red, green, blue = colorsys.hls_to_rgb(hue, lightness, 0.65)
    return round(255 * red), round(255 * green), round(255 * blue)


def colourise(layouts: Tensor, class_names: Sequence[str]) -> Tensor:
    """Layouts as pictures; ignored pixels are white.

    Args:
        layouts: uint8 (B, H, W).
        class_names: K names.

    Returns:
        uint8 (B, 3, H, W).
    """
    table = torch.full((256, 3), 255, dtype=torch.uint8)  # (256, 3)
    for index, colour in enumerate(class_colours(class_names)):
        table[index] = torch.tensor(colour, dtype=torch.uint8)
    return table[layouts.long()].permute(0, 3, 1, 2).contiguous()  # (B, 3, H, W)


def image_grid(pictures: Tensor, num_columns: int, gap_px: int = 2) -> Tensor:
    """Lay pictures out row by row on white.

    Args:
        pictures: uint8 (B, 3, H, W).
        num_columns: pictures in a row.
        gap_px: white pixels between pictures.

    Returns:
        uint8 (3, rows * (H + gap) - gap, columns * (W + gap) - gap).
    """
    num, _, height, width = pictures.shape
    num_rows = -(-num // num_columns)
    canvas = torch.full(
        (3, num_rows * (height + gap_px) - gap_px, num_columns * (width + gap_px) - gap_px),
        255,
        dtype=torch.uint8,
    )
    for index, picture in enumerate(pictures):
        row, column = divmod(index, num_columns)
        top, left = row * (height + gap_px), column * (width + gap_px)
        canvas[:, top : top + height, left : left + width] = picture
    return canvas

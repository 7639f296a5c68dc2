"""Background behind the person, out of focus."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from gcdp_bench.datasets.synth_face.colours import cloth_colour

GRID = 48  # cells; the picture's background is this, enlarged, and therefore blurred
KINDS = ("studio", "wall", "lights", "outdoors", "room", "red carpet")


def paint_backdrop(size_px: int, rng: Generator) -> NDArray[np.uint8]:
    """Background (S, S, 3)."""
    kind = KINDS[rng.choice(len(KINDS), p=[0.26, 0.16, 0.14, 0.2, 0.14, 0.1])]
    grid = PAINTERS[kind](rng)
    blur = rng.uniform(0.8, 2.2)
    grid = cv2.GaussianBlur(grid, (0, 0), blur)
    return np.asarray(cv2.resize(grid, (size_px, size_px), interpolation=cv2.INTER_CUBIC), np.uint8)


def _gradient(first, second, angle: float) -> NDArray:
    axis = np.linspace(-0.5, 0.5, GRID, dtype=np.float32)
    share = np.clip(0.5 + axis[None] * np.cos(angle) + axis[:, None] * np.sin(angle), 0, 1)[
        ..., None
    ]
    return np.float32(first) * (1 - share) + np.float32(second) * share


def _studio(rng: Generator) -> NDArray[np.uint8]:
    base = np.array(cloth_colour(rng)) * rng.uniform(0.5, 1.0)
    picture = _gradient(base, base * rng.uniform(0.35, 0.8), rng.uniform(0, 6.3))
    axis = np.linspace(-1, 1, GRID, dtype=np.float32)
    at = rng.uniform(-0.5, 0.5, 2)
    glow = np.exp(-((axis[None] - at[0]) ** 2 + (axis[:, None] - at[1]) ** 2) / 0.6)
    return _bytes(picture * (0.8 + rng.uniform(0.2, 0.7) * glow[..., None]))


def _wall(rng: Generator) -> NDArray[np.uint8]:
    base = np.array(cloth_colour(rng))
    picture = _bytes(_gradient(base, base * rng.uniform(0.7, 1.1), rng.uniform(0, 6.3)))
    step = rng.uniform(5, 12)
    other = (base * rng.uniform(0.75, 0.95)).tolist()
    for x in np.arange(rng.uniform(0, step), GRID, step):
        cv2.line(picture, (int(x), 0), (int(x), GRID), other, int(rng.integers(1, 4)))
    return picture


def _lights(rng: Generator) -> NDArray[np.uint8]:
    dark = rng.uniform(14, 60, 3)
    picture = _bytes(_gradient(dark, dark * rng.uniform(0.5, 1.6), rng.uniform(0, 6.3)))
    for _ in range(rng.integers(8, 22)):
        colour = rng.uniform(90, 255, 3) * (1.0, rng.uniform(0.6, 1.0), rng.uniform(0.3, 1.0))
        disc = np.zeros_like(picture)
        centre = tuple(rng.integers(0, GRID, 2).tolist())
        cv2.circle(
            disc, centre, int(rng.integers(2, 6)), (colour * rng.uniform(0.3, 0.9)).tolist(), -1
        )
        picture = np.asarray(cv2.add(picture, disc), np.uint8)
    return picture


def _outdoors(rng: Generator) -> NDArray[np.uint8]:
    sky = np.array([(150, 190, 232), (206, 214, 220), (240, 206, 170)][rng.integers(3)])
    green = np.array([(70, 104, 48), (96, 120, 62), (60, 84, 58), (140, 118, 62)][rng.integers(4)])
    picture = _bytes(_gradient(sky, sky * 1.06, np.pi / 2))
    horizon = int(rng.uniform(0.05, 0.7) * GRID)
    picture[horizon:] = green * 0.8
    for _ in range(40):
        centre = (int(rng.integers(0, GRID)), int(horizon + rng.uniform(-8, GRID * 0.8)))
        colour = green * rng.uniform(0.5, 1.5) + (10, 10, 0)
        cv2.circle(picture, centre, int(rng.integers(2, 8)), np.minimum(colour, 255).tolist(), -1)
    return picture


def _room(rng: Generator) -> NDArray[np.uint8]:
    base = np.array((204, 192, 176)) * rng.uniform(0.45, 1.1)
    picture = _bytes(_gradient(base, base * 0.75, rng.uniform(0, 6.3)))
    for _ in range(rng.integers(2, 6)):
        x, y = rng.integers(-6, GRID, 2).tolist()
        w, h = rng.integers(6, 26, 2).tolist()
        colour = cloth_colour(rng) if rng.random() < 0.65 else (246, 240, 226)
        cv2.rectangle(picture, (x, y), (x + w, y + h), colour, -1)
    return picture


def _red_carpet(rng: Generator) -> NDArray[np.uint8]:
    base = np.array(cloth_colour(rng))
    picture = _bytes(np.broadcast_to(base, (GRID, GRID, 3)))
    ink = (245, 245, 245) if base.mean() < 130 else (60, 60, 70)
    for y in range(int(rng.integers(2, 8)), GRID, 11):
        x = int(rng.integers(-8, 2))
        while x < GRID:
            w = int(rng.integers(4, 12))
            cv2.rectangle(picture, (x, y), (x + w, y + 3), ink, -1)
            x += w + int(rng.integers(4, 9))
    return picture


def _bytes(picture: NDArray) -> NDArray[np.uint8]:
    return np.ascontiguousarray(np.clip(picture, 0, 255), np.uint8)


PAINTERS = {
    "studio": _studio,
    "wall": _wall,
    "lights": _lights,
    "outdoors": _outdoors,
    "room": _room,
    "red carpet": _red_carpet,
}

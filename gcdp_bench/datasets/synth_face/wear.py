"""Things worn on the head: earrings, glasses, hats."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from gcdp_bench.datasets.synth_face.canvas import Canvas, mirrored, smooth
from gcdp_bench.datasets.synth_face.colours import cloth_colour, mix, shade
from gcdp_bench.datasets.synth_face.features import EYE_U
from gcdp_bench.datasets.synth_face.person import Person

HATS = ("cap", "beanie", "fedora", "sun hat")


def paint_earrings(canvas: Canvas, person: Person, rng: Generator) -> None:
    """A stud, hoop or drop under each ear."""
    metal = ((228, 188, 92), (212, 214, 222), (236, 232, 226))[rng.integers(3)]
    kind = rng.integers(3)
    angle = np.linspace(0, 2 * np.pi, 14)
    for side in (-1, 1):
        place = np.array([side * (0.7 * person.shape["width"] + 0.045), 0.27])
        circle = np.stack([np.cos(angle), np.sin(angle)], 1)
        if kind == 0:
            canvas.head(place + 0.062 * circle + (0, 0.03), shade(metal, 0.8), "earring", z=-0.05)
            canvas.head(place + 0.03 * circle + (-0.015, 0.015), metal, None, z=-0.05)
        elif kind == 1:
            hoop = place + (0, 0.12) + circle * (0.085, 0.125)
            canvas.head_line(hoop, 0.036, metal, "earring", z=-0.05)
        else:
            canvas.head_line([place, place + (0, 0.16)], 0.03, metal, "earring", z=-0.05)
            stone = mix(cloth_colour(rng), metal, 0.35)
            canvas.head(place + (0, 0.22) + circle * (0.06, 0.085), stone, "earring", z=-0.05)
            canvas.head(place + (-0.015, 0.19) + circle * 0.025, (250, 250, 250), None, z=-0.05)


def lens(side: int, squareness: float) -> NDArray:
    """Outline (V, 2) of a glass, round (0) to square (1)."""
    angle = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    power = 1.0 - 0.55 * squareness
    shape = np.stack([np.cos(angle), np.sin(angle)], 1)
    shape = np.sign(shape) * np.abs(shape) ** power
    return np.array([side * (EYE_U + 0.01), 0.03]) + shape * (0.225, 0.165)


def paint_lens_layout(canvas: Canvas, squareness: float) -> None:
    """Glasses behind the eyes' labels, as in the merge order; the image shows clear glass."""
    for side in (-1, 1):
        outline = lens(side, squareness)
        canvas.head(outline, None, "eyeglasses", z=0.72)


def paint_glasses(canvas: Canvas, person: Person, squareness: float, rng: Generator) -> None:
    """Frames, temples and bridge; dark glass over the eyes if they are sunglasses."""
    frame = ((22, 20, 22), (28, 26, 30), (84, 54, 34), (150, 120, 70), (120, 124, 130))[
        rng.integers(5)
    ]
    width = 0.045 if max(frame) < 90 else 0.03
    glass = ((24, 24, 28), (52, 36, 26), (26, 40, 38))[rng.integers(3)]
    edge = 0.72 * person.shape["width"]
    for side in (-1, 1):
        outline = lens(side, squareness)
        closed = np.concatenate([outline, outline[:1]])
        if person.sunglasses:
            canvas.head(outline, glass, "eyeglasses", z=0.72)
            sheen = outline[11:15] * (0.97, 0.85)
            canvas.head_line(sheen, 0.03, mix(glass, (255, 255, 255), 0.3), None, z=0.72)
        hinge = np.array([(side * (EYE_U + 0.235), -0.02), (side * edge, -0.04)])
        canvas.head_line(hinge, width, frame, "eyeglasses", z=[0.68, 0.0])
        canvas.head_line(closed, width, frame, "eyeglasses", z=0.72)
    bridge = smooth([(-0.1, 0.0), (0.0, -0.03), (0.1, 0.0)], closed=False)
    canvas.head_line(bridge, width, frame, "eyeglasses", z=0.8)


def paint_hat(canvas: Canvas, person: Person, rng: Generator) -> None:
    """One of HATS."""
    kind = HATS[rng.integers(4)] if not person.male else HATS[rng.integers(3)]
    colour = cloth_colour(rng)
    band = shade(mix(colour, (120, 40, 40), 0.3), 0.55)
    big = 0.86 if person.style in ("bob", "long") else 0.79
    big *= 0.5 + 0.5 * person.shape["width"]
    if kind == "cap":
        crown = [(0.0, -1.3), (0.5, -1.2), (big - 0.02, -0.8), (big, -0.5), (0.0, -0.6)]
        canvas.head(smooth(mirrored(crown)), colour, "hat", z=0.0)
        canvas.head_line(
            smooth([(0, -1.28), (0.04, -0.9), (0, -0.6)], closed=False),
            0.015,
            shade(colour, 0.7),
            None,
        )
        brim = [(0.0, -0.66), (0.5, -0.62), (0.74, -0.48), (0.5, -0.42), (0.0, -0.4)]
        canvas.head(smooth(mirrored(brim)), shade(colour, 0.72), "hat", z=0.6)
    elif kind == "beanie":
        crown = [(0.0, -1.34), (0.45, -1.26), (big, -0.85), (big + 0.02, -0.42), (0.0, -0.5)]
        canvas.head(smooth(mirrored(crown)), colour, "hat", z=0.0)
        fold = [
            (0.0, -0.74),
            (big - 0.1, -0.7),
            (big + 0.04, -0.6),
            (big + 0.03, -0.4),
            (0.0, -0.46),
        ]
        canvas.head(smooth(mirrored(fold)), shade(colour, 0.86), "hat", z=0.0)
        for u in np.linspace(-big, big, 15):
            canvas.head_line([(u, -0.7), (u * 1.01, -0.45)], 0.016, shade(colour, 0.7), None, z=0.0)
    else:
        wide = 1.2 if kind == "fedora" else 1.5
        straw = (214, 186, 132) if kind == "sun hat" else colour
        canvas.head(_brim(wide, -0.52, 0.17), shade(straw, 0.68), "hat", z=0.1)
        top = 1.42 if kind == "fedora" else 1.34
        crown = [(0.0, -top + 0.06), (0.36, -top), (0.66, -1.1), (big, -0.6), (0.0, -0.52)]
        canvas.head(smooth(mirrored(crown)), straw, "hat", z=0.0)
        ribbon = [(0.0, -0.68), (big - 0.06, -0.74), (big, -0.58), (0.0, -0.5)]
        canvas.head(smooth(mirrored(ribbon)), band, "hat", z=0.05)
        front = _brim(wide, -0.5, 0.13)
        canvas.head(front[front[:, 1] > -0.53], straw, "hat", z=0.1)


def _brim(half_width: float, row: float, height: float) -> NDArray:
    angle = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    return np.stack([half_width * np.cos(angle), row + height * np.sin(angle)], 1)

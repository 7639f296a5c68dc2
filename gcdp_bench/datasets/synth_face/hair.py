"""Hair, behind the head and around the face."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from gcdp_bench.datasets.synth_face.canvas import Canvas, mirrored, smooth
from gcdp_bench.datasets.synth_face.colours import shade
from gcdp_bench.datasets.synth_face.person import Person

ENDS_V = {"bob": 0.95, "long": 1.95}


def paint_back(canvas: Canvas, person: Person, rng: Generator) -> None:
    """Long hair behind neck and shoulders; a bun over the head."""
    dark = shade(person.hair, 0.72)
    if person.style in ENDS_V:
        half = _outer(person) + [(0.7, ENDS_V[person.style]), (0.0, ENDS_V[person.style] - 0.06)]
        canvas.head(_ragged(person, smooth(mirrored(half)), rng), dark, "hair", z=-0.2)
    elif person.style == "updo":
        angle = np.linspace(0, 2 * np.pi, 20, endpoint=False)
        bun = 0.3 * np.stack([1.2 * np.cos(angle), np.sin(angle)], 1) + (0.4 * person.parting, -1.2)
        canvas.head(_ragged(person, bun, rng), dark, "hair", z=-0.3)


def paint_locks(canvas: Canvas, person: Person, rng: Generator) -> None:
    """Long hair that falls in front of the shoulders, beside the face."""
    if person.style not in ENDS_V:
        return
    ends = ENDS_V[person.style]
    for side in (-1, 1):
        reach = ends + rng.uniform(-0.18, 0.06)
        inner = 0.62 if person.tucked else 0.56
        lock = np.array(
            [
                (0.5, -0.5),
                (0.8, -0.4),
                (0.86, 0.1),
                (0.88, 0.6),
                (0.9, 0.7 * reach + 0.25),
                (0.78, reach),
                (0.62, reach + 0.02),
                (inner - 0.02, 0.8 * reach),
                (inner, 0.75),
                (0.62, 0.4),
            ]
        )
        lock[:, 0] *= side * _spread(person)
        canvas.head(_ragged(person, smooth(lock), rng), person.hair, "hair", z=-0.1)


def paint_front(canvas: Canvas, person: Person, rng: Generator) -> None:
    """Hair from the crown to the hairline, the temples, and a fringe."""
    if person.style == "bald":
        return
    right = np.array([*_outer(person)])
    outer = smooth(np.concatenate([right[:0:-1] * (-1, 1), right]), closed=False)
    outer = outer[outer[:, 1] < _cut(person)]
    ring = np.concatenate([_ragged(person, outer, rng, closed=False), _hairline(person)[::-1]])
    canvas.head(ring, person.hair, "hair", z=0.12)
    if person.has("Bangs"):
        _paint_fringe(canvas, person, rng)


def _spread(person: Person) -> float:
    return 1.0 + 0.1 * person.shape["volume"] + (0.07 if person.has("Wavy_Hair") else 0.0)


def _cut(person: Person) -> float:
    """Row down to which front hair reaches at the sides."""
    if person.style in ENDS_V:
        return -0.02 if person.tucked else 0.72
    return 0.14 if person.has("Sideburns") else -0.02


def _outer(person: Person) -> list[tuple[float, float]]:
    """Right half of the outline, from the crown down."""
    volume, wide = person.shape["volume"], person.shape["width"]
    lift = {"crop": 0.0, "short": 0.1, "updo": 0.05, "bob": 0.1, "long": 0.09}.get(
        person.style, 0.0
    )
    top = 1.07 + lift * (0.6 + volume) + (0.05 if person.has("Wavy_Hair") else 0.0)
    side = (0.72 if person.style in ("crop", "updo") else 0.75) * wide
    if person.style in ENDS_V:
        wide = _spread(person)
        return [
            (0.0, -top),
            (0.45, -top + 0.09),
            (0.75 * wide, -0.68),
            (0.84 * wide, -0.2),
            (0.86 * wide, 0.4),
            (0.88 * wide, 0.75),
        ]
    return [
        (0.0, -top),
        (0.42, -top + 0.08),
        (side - 0.03, -0.7),
        (side + 0.015, -0.3),
        (side, 0.1),
    ]


def _hairline(person: Person) -> NDArray:
    """Inner edge, open, from the left of the picture over the forehead to its right."""
    rise, part, wide = person.shape["hairline"], person.parting, person.shape["width"]
    cut = _cut(person)
    if person.has("Receding_Hairline"):
        half = [(0.66, cut), (0.63, -0.32), (0.6, -0.62), (0.42, -0.95), (0.2, -0.84)]
        left = [(-u * wide, v) for u, v in half]
        knots = [*left, (0.0, -0.78), *[(u * wide, v) for u, v in half[::-1]]]
    elif person.style in ENDS_V and not person.tucked:
        half = [(0.56, 0.72), (0.62, 0.3), (0.6, -0.12), (0.52, -0.42)]
        left = [(-u * wide, v) for u, v in half]
        peak = [(part - 0.22, -0.68 + rise), (part, -0.84 + rise), (part + 0.22, -0.68 + rise)]
        knots = [*left, *peak, *[(u * wide, v) for u, v in half[::-1]]]
    else:
        half = [(0.665, cut), (0.63, -0.2), (0.6, -0.4), (0.47, -0.6)]
        left = [(-u * wide, v) for u, v in half]
        peak = [(part - 0.2, -0.7 + rise), (part, -0.76 + rise), (part + 0.2, -0.7 + rise)]
        knots = [*left, *peak, *[(u * wide, v) for u, v in half[::-1]]]
    return smooth(knots, closed=False, steps=4)


def _paint_fringe(canvas: Canvas, person: Person, rng: Generator) -> None:
    """Hair over the forehead, its ends uneven."""
    wide = 0.62 * person.shape["width"]
    num = 15
    u = np.linspace(-wide, wide, num)
    slope = person.parting * 0.22
    ends = -0.345 + slope * u / wide + rng.uniform(-0.05, 0.035, num)
    ends[[0, -1]] = -0.15
    ends[[1, -2]] = -0.26
    crown = np.array([(wide, -0.6), (0.4, -0.88), (0.0, -0.96), (-0.4, -0.88), (-wide, -0.6)])
    lower = smooth(np.stack([u, np.minimum(ends, -0.14)], 1), closed=False, steps=3)
    canvas.head(np.concatenate([lower, crown]), person.hair, "hair", z=0.3)


def _ragged(person: Person, outline: NDArray, rng: Generator, *, closed: bool = True) -> NDArray:
    """Move an outline by waves and loose strands."""
    amount = 0.04 if person.has("Wavy_Hair") else 0.012
    amount = 0.008 if person.style in ("crop", "updo") else amount
    noise = rng.standard_normal(len(outline)) * 0.5
    phase = rng.uniform(0, 2 * np.pi)
    wave = np.sin(np.arange(len(outline)) * 1.15 + phase) + noise
    if not closed:
        wave[[0, -1]] = 0.0
    centre = np.array([0.0, 0.0])
    away = outline - centre
    away /= np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-6)
    return outline + amount * wave[:, None] * away

"""Neck, clothes, necklace and necktie."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from gcdp_bench.datasets.synth_face.canvas import Canvas, mirrored, smooth
from gcdp_bench.datasets.synth_face.colours import Colour, cloth_colour, mix, shade
from gcdp_bench.datasets.synth_face.person import Person

FLOOR_V = 3.2  # below every picture


def paint_body(canvas: Canvas, person: Person, rng: Generator) -> None:
    """Shoulders in clothes, the neck, and what is worn on it."""
    colour = cloth_colour(rng)
    shirt = mix(cloth_colour(rng), (236, 236, 232), 0.65)
    wide = 1.0 if person.male else 0.86
    shoulders = [
        (0.0, 1.14),
        (0.34 * wide, 1.14),
        (0.62 * wide, 1.29),
        (1.12 * wide, 1.46),
        (1.5 * wide, 1.8),
        (1.62 * wide, FLOOR_V),
        (0.0, FLOOR_V),
    ]
    canvas.body(smooth(mirrored(shoulders)), colour, "clothes")
    neck = 0.42 if person.male else 0.335
    neck *= 1.12 if person.has("Chubby") else 1.0
    depth = {"v": 1.78, "round": 1.48, "collar": 1.5, "high": 1.2}[person.neckline]
    open_half = 0.3 if person.neckline in ("v", "collar") else 0.42
    outline = [(0.0, 0.4), (neck, 0.5), (neck * 0.97, 1.02), (neck * 1.2, 1.2)]
    if person.neckline == "round":
        outline += [(open_half + 0.08, 1.3), (0.28, depth - 0.05), (0.0, depth)]
    elif person.neckline == "high":
        outline = outline[:3] + [(neck, 1.1), (0.0, 1.16)]
    else:
        outline += [(open_half * 0.75, 1.38), (0.1, depth - 0.1), (0.0, depth)]
    canvas.body(smooth(mirrored(outline), steps=4), person.skin, "neck")
    if person.neckline == "high":
        roll = [(0.0, 1.06), (neck + 0.02, 1.0), (neck + 0.05, 1.24), (0.0, 1.34)]
        canvas.body(smooth(mirrored(roll)), shade(colour, 1.08), "clothes")
    if person.neckline == "collar":
        _paint_collar(canvas, person, neck, (colour, shirt), rng)
    elif person.neckline in ("v", "round"):
        edge = smooth(
            [
                (-neck * 1.2, 1.2),
                (-open_half * 0.75, 1.38),
                (0, depth),
                (open_half * 0.75, 1.38),
                (neck * 1.2, 1.2),
            ],
            closed=False,
        )
        if person.neckline == "v":
            canvas.body_line(edge, 0.03, shade(colour, 0.78), "clothes")
    if person.has("Wearing_Necklace"):
        _paint_necklace(canvas, neck, rng)


def _paint_collar(
    canvas: Canvas, person: Person, neck: float, colours: tuple[Colour, Colour], rng: Generator
) -> None:
    """Shirt with a collar under a jacket, or alone, and a tie."""
    jacket, shirt = colours
    tied = person.has("Wearing_Necktie")
    front = [
        (-neck - 0.04, 1.12),
        (-0.16, 1.32),
        (0.0, 1.44),
        (0.16, 1.32),
        (neck + 0.04, 1.12),
        (0.5, 1.5),
        (0.24, FLOOR_V),
        (-0.24, FLOOR_V),
        (-0.5, 1.5),
    ]
    if tied:
        front[2] = (0.0, 1.24)
    canvas.body(front, shirt, "clothes")
    if tied:
        tie = shade(cloth_colour(rng), 0.8)
        knot = [(-0.085, 1.2), (0.085, 1.2), (0.055, 1.36), (-0.055, 1.36)]
        blade = [
            (-0.05, 1.36),
            (0.05, 1.36),
            (0.15, 2.2),
            (0.12, FLOOR_V),
            (-0.12, FLOOR_V),
            (-0.15, 2.2),
        ]
        canvas.body(blade, tie, "clothes")
        if rng.random() < 0.5:
            stripe = mix(tie, (235, 230, 225), 0.6)
            for v in np.arange(1.44, 2.2, 0.16):
                half = 0.05 + 0.1 * (v - 1.36) / 0.84
                canvas.body_line([(-half, v + 0.07), (half, v - 0.03)], 0.03, stripe, None)
        canvas.body(knot, shade(tie, 0.85), "clothes")
    for side in (-1, 1):
        flip = np.array([side, 1.0])
        wing = np.array(
            [(neck + 0.03, 1.04), (neck + 0.1, 1.2), (0.27, 1.5), (0.03 if tied else 0.1, 1.26)]
        )
        canvas.body(wing * flip, shade(shirt, 1.05), "clothes")
        canvas.body_line(wing[1:] * flip, 0.016, shade(shirt, 0.7), None)
        lapel = np.array(
            [
                (neck + 0.16, 1.2),
                (0.62, 1.5),
                (0.42, 1.72),
                (0.3, 2.6),
                (0.2, FLOOR_V),
                (0.62, FLOOR_V),
                (0.9, 1.5),
            ]
        )
        canvas.body(lapel * flip, jacket, "clothes")
        canvas.body_line(lapel[:4] * flip, 0.02, shade(jacket, 0.6), None)


def _paint_necklace(canvas: Canvas, neck: float, rng: Generator) -> None:
    """A chain, or pearls, around the neck."""
    low = rng.uniform(1.3, 1.4)
    t = np.linspace(-1, 1, 21)
    curve = np.stack([neck * 1.06 * t, low - (low - 1.08) * t**2], 1)
    pearls = rng.random() < 0.45
    metal = (238, 234, 226) if pearls else ((226, 186, 96), (206, 208, 214))[rng.integers(2)]
    canvas.body_line(curve, 0.05, shade(metal, 0.55), "necklace")
    if pearls:
        for point in curve[1:-1]:
            canvas.body_line([point, point + (0.001, 0.0)], 0.062, metal, "necklace")
    else:
        canvas.body_line(curve - (0.0, 0.008), 0.026, metal, None)
        angle = np.linspace(0, 2 * np.pi, 10, endpoint=False)
        drop = np.stack([0.05 * np.cos(angle), low + 0.055 + 0.06 * np.sin(angle)], 1)
        canvas.body(drop, metal, "necklace")
        stone = ((170, 30, 50), (40, 90, 160), (245, 245, 250))[rng.integers(3)]
        canvas.body(drop * (0.5, 1) + (0, -0.004), stone, None)

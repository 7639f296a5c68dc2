"""Moving parts: cars, trucks, buses, trams, two-wheelers and people."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from gcdp_bench.datasets.synth_city.canvas import Canvas, Colour, shade
from gcdp_bench.datasets.synth_city.classes import ID
from gcdp_bench.datasets.synth_city.street import DETAIL_M, strip, upright

PAINTS: tuple[Colour, ...] = (
    (190, 190, 192),
    (232, 232, 230),
    (40, 42, 46),
    (94, 98, 104),
    (150, 24, 30),
    (28, 52, 108),
    (64, 84, 70),
    (128, 108, 84),
    (168, 172, 178),
    (60, 30, 34),
)
VANS: tuple[Colour, ...] = ((228, 228, 224), (240, 200, 40), (70, 96, 140), (180, 60, 46))
LIVERIES: tuple[Colour, ...] = (
    (222, 186, 40),
    (190, 40, 44),
    (46, 110, 74),
    (52, 92, 160),
    (226, 224, 216),
    (220, 110, 40),
)
CLOTHES: tuple[Colour, ...] = (
    (40, 44, 62),
    (120, 34, 38),
    (196, 190, 180),
    (60, 84, 60),
    (30, 30, 32),
    (70, 98, 150),
    (176, 136, 60),
    (110, 100, 96),
    (150, 70, 110),
)
SKINS: tuple[Colour, ...] = ((226, 184, 156), (190, 142, 110), (126, 88, 66), (84, 58, 46))

CIRCLE = np.stack([np.cos(np.linspace(0, 2 * np.pi, 13)), np.sin(np.linspace(0, 2 * np.pi, 13))])


def paint_shadow(canvas: Canvas, x: float, z: float, width: float, length: float) -> None:
    """Dark ground under a vehicle."""
    half = width / 2 + 0.08
    canvas.world(strip(x - half, x + half, z - 0.15, z + length), (26, 26, 28), z, None)


def paint_car(canvas: Canvas, x: float, z: float, oncoming: bool, rng: Generator) -> None:
    """Car or van along the street: near face, visible flank, cabin with glass, wheels, lights."""
    van = rng.random() < 0.16
    width = rng.uniform(1.65, 1.95)
    belt, tall = rng.uniform(0.85, 1.0), rng.uniform(1.38, 1.62)
    length = rng.uniform(3.7, 4.7)
    colour = shade(PAINTS[rng.integers(len(PAINTS))], rng.uniform(0.8, 1.15))
    if van:
        colour, belt, tall, length = VANS[rng.integers(len(VANS))], 1.3, rng.uniform(1.9, 2.4), 5.2
    label, half, low = ID["car"], width / 2, 0.28
    paint_shadow(canvas, x, z, width, length)
    flank = x - half if x > 0 else x + half  # the flank that the camera sees
    inset = 0.06 if van else 0.2
    back, front = (0.1, 0.5) if van else (0.55, 1.25)
    if oncoming:
        back, front = front, back
    canvas.world(upright(flank, flank, low, belt, z, z + length), shade(colour, 0.7), z, label)
    cabin = upright(flank, flank, belt, tall, z + back, z + length - front)
    cabin[2:, 0] -= inset * np.sign(flank - x)
    canvas.world(cabin, shade(colour, 0.62), z, label)
    panes = cabin.copy()
    panes[:, 1] = [belt + 0.05, belt + 0.05, tall - 0.1, tall - 0.1]
    canvas.world(panes, (34, 40, 48), z, None)
    for wheel in (z + 0.75, z + length - 0.8):
        canvas.ball((flank, 0.31, wheel), (0.17, 0.31), (20, 20, 22), z, label)
    # Face towards the camera: body, cabin, pane.
    canvas.world(upright(x - half, x + half, low, belt, z, z), colour, z, label)
    top = np.array(
        [
            [x - half + 0.04, belt, z],
            [x + half - 0.04, belt, z],
            [x + half - inset - 0.08, tall, z + back],
            [x - half + inset + 0.08, tall, z + back],
        ]
    )
    canvas.world(top, shade(colour, 0.9), z, label)
    pane = top.copy()
    pane[:, 0] = x + (pane[:, 0] - x) * 0.84
    pane[:, 1] = [belt + 0.06, belt + 0.06, tall - 0.1, tall - 0.1]
    canvas.world(pane, (38, 46, 56), z, None)
    if z > DETAIL_M / 2:
        return
    wheels = np.stack(
        [
            upright(c - 0.11, c + 0.11, 0.0, low + 0.06, z, z)
            for c in (x - half + 0.2, x + half - 0.2)
        ]
    )
    canvas.world(wheels, (18, 18, 20), z, label)
    lamp: Colour = (250, 246, 222) if oncoming else (196, 28, 26)
    lamps = np.stack(
        [
            upright(c - 0.17, c + 0.17, belt - 0.3, belt - 0.12, z, z)
            for c in (x - half + 0.22, x + half - 0.22)
        ]
    )
    canvas.world(lamps, lamp, z, None)
    canvas.world(upright(x - half, x + half, low, low + 0.16, z, z), shade(colour, 0.55), z, None)
    plate = upright(x - 0.26, x + 0.26, low + 0.2, low + 0.34, z, z)
    canvas.world(plate, (230, 228, 220), z, None)


def paint_large(canvas: Canvas, kind: str, x: float, z: float, rng: Generator) -> None:
    """Truck, bus or tram along the street."""
    label = ID[kind]
    width = 2.45
    tall = {"truck": rng.uniform(2.8, 3.7), "bus": 3.05, "train": 3.45}[kind]
    length = {"truck": rng.uniform(6, 10), "bus": rng.uniform(9, 13), "train": 26.0}[kind]
    colours = PAINTS if kind == "truck" else LIVERIES
    colour = shade(colours[rng.integers(len(colours))], rng.uniform(0.85, 1.1))
    half, low = width / 2, 0.42
    paint_shadow(canvas, x, z, width, length)
    flank = x - half if x > 0 else x + half
    canvas.world(upright(flank, flank, low, tall, z, z + length), shade(colour, 0.72), z, label)
    canvas.world(upright(x - half, x + half, low, tall, z, z), colour, z, label)
    dark: Colour = (36, 42, 50)
    if kind == "truck":
        canvas.world(
            upright(x - 0.02, x + 0.02, low + 0.2, tall - 0.1, z, z), shade(colour, 0.6), z, None
        )
        canvas.world(upright(x - half, x + half, low, low + 0.25, z, z), (40, 40, 42), z, None)
    else:
        canvas.world(
            upright(x - half + 0.15, x + half - 0.15, 1.35, tall - 0.5, z, z), dark, z, None
        )
        panes = np.stack(
            [
                upright(flank, flank, 1.35, tall - 0.7, at, at + 1.15)
                for at in np.arange(z + 0.4, z + length - 1.2, 1.45)
            ]
        )
        canvas.world(panes, dark, z, None)
        canvas.world(
            upright(x - 0.8, x + 0.8, tall - 0.38, tall - 0.14, z, z), (240, 170, 60), z, None
        )
        canvas.world(
            upright(flank, flank, low, low + 0.3, z, z + length), shade(colour, 0.45), z, None
        )
    for wheel in (z + 1.6, z + length - 1.8):
        canvas.ball((flank, 0.46, wheel), (0.23, 0.46), (20, 20, 22), z, label)
    feet = np.stack(
        [
            upright(c - 0.16, c + 0.16, 0.0, low + 0.05, z, z)
            for c in (x - half + 0.3, x + half - 0.3)
        ]
    )
    canvas.world(feet, (18, 18, 20), z, label)
    lamps = np.stack(
        [upright(c - 0.15, c + 0.15, 0.62, 0.86, z, z) for c in (x - half + 0.25, x + half - 0.25)]
    )
    canvas.world(lamps, (226, 60, 40) if kind == "truck" else (248, 244, 216), z, None)


def paint_crossing(canvas: Canvas, kind: str, z: float, x: float, rng: Generator) -> None:
    """A vehicle seen from its side, crossing the street ahead."""
    label = ID[kind]
    length = {"car": 4.3, "truck": rng.uniform(6.5, 9), "bus": 11.0, "train": 24.0}[kind]
    tall = {"car": 0.95, "truck": rng.uniform(2.7, 3.5), "bus": 3.0, "train": 3.4}[kind]
    colours = PAINTS if kind in ("car", "truck") else LIVERIES
    colour = shade(colours[rng.integers(len(colours))], rng.uniform(0.85, 1.15))
    low = 0.32
    dark: Colour = (40, 47, 56)
    canvas.world(strip(x, x + length, z - 0.4, z + 1.8), (28, 28, 30), z, None)
    canvas.world(upright(x, x + length, low, tall, z, z), colour, z, label)
    if kind == "car":
        roof = [[x + 0.8, 0.95, z], [x + 3.7, 0.95, z], [x + 3.1, 1.45, z], [x + 1.3, 1.45, z]]
        canvas.world(roof, shade(colour, 0.9), z, label)
        pane = [[x + 1.05, 0.98, z], [x + 3.4, 0.98, z], [x + 3.0, 1.38, z], [x + 1.4, 1.38, z]]
        canvas.world(pane, dark, z, None)
    elif kind == "truck":
        cab = x + length * 0.78
        canvas.world(upright(cab, x + length, 1.2, tall - 0.5, z, z), dark, z, None)
        canvas.world(upright(x, x + length, low, low + 0.4, z, z), (46, 46, 48), z, None)
        canvas.world(upright(cab - 0.08, cab, low, tall, z, z), (52, 52, 54), z, None)
    else:
        panes = np.stack(
            [
                upright(at, at + 1.2, 1.3, tall - 0.6, z, z)
                for at in np.arange(x + 0.4, x + length - 1.2, 1.5)
            ]
        )
        canvas.world(panes, dark, z, None)
        canvas.world(upright(x, x + length, low, low + 0.35, z, z), shade(colour, 0.5), z, None)
    wheel = 0.34 if kind == "car" else 0.48
    for at in (x + 0.18 * length, x + 0.8 * length):
        canvas.ball((at, wheel, z), (wheel, wheel), (20, 20, 22), z, label)
        canvas.ball((at, wheel, z), (wheel * 0.5, wheel * 0.5), (120, 120, 122), z, None)


def paint_person(canvas: Canvas, x: float, z: float, rng: Generator) -> None:
    """Someone on foot: legs, torso, arm, head with hair."""
    label = ID["person"]
    tall = rng.uniform(1.5, 1.9) * (0.7 if rng.random() < 0.1 else 1.0)
    stride = rng.uniform(0.04, 0.24)
    top = shade(CLOTHES[rng.integers(len(CLOTHES))], rng.uniform(0.8, 1.2))
    legs = shade(CLOTHES[rng.integers(len(CLOTHES))], rng.uniform(0.5, 0.9))
    for foot in (-stride, stride):
        limb = [
            [x + foot - 0.07, 0, z],
            [x + foot + 0.09, 0, z],
            [x + 0.1, tall * 0.52, z],
            [x - 0.12, tall * 0.52, z],
        ]
        canvas.world(limb, legs, z, label)
    _paint_upper_body(canvas, x, z, tall * 0.47, tall, top, label, rng)


def _paint_upper_body(
    canvas: Canvas,
    x: float,
    z: float,
    hip: float,
    tall: float,
    top: Colour,
    label: int,
    rng: Generator,
) -> None:
    shoulder = tall * 0.84
    width = rng.uniform(0.2, 0.27)
    torso = [
        [x - width * 0.75, hip, z],
        [x + width * 0.75, hip, z],
        [x + width, shoulder, z],
        [x - width, shoulder, z],
    ]
    canvas.world(torso, top, z, label)
    side = rng.choice([-1, 1])
    arm = [
        [x + side * width, shoulder, z],
        [x + side * (width + 0.1), hip, z],
        [x + side * width * 0.8, hip, z],
    ]
    canvas.world(arm, shade(top, 0.75), z, label)
    hair = shade((58, 44, 34), rng.uniform(0.4, 2.2))
    canvas.ball((x, tall - 0.12, z), (0.125, 0.15), hair, z, label)
    canvas.ball((x, tall - 0.17, z), (0.1, 0.1), SKINS[rng.integers(len(SKINS))], z, label)


def paint_two_wheeler(
    canvas: Canvas, kind: str, x: float, z: float, ridden: bool, rng: Generator
) -> None:
    """Bicycle or motorcycle, seen from its side or from behind, with or without a rider."""
    label = ID[kind]
    colour = shade(PAINTS[rng.integers(len(PAINTS))], rng.uniform(0.6, 1.1))
    radius = 0.34 if kind == "bicycle" else 0.32
    gap = 1.05 if kind == "bicycle" else 1.25
    turned = rng.uniform(0.0, 0.3) if rng.random() < 0.4 else rng.uniform(0.6, 1.0)
    half = gap / 2 * turned
    bar = 0.05 if kind == "bicycle" else 0.13
    tyre: Colour = (24, 24, 26)
    for at in (x - half, x + half):
        if turned < 0.35:
            canvas.ball((at, radius, z), (0.06, radius), tyre, z, label)
        else:
            rim = np.stack(
                [at + radius * CIRCLE[0], radius + radius * CIRCLE[1], np.full_like(CIRCLE[0], z)],
                -1,
            )  # (V, 3)
            canvas.line(rim, bar, tyre, z, None)
            canvas.ball((at, radius, z), (radius, radius), None, z, label)
    frame = np.array(
        [
            [x - half, radius, z],
            [x - half * 0.2, 0.85, z],
            [x + half * 0.7, 0.9, z],
            [x, radius * 1.05, z],
            [x - half * 0.2, 0.85, z],
        ]
    )
    canvas.line(frame, bar, colour, z, label)
    if kind == "motorcycle":
        body = [
            [x - half - 0.1, 0.5, z],
            [x + half + 0.1, 0.45, z],
            [x + half * 0.8, 0.92, z],
            [x - half * 0.5, 0.85, z],
        ]
        body = np.array(body)
        body[:, 0] = x + np.sign(body[:, 0] - x) * np.maximum(abs(body[:, 0] - x), 0.2)
        canvas.world(body, colour, z, label)
    handle = [[x + half * 0.7 - 0.1, 1.02, z], [x + half * 0.7 + 0.12, 1.08, z]]
    canvas.line(handle, 0.05, (30, 30, 30), z, label)
    if not ridden:
        return
    top = shade(CLOTHES[rng.integers(len(CLOTHES))], rng.uniform(0.8, 1.3))
    leg = [[x - 0.1, 0.95, z], [x + 0.16, 0.95, z], [x + 0.24, 0.38, z], [x + 0.08, 0.36, z]]
    canvas.world(leg, shade(top, 0.55), z, ID["rider"])
    _paint_upper_body(canvas, x, z, 0.82, rng.uniform(1.6, 1.82), top, ID["rider"], rng)
    if kind == "motorcycle" or rng.random() < 0.4:
        paint = PAINTS[rng.integers(len(PAINTS))]
        canvas.ball((x, 1.63, z), (0.16, 0.16), paint, z, ID["rider"])

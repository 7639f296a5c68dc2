"""Static parts: ground, road markings, façades, walls, fences, trees, poles and signs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from gcdp_bench.datasets.synth_city.canvas import Canvas, Colour, shade
from gcdp_bench.datasets.synth_city.classes import ID

FAR_M = 90.0
NEAR_M = 1.6
DETAIL_M = 45.0  # windows and lamps beyond this are smaller than a pixel
UP, AHEAD = np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.0, 1.0, 1.0, 0.0])

FACADES: tuple[Colour, ...] = (
    (196, 178, 148),
    (168, 150, 132),
    (150, 106, 88),
    (182, 182, 176),
    (126, 120, 116),
    (204, 196, 178),
    (160, 130, 104),
    (112, 96, 92),
    (178, 160, 120),
    (140, 146, 152),
)
ROOFS: tuple[Colour, ...] = ((110, 62, 50), (84, 78, 76), (120, 88, 70), (70, 70, 78))
GREENS: tuple[Colour, ...] = (
    (62, 96, 44),
    (84, 112, 50),
    (48, 78, 42),
    (104, 122, 62),
    (120, 110, 54),
    (74, 88, 60),
)


SIGNS: tuple[tuple[Colour, Colour], ...] = (
    ((206, 32, 36), (240, 238, 232)),
    ((28, 80, 176), (44, 104, 200)),
    ((238, 186, 28), (246, 206, 60)),
    ((206, 32, 36), (206, 32, 36)),
)
TRIANGLE = np.array([[0, 1.0], [0.95, -0.7], [-0.95, -0.7]])
SQUARE = np.array([[-0.85, -0.85], [0.85, -0.85], [0.85, 0.85], [-0.85, 0.85]])
POLES = ("lamp", "light", "sign", "bare")
POLE_SHARES = np.cumsum([0.34, 0.16, 0.28])


@dataclass(frozen=True)
class Street:
    """Cross-section of the street, in metres from the camera's line of sight."""

    left: float  # edge of the road, negative
    right: float
    pavement: float  # width of each pavement
    verge: tuple[bool, bool]  # a strip of grass beyond the pavement, left and right
    buildings: tuple[float, float]  # the façades' distance, left (negative) and right

    @classmethod
    def draw(cls, rng: Generator) -> Street:
        """Draw a street."""
        lane = rng.uniform(2.9, 3.6)
        lanes_left, lanes_right = rng.choice([1, 1, 2]), rng.choice([1, 1, 2])
        offset = lane / 2 + (lanes_right - 1) * lane * rng.integers(0, 2)
        right = offset + lane * 0.15 + rng.uniform(0, 1.8)
        left = -(lane * (lanes_left + lanes_right) - offset) - rng.uniform(0, 1.8)
        pavement = rng.uniform(1.8, 3.8)
        setback = rng.uniform(0.0, 4.0, 2)
        verge = rng.random(2) < 0.42
        reach = pavement + np.where(verge, 2.0, 0.3) + setback
        return cls(
            float(left),
            float(right),
            float(pavement),
            (bool(verge[0]), bool(verge[1])),
            (float(left - reach[0]), float(right + reach[1])),
        )

    def edge(self, side: int) -> float:
        """Road edge at `side` -1 (left) or 1 (right)."""
        return self.left if side < 0 else self.right

    def facade(self, side: int) -> float:
        """Façade line at a side."""
        return self.buildings[0] if side < 0 else self.buildings[1]


def strip(x_0: float, x_1: float, near: float, far: float, y: float = 0.0) -> np.ndarray:
    """Corners (4, 3) of a horizontal rectangle along the street."""
    return np.array((x_0, y, near, x_1, y, near, x_1, y, far, x_0, y, far)).reshape(4, 3)


def upright(x_0: float, x_1: float, y_0: float, y_1: float, z_0: float, z_1: float) -> np.ndarray:
    """Corners (4, 3) of a vertical rectangle from (x_0, z_0) to (x_1, z_1)."""
    return np.array((x_0, y_0, z_0, x_1, y_0, z_1, x_1, y_1, z_1, x_0, y_1, z_0)).reshape(4, 3)


def paint_ground(canvas: Canvas, street: Street, rng: Generator, wet: bool) -> None:
    """Terrain or paving, pavements with kerbs, road with markings and rails."""
    grey = rng.uniform(62, 112)
    asphalt = (grey * rng.uniform(0.97, 1.06), grey, grey * rng.uniform(0.98, 1.1))
    paving = shade((grey, grey, grey), rng.uniform(1.15, 1.6))
    for side in (-1, 1):
        edge = street.edge(side)
        outer = edge + side * street.pavement
        beyond = edge + side * 160
        grass = street.verge[side > 0]
        ground = GREENS[rng.integers(len(GREENS))] if grass else shade(paving, 0.92)
        ground = shade(ground, rng.uniform(0.95, 1.3)) if grass else ground
        label = ID["terrain"] if grass else ID["sidewalk"]
        for near, far in ((0.6, 9.0), (9.0, 30.0), (30.0, FAR_M * 6)):
            canvas.world(strip(outer, beyond, near, far), ground, (near + far) / 3, label)
            canvas.world(strip(edge, outer, near, far), paving, (near + far) / 3, ID["sidewalk"])
        kerb = edge + side * 0.18
        canvas.world(strip(edge, kerb, 0.6, FAR_M), shade(paving, 1.2), 12.0, ID["sidewalk"])
    for near, far in ((0.6, 4.0), (4.0, 9.0), (9.0, 20.0), (20.0, 45.0), (45.0, FAR_M * 6)):
        tone = shade(asphalt, rng.uniform(0.96, 1.05))
        canvas.world(
            strip(street.left, street.right, near, far), tone, (near + far) / 3, ID["road"]
        )
    _paint_patches(canvas, street, rng, asphalt)
    _paint_markings(canvas, street, rng)
    if wet:
        shine = shade(asphalt, 1.5)
        middle = (street.left + street.right) / 2
        canvas.world(strip(middle - 0.6, middle + 0.9, 3, 40), shine, 12.0, None)


def _paint_patches(canvas: Canvas, street: Street, rng: Generator, asphalt: Colour) -> None:
    for _ in range(rng.integers(1, 5)):
        x = rng.uniform(street.left, street.right - 1)
        z = rng.uniform(3, 25)
        patch = strip(x, min(street.right, x + rng.uniform(0.8, 2.6)), z, z + rng.uniform(1, 7))
        canvas.world(patch, shade(asphalt, rng.uniform(0.78, 1.14)), z, None)


def _paint_markings(canvas: Canvas, street: Street, rng: Generator) -> None:
    white = shade((215, 213, 205), rng.uniform(0.75, 1.1))
    width = rng.uniform(0.12, 0.2)
    for x in (street.left + 0.45, street.right - 0.45):
        if rng.random() < 0.6:
            canvas.world(strip(x - width / 2, x + width / 2, 1.5, 60), white, 10.0, None)
    centre = min(max(-rng.uniform(1.3, 2.2), street.left + 1), street.right - 1)
    period, phase = rng.uniform(5, 9), rng.uniform(0, 6)
    dashes = [
        strip(centre - width / 2, centre + width / 2, z, z + period * 0.45)
        for z in np.arange(1.5 + phase, 60, period)
    ]
    canvas.world(np.stack(dashes), white, 12.0, None)
    if rng.random() < 0.3:
        z = rng.uniform(5, 16)
        stripes = [
            strip(x, x + 0.5, z, z + 3)
            for x in np.arange(street.left + 0.3, street.right - 0.5, 1.0)
        ]
        canvas.world(np.stack(stripes), white, z, None)


def paint_rails(canvas: Canvas, x: float) -> None:
    """Tram rails in the road."""
    for rail in (x - 0.72, x + 0.72):
        canvas.world(strip(rail - 0.06, rail + 0.06, 1.5, FAR_M), (58, 54, 52), 10.0, None)


def paint_skyline(canvas: Canvas, rng: Generator) -> None:
    """Far trees and houses along the horizon."""
    depth = FAR_M
    metres = depth / canvas.camera.focal  # per picture height at that depth
    low, base = canvas.camera.height_m, -canvas.camera.centre * metres
    column = -0.1
    while column < 2.1:
        width, height = rng.uniform(0.14, 0.45), rng.uniform(0.015, 0.1)
        left, right, top = base + column * metres, base + (column + width) * metres, height * metres
        if rng.random() < 0.55:
            green = shade(GREENS[rng.integers(len(GREENS))], rng.uniform(0.7, 1.1))
            for _ in range(3):
                centre = (rng.uniform(left, right), low + top * rng.uniform(0, 0.5), depth)
                axes = (width * 0.3 * metres, top * rng.uniform(0.5, 1))
                tone = shade(green, rng.uniform(0.9, 1.1))
                canvas.ball(centre, axes, tone, 70.0, ID["vegetation"])
        else:
            tone = FACADES[rng.integers(len(FACADES))]
            canvas.world(
                upright(left, right, -1, low + top, depth, depth), tone, 70.0, ID["building"]
            )
        column += width * rng.uniform(0.6, 1.0)


def paint_side(canvas: Canvas, street: Street, side: int, rng: Generator) -> None:
    """Row of façades, gardens, walls and fences, from far to near."""
    x = street.facade(side)
    density = rng.uniform(0.62, 1.0)
    height = rng.uniform(6, 17)
    edges = [NEAR_M - rng.uniform(0, 6)]
    while edges[-1] < FAR_M:
        edges.append(edges[-1] + rng.uniform(6, 17))
    for near, far in reversed(list(zip(edges[:-1], edges[1:], strict=True))):
        if rng.random() < density:
            tall = max(4.0, height * rng.uniform(0.75, 1.3))
            paint_building(canvas, side, x + side * rng.uniform(0, 0.8), near, far, tall, rng)
        else:
            _paint_garden(canvas, side, x, near, far, rng)
    _paint_barrier(canvas, street, side, rng)


def paint_building(
    canvas: Canvas, side: int, x: float, near: float, far: float, tall: float, rng: Generator
) -> None:
    """A house: gable towards the camera, façade along the street, windows, door, roof."""
    label = ID["building"]
    tone = shade(FACADES[rng.integers(len(FACADES))], rng.uniform(0.72, 1.16))
    middle = (near + far) / 2
    near = max(near, 0.8)
    canvas.world(upright(x, x + side * 14, 0, tall, near, near), shade(tone, 0.86), near, label)
    canvas.world(upright(x, x, 0, tall, near, far), tone, middle, label)
    if rng.random() < 0.6 and near < DETAIL_M:
        roof = ROOFS[rng.integers(len(ROOFS))]
        top = tall + rng.uniform(0.8, 2.6)
        slope = [
            [x, tall, near],
            [x, tall, far],
            [x + side * 3, top, far],
            [x + side * 3, top, near],
        ]
        canvas.world(slope, roof, middle, label)
    canvas.world(
        upright(x, x, 0, rng.uniform(0.4, 3.4), near, far),
        shade(tone, rng.uniform(0.62, 0.95)),
        middle,
        label,
    )
    glass = shade((58, 68, 82), rng.uniform(0.6, 1.7))
    storey, bay = rng.uniform(2.7, 3.4), rng.uniform(1.7, 3.0)
    width, high = bay * rng.uniform(0.4, 0.65), storey * rng.uniform(0.42, 0.62)
    floors = np.arange(0.9, tall - high - 0.2, storey)
    bays = np.arange(near + 0.5, far - width, bay)
    if not len(floors) or not len(bays) or near > DETAIL_M:
        return
    quads = np.empty((len(floors), len(bays), 4, 3))  # corners, each (x, y, z)
    quads[..., 0] = x
    quads[..., 1] = floors[:, None, None] + high * UP
    quads[..., 2] = bays[:, None] + width * AHEAD
    quads = quads.reshape(-1, 4, 3)  # (N, 4, 3)
    canvas.world(quads, glass, middle, None)
    if middle < 25:
        lit = quads[rng.random(len(quads)) < rng.uniform(0, 0.3)]
        if len(lit):
            canvas.world(lit, shade(glass, rng.uniform(1.3, 2.2)), middle, None)


def _paint_garden(
    canvas: Canvas, side: int, x: float, near: float, far: float, rng: Generator
) -> None:
    colour = shade(GREENS[rng.integers(len(GREENS))], rng.uniform(0.8, 1.1))
    hedge = rng.uniform(1.0, 3.2)
    canvas.world(upright(x, x, 0, hedge, max(near, 0.8), far), colour, near + 3, ID["vegetation"])
    canvas.world(
        upright(x, x + side * 25, 0, hedge * 1.4, far, far),
        shade(colour, 0.85),
        far,
        ID["vegetation"],
    )
    for _ in range(rng.integers(1, 3)):
        paint_tree(canvas, x + side * rng.uniform(1, 6), rng.uniform(max(near, 4), far + 4), rng)


def _paint_barrier(canvas: Canvas, street: Street, side: int, rng: Generator) -> None:
    """A wall or a fence behind the pavement, on some stretches."""
    kind = rng.random()
    if kind > 0.28:
        return
    x = street.edge(side) + side * (street.pavement + rng.uniform(0.0, 0.8))
    near = rng.uniform(1.5, 14)
    far = near + rng.uniform(7, 30)
    tall = rng.uniform(1.0, 2.2)
    if kind < 0.12:
        tone = shade(FACADES[rng.integers(len(FACADES))], rng.uniform(0.7, 1.0))
        canvas.world(upright(x, x, 0, tall, near, far), tone, near + 4, ID["wall"])
        canvas.world(
            upright(x, x, tall, tall + 0.14, near, far), shade(tone, 1.25), near + 4, ID["wall"]
        )
        return
    tone = shade((96, 92, 84), rng.uniform(0.5, 1.7))
    canvas.world(upright(x, x, 0, tall, near, far), None, near + 4, ID["fence"])
    posts = np.arange(near, far, 0.8)
    at, zero = np.full_like(posts, x), np.zeros_like(posts)
    bars = np.stack([np.stack([at, zero, posts], -1), np.stack([at, zero + tall, posts], -1)], 1)
    rails = [[[x, y, near], [x, y, far]] for y in (tall * 0.35, tall * 0.95)]
    canvas.line(bars, 0.05, tone, near + 4, None)
    canvas.line(rails, 0.05, tone, near + 4, None)


def paint_tree(canvas: Canvas, x: float, z: float, rng: Generator) -> None:
    """Trunk and a crown of overlapping blobs, lighter towards the top."""
    label = ID["vegetation"]
    trunk, crown = rng.uniform(1.8, 3.6), rng.uniform(1.3, 2.9)
    green = shade(GREENS[rng.integers(len(GREENS))], rng.uniform(0.75, 1.15))
    canvas.line([[x, 0, z], [x, trunk + 0.6, z]], 0.22, (74, 58, 44), z, label)
    num = 9 if z < 15 else 5 if z < 30 else 3
    angles, radii = rng.uniform(0, 2 * np.pi, num), rng.uniform(0.15, 0.75, num) * crown
    right, up = np.cos(angles) * radii, np.sin(angles) * radii * 0.8
    sizes = crown * rng.uniform(0.42, 0.68, num) * (1.0 if num == 9 else 1.3)
    for place, index in enumerate(np.argsort(up).tolist()):
        centre = (x + float(right[index]), trunk + crown * 0.8 + float(up[index]), z)
        size = float(sizes[index])
        tone = shade(green, 0.72 + 0.65 * place / num)
        canvas.ball(centre, (size, size * 0.85), tone, z, label)


def paint_pole(canvas: Canvas, x: float, z: float, side: int, rng: Generator) -> None:
    """A pole with a lamp, a traffic light, signs, or nothing."""
    kind = POLES[int(np.searchsorted(POLE_SHARES, rng.random()))]
    low, high = {"lamp": (5.5, 8.5), "light": (3.0, 4.6)}.get(kind, (2.4, 3.4))
    tall = rng.uniform(low, high)
    grey = shade((128, 130, 132), rng.uniform(0.45, 1.25))
    canvas.line([[x, 0, z], [x, tall, z]], 0.12, grey, z, ID["pole"])
    if kind == "lamp":
        end = x - side * 1.6
        canvas.line([[x, tall, z], [end, tall, z]], 0.09, grey, z, ID["pole"])
        canvas.ball((end, tall, z), (0.34, 0.1), (232, 228, 200), z, ID["pole"])
    elif kind == "light":
        _paint_traffic_light(canvas, x, tall, z, rng)
    elif kind == "sign":
        for level in range(1 + (rng.random() < 0.25)):
            _paint_sign(canvas, x, tall - 0.35 - 0.85 * level, z, rng)


def _paint_traffic_light(canvas: Canvas, x: float, tall: float, z: float, rng: Generator) -> None:
    box = upright(x - 0.2, x + 0.2, tall - 1.05, tall, z, z)
    canvas.world(box, (26, 27, 26), z, ID["traffic light"])
    on = rng.integers(3)
    lamps: tuple[Colour, ...] = ((238, 44, 34), (246, 176, 30), (44, 214, 108))
    for index, lamp in enumerate(lamps):
        colour = lamp if index == on else shade(lamp, 0.22)
        canvas.ball((x, tall - 0.2 - 0.32 * index, z), (0.13, 0.13), colour, z, None)


def _paint_sign(canvas: Canvas, x: float, y: float, z: float, rng: Generator) -> None:
    label, radius = ID["traffic sign"], rng.uniform(0.3, 0.46)
    rim, face = SIGNS[rng.integers(len(SIGNS))]
    shape = rng.integers(4)
    if shape >= 2:
        canvas.ball((x, y, z), (radius, radius), rim, z, label)
        canvas.ball((x, y, z), (radius * 0.68, radius * 0.68), face, z, None)
        half = radius * 0.42
        bar = upright(x - half, x + half, y - half * 0.3, y + half * 0.3, z, z)
        canvas.world(bar, (245, 245, 245) if shape == 3 else (30, 30, 34), z, None)
        return
    outline = TRIANGLE if shape == 0 else SQUARE
    for size, colour, painted in ((radius, rim, label), (radius * 0.62, face, None)):
        corners = np.full((len(outline), 3), (x, y, z))
        corners[:, :2] += size * outline
        canvas.world(corners, colour, z, painted)

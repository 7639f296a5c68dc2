"""A street scene from a seed: what stands where, painted from far to near."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from gcdp_bench.datasets.synth_city import sky, street, traffic
from gcdp_bench.datasets.synth_city.canvas import Camera, Canvas
from gcdp_bench.datasets.synth_city.classes import ID

SUPERSAMPLING = 2

# How often a scene contains at least one of these.
CROSSING = {"car": 0.12, "truck": 0.03, "bus": 0.05, "train": 0.03}
LARGE = {"truck": 0.13, "bus": 0.08, "train": 0.035}
GROUPS = (1, 1, 1, 2, 3)  # people who walk together
BUSY = (0.25, 0.6, 0.6, 1.0, 1.0)  # share of the places in a lane that are taken


def render(seed: int, size: tuple[int, int]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Scene number `seed` as image uint8 (H, W, 3) and layout uint8 (H, W).

    The same seed is the same scene at every size.

    Raises:
        ValueError: the size is not 2:1.
    """
    height, width = size
    if width != 2 * height or height < 8:
        raise ValueError(
            f"synth-city: expected a size (H, 2 H) with H of at least 8, got {tuple(size)}"
        )
    rng = np.random.default_rng(seed)
    weather = sky.Weather.draw(rng)
    camera = Camera(
        horizon=rng.uniform(0.36, 0.5),
        centre=rng.uniform(0.8, 1.2),
        focal=rng.uniform(0.95, 1.35),
        height_m=rng.uniform(1.3, 1.75),
    )
    canvas = Canvas(SUPERSAMPLING * height, camera, weather.air)
    place = street.Street.draw(rng)
    sky.paint_sky(canvas, weather, rng)
    street.paint_skyline(canvas, rng)
    street.paint_ground(canvas, place, rng, weather.wet)
    for side in (-1, 1):
        street.paint_side(canvas, place, side, rng)
    canvas.paint()
    if weather.kind == "clear" and rng.random() < 0.7:
        sky.cast_shadows(canvas, (place.left, place.right), rng)
    lights = _roadside(canvas, place, rng) + _traffic(canvas, place, rng)
    canvas.paint()
    _paint_bonnet(canvas, rng)
    return sky.photograph(canvas, weather, np.array(lights), rng)


def _roadside(
    canvas: Canvas, place: street.Street, rng: Generator
) -> list[tuple[float, float, float]]:
    """Trees, poles, people and parked two-wheelers; returns the places of lamps."""
    lamps = []
    for side in (-1, 1):
        edge = place.edge(side)
        if rng.random() < 0.6:
            for depth in np.arange(rng.uniform(4, 12), 60, rng.uniform(7, 15)):
                if rng.random() < 0.75:
                    reach = place.pavement * rng.uniform(0.5, 1.0) + rng.uniform(0, 1.5)
                    z = depth + rng.uniform(-1, 1)
                    canvas.thing(z)
                    street.paint_tree(canvas, edge + side * reach, z, rng)
        for depth in np.arange(rng.uniform(3, 12), 45, rng.uniform(8, 18)):
            x, z = edge + side * rng.uniform(0.3, 0.7), depth + rng.uniform(-1, 1)
            canvas.thing(z)
            street.paint_pole(canvas, x, z, side, rng)
            lamps.append((x - side * 1.6, 6.5, z))
        for _ in range(rng.poisson(0.8)):
            x, z = edge + side * rng.uniform(0.3, place.pavement + 0.3), rng.uniform(4.5, 24)
            for member in range(GROUPS[rng.integers(len(GROUPS))]):
                canvas.thing(z + 0.2 * member)
                traffic.paint_person(canvas, x + 0.6 * member, z + 0.2 * member, rng)
        for kind, chance in (("bicycle", 0.22), ("motorcycle", 0.06)):
            if rng.random() < chance:
                z = rng.uniform(4, 14)
                for number in range(rng.integers(1, 4)):
                    canvas.thing(z)
                    x = edge + side * (0.5 + 0.55 * number)
                    traffic.paint_two_wheeler(canvas, kind, x, z, False, rng)
    return lamps


def _traffic(
    canvas: Canvas, place: street.Street, rng: Generator
) -> list[tuple[float, float, float]]:
    """Vehicles in lanes, parked and crossing, riders, people crossing; returns headlights."""
    lamps = []
    busy = BUSY[rng.integers(len(BUSY))]
    own, other = rng.uniform(-0.4, 0.4), place.left * 0.62
    for x, oncoming in ((own, False), (other, True)):
        depth = rng.uniform(5, 15)
        while depth < 60:
            if rng.random() < 0.55 * busy:
                lateral = x + rng.uniform(-0.3, 0.3)
                canvas.thing(depth)
                traffic.paint_car(canvas, lateral, depth, oncoming, rng)
                lamps.append((lateral, 0.75, depth))
            depth += rng.uniform(6, 16)
    for side in (-1, 1):
        if rng.random() < 0.45:
            depth = rng.uniform(4, 14)
            for _ in range(rng.integers(1, 6)):
                canvas.thing(depth)
                traffic.paint_car(canvas, place.edge(side) - side * 1.05, depth, side < 0, rng)
                depth += rng.uniform(5.2, 8)
    for kind, chance in LARGE.items():
        if rng.random() < chance:
            x = other if rng.random() < 0.6 else own + 0.2
            depth = rng.uniform(9, 26)
            if kind == "train":
                canvas.thing(street.FAR_M)
                street.paint_rails(canvas, x)
            canvas.thing(depth)
            traffic.paint_large(canvas, kind, x, depth, rng)
    for kind, chance in CROSSING.items():
        if rng.random() < chance:
            depth = rng.uniform(13, 30)
            canvas.thing(depth)
            traffic.paint_crossing(canvas, kind, depth, rng.uniform(-14, 4), rng)
    for kind, chance in (("bicycle", 0.22), ("motorcycle", 0.1)):
        if rng.random() < chance:
            z = rng.uniform(5, 16)
            canvas.thing(z)
            x = rng.uniform(place.left * 0.8, place.right)
            traffic.paint_two_wheeler(canvas, kind, x, z, True, rng)
    if rng.random() < 0.15:
        z = rng.uniform(6, 20)
        for _ in range(rng.integers(1, 4)):
            canvas.thing(z)
            traffic.paint_person(canvas, rng.uniform(place.left, place.right), z, rng)
    return lamps


def _paint_bonnet(canvas: Canvas, rng: Generator) -> None:
    """The bonnet of the car that carries the camera: unlabeled."""
    if rng.random() < 0.2:
        return
    rows = canvas.height
    high, tone = rng.uniform(0.03, 0.1), rng.uniform(14, 60)
    centre = (round((1.0 + rng.uniform(-0.08, 0.08)) * rows), round(1.16 * rows))
    axes = (round(1.25 * rows), round((0.16 + high) * rows))
    shine = (round(1.15 * rows), round((0.125 + high) * rows))
    cv2.ellipse(canvas.image, centre, axes, 0, 0, 360, (tone, tone * 1.02, tone * 1.08), -1)
    cv2.ellipse(canvas.image, centre, shine, 0, 0, 360, (tone * 1.5,) * 3, -1)
    cv2.ellipse(canvas.layout, centre, axes, 0, 0, 360, ID["unlabeled"], -1)

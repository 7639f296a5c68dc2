"""Light and weather: sky, air, surfaces' texture, darkness, and the camera's faults."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from gcdp_bench.datasets.synth_city.canvas import Air, Canvas, Colour
from gcdp_bench.datasets.synth_city.classes import CLASS_NAMES, ID

TEXTURE_SIZE = (64, 128)  # noise is drawn at this size, so a scene is the same at every size
GRAIN = {
    "vegetation": 0.17,
    "terrain": 0.13,
    "building": 0.07,
    "road": 0.045,
    "sidewalk": 0.06,
    "wall": 0.10,
    "fence": 0.07,
    "sky": 0.0,
    "person": 0.06,
    "rider": 0.06,
}
BLOTCH = {
    "vegetation": 0.17,
    "terrain": 0.13,
    "building": 0.07,
    "road": 0.045,
    "sidewalk": 0.06,
    "wall": 0.10,
    "sky": 0.0,
}
GRAIN_OF = np.array([GRAIN.get(name, 0.04) for name in CLASS_NAMES], np.float32)  # (K,)
BLOTCH_OF = np.array([BLOTCH.get(name, 0.03) for name in CLASS_NAMES], np.float32)  # (K,)
IS_GROUND = np.array([name in ("road", "sidewalk", "terrain") for name in CLASS_NAMES])  # (K,)


@dataclass(frozen=True)
class Weather:
    """Time of day and state of the air."""

    kind: str  # "clear", "cloudy", "fog", "dusk" or "night"
    zenith: Colour
    horizon: Colour
    haze: float  # per metre
    brightness: float
    tint: Colour  # multiplies the picture
    wet: bool

    @classmethod
    def draw(cls, rng: Generator) -> Weather:
        """Draw the weather of a scene."""
        kind = str(
            rng.choice(
                ["clear", "cloudy", "fog", "dusk", "night"], p=[0.36, 0.36, 0.09, 0.11, 0.08]
            )
        )
        warm = rng.uniform(0.93, 1.07)
        zenith, horizon, haze, brightness = {
            "clear": ((92, 140, 208), (188, 208, 226), rng.uniform(0.001, 0.006), 1.04),
            "cloudy": ((168, 176, 186), (214, 216, 216), rng.uniform(0.002, 0.010), 0.92),
            "fog": ((196, 200, 202), (212, 214, 214), rng.uniform(0.022, 0.05), 0.93),
            "dusk": ((84, 96, 146), (232, 168, 122), rng.uniform(0.003, 0.010), 0.66),
            "night": ((16, 20, 38), (46, 44, 54), rng.uniform(0.003, 0.010), 0.34),
        }[kind]
        blue = 1.12 if kind == "night" else 1.0
        return cls(
            kind,
            zenith,
            horizon,
            float(haze),
            brightness * rng.uniform(0.85, 1.12),
            (warm, 1.0, blue / warm),
            bool(rng.random() < 0.16),
        )

    @property
    def air(self) -> Air:
        """Haze between camera and things, undimmed (the picture is dimmed afterwards)."""
        lift = 1.0 / max(self.brightness, 0.3) if self.kind in ("night", "dusk") else 1.0
        red, green, blue = (min(255.0, c * lift) for c in self.horizon)
        return Air((red, green, blue), self.haze)


def smooth_noise(rng: Generator, shape: tuple[int, int], cells: tuple[int, int]) -> NDArray:
    """float32 field of about unit variance whose features are shape / cells pixels wide."""
    grid = rng.standard_normal(cells, np.float32)
    return cv2.resize(grid, shape[::-1], interpolation=cv2.INTER_CUBIC)


def paint_sky(canvas: Canvas, weather: Weather, rng: Generator) -> None:
    """Gradient from zenith to horizon, with clouds."""
    rows, columns = canvas.layout.shape
    bottom = int(np.clip(canvas.camera.horizon * rows + 2, 2, rows))
    ramp = np.linspace(0, 1, bottom, dtype=np.float32)[:, None, None] ** 0.8
    undim = 1.0 / max(weather.brightness, 0.3)
    zenith, horizon = (
        np.minimum(np.array(c, np.float32) * undim, 255) for c in (weather.zenith, weather.horizon)
    )
    sky = np.broadcast_to(zenith + (horizon - zenith) * ramp, (bottom, columns, 3))
    cover = {"clear": rng.uniform(-1.6, 0.2), "cloudy": rng.uniform(0.0, 1.6)}.get(
        weather.kind, -0.6
    )
    field = smooth_noise(rng, (32, 128), (5, 9)) + 0.45 * smooth_noise(rng, (32, 128), (11, 30))
    cloud = cv2.resize(field, (columns, bottom), interpolation=cv2.INTER_LINEAR)
    cloud = np.clip((cloud + cover) * 0.7, 0, 0.85)[..., None]
    white = horizon * 0.8 if weather.kind in ("dusk", "night") else np.float32(236)
    canvas.image[:bottom] = sky + (white - sky) * cloud
    canvas.layout[:bottom] = ID["sky"]


def cast_shadows(canvas: Canvas, road: tuple[float, float], rng: Generator) -> None:
    """Shadow of one row of houses on the ground, on sunny days."""
    left, right = road
    side = -1 if rng.random() < 0.5 else 1
    reach = rng.uniform(0.15, 0.85) * (right - left)
    inner, outer = (left + reach, left - 6) if side < 0 else (right - reach, right + 6)
    depths = np.arange(0.8, 70, rng.uniform(5, 9))
    ragged = inner + rng.uniform(-0.7, 0.7, len(depths))
    zero = np.zeros_like(depths)
    outline = np.concatenate(
        [np.stack([ragged, zero, depths], -1), np.stack([zero + outer, zero, depths], -1)[::-1]]
    )  # (V, 3)
    corners = canvas.camera.project(outline) * canvas.height  # (V, 2)
    mask = np.zeros(canvas.layout.shape, np.uint8)
    cv2.fillPoly(mask, [np.clip(corners, -(2**14), 2**14).astype(np.int32)], 1)
    shaded = (mask > 0) & IS_GROUND[canvas.layout]
    canvas.image[shaded] = canvas.image[shaded] * rng.uniform(0.5, 0.72)


def photograph(
    canvas: Canvas, weather: Weather, lamps: NDArray, rng: Generator
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The camera: sizes (H/2, W/2), surfaces' grain, daylight, lamps, blur, sensor noise.

    Args:
        canvas: painted scene.
        weather: its light.
        lamps: world places (N, 3) that glow in the dark.
        rng: the scene's.
    """
    rows, columns = canvas.layout.shape[0] // 2, canvas.layout.shape[1] // 2
    layout = np.asarray(
        cv2.resize(canvas.layout, (columns, rows), interpolation=cv2.INTER_NEAREST), np.uint8
    )
    small = cv2.resize(canvas.image, (columns, rows), interpolation=cv2.INTER_AREA)
    noise = rng.standard_normal((*TEXTURE_SIZE, 4), np.float32)  # grain, and noise of 3 channels
    blotch = smooth_noise(rng, TEXTURE_SIZE, (22, 44))
    if TEXTURE_SIZE != (rows, columns):
        noise = cv2.resize(noise, (columns, rows), interpolation=cv2.INTER_LINEAR)
        blotch = cv2.resize(blotch, (columns, rows), interpolation=cv2.INTER_LINEAR)
    rough = rng.uniform(0.6, 1.1)
    factor = 1 + rough * (noise[..., 0] * GRAIN_OF[layout] + blotch * BLOTCH_OF[layout])
    factor *= _light(weather, canvas, lamps, rows, columns, rng)
    picture = small * factor[..., None]
    if rng.random() < 0.2:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.006, 0.012) * rows)
    picture *= np.array(weather.tint, np.float32)
    picture += noise[..., 1:] * rng.uniform(0.5, 4.5)
    return np.clip(picture + 0.5, 0, 255).astype(np.uint8), layout


def _light(
    weather: Weather, canvas: Canvas, lamps: NDArray, rows: int, columns: int, rng: Generator
) -> NDArray[np.float32]:
    """Brightness of the picture (H, W): daylight, vignette, low sun, lamps in the dark."""
    row = np.linspace(-1, 1, rows, dtype=np.float32)[:, None]
    column = np.linspace(-1, 1, columns, dtype=np.float32)[None]
    light = weather.brightness * (1 - rng.uniform(0.0, 0.32) / 2 * (row**2 + column**2))
    if weather.kind == "clear" and rng.random() < 0.22:
        at = rng.uniform(-0.9, 0.9)
        light = light + 0.55 * np.exp(-((column - at) ** 2 + (row + 0.55) ** 2) / 0.16)
    if weather.kind in ("night", "dusk") and len(lamps):
        glow = np.zeros((rows, columns), np.float32)
        strength = 2.4 if weather.kind == "night" else 1.0
        places = np.clip(canvas.camera.project(lamps) * rows, -999, 999)
        for (x, y), depth in zip(places.astype(int).tolist(), lamps[:, 2], strict=True):
            cv2.circle(glow, (x, y), max(1, int(0.45 * rows / depth)), strength, -1)
        light = light + cv2.GaussianBlur(glow, (0, 0), rows * 0.03)
    return light.astype(np.float32)

"""Light on a head: its relief, the hair's strands, blush and beard, on a grid of head units.

Soft shapes are sums of separable Gaussians: one matrix product gives a map of all of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from gcdp_bench.datasets.synth_face.canvas import DEPTH, HALF_HEIGHT, HALF_WIDTH, Pose, lift
from gcdp_bench.datasets.synth_face.person import Person

GRID = 144  # cells along each side, whatever the picture's size
LEFT, TOP, SPAN = -1.9, -1.8, 3.8  # of the grid, turned head units
AXIS = np.arange(GRID, dtype=np.float32) * (SPAN / GRID) + SPAN / GRID / 2
U, V = (AXIS + LEFT)[None], (AXIS + TOP)[:, None]  # (1, G), (G, 1)


@dataclass(frozen=True)
class Light:
    """A lamp and the light from all around."""

    direction: tuple[float, float, float]  # to the lamp: right, down, to the camera; of length 1
    ambient: float  # share of the light that comes from everywhere
    hard: float  # depth of cast shadows, 0 to 1
    tint: tuple[float, float, float]  # RGB factors
    gloss: float

    @classmethod
    def draw(cls, rng: Generator) -> Light:
        """Draw a lamp from the left or right, above, more or less frontal."""
        u, v, z = rng.uniform(-1.0, 1.0), rng.uniform(-0.8, -0.25), rng.uniform(0.55, 1.1)
        length = float(np.sqrt(u * u + v * v + z * z))
        warm = rng.uniform(0.94, 1.09)
        return cls(
            (u / length, v / length, z / length),
            float(rng.uniform(0.42, 0.66)),
            float(rng.uniform(0.3, 0.6)),
            (float(warm), 1.0, float(1 / warm)),
            float(rng.uniform(0.03, 0.11)),
        )


def bump(rows: list[tuple[float, ...]], pose: Pose) -> NDArray:
    """Gaussians as they appear on the turned head: (N, 5).

    Args:
        rows: (amplitude, u, v, half width, half height, depth above the head's front) of each.
        pose: of the head.
    """
    table = np.array(rows)
    solid = lift(table[:, 1:3])
    solid[:, 2] += table[:, 5]
    table[:, 1:3] = pose.phase(solid)
    return table[:, :5].astype(np.float32)


def gaussians(table: NDArray) -> NDArray:
    """Sum of Gaussians (N, 5) on the grid: (G, G)."""
    across, down = _profiles(table)
    return down.T @ across


def slopes(table: NDArray) -> tuple[NDArray, NDArray]:
    """Derivatives of their sum along u and v, (G, G) each."""
    across, down = _profiles(table)
    _, u, v, wide, high = table.T[..., None]
    return (
        down.T @ (across * (u - U) / wide**2),
        (down * (v - V.T) / high**2).T @ across,
    )


def _profiles(table: NDArray) -> tuple[NDArray, NDArray]:
    amplitude, u, v, wide, high = table.T[..., None]  # (N, 1) each
    across = np.exp(-0.5 * ((U - u) / wide) ** 2)  # (N, G)
    down = amplitude * np.exp(-0.5 * ((V.T - v) / high) ** 2)  # (N, G)
    return across, down


def both(rows: list[tuple[float, ...]]) -> list[tuple[float, ...]]:
    """Rows and their mirror images."""
    return rows + [(a, -u, *rest) for a, u, *rest in rows]


def face_light(person: Person, pose: Pose, light: Light) -> tuple[NDArray, NDArray]:
    """Brightness (about 1 where the light falls straight) and highlights of the skin, (G, G)."""
    wide = HALF_WIDTH * (0.45 + 0.55 * max(person.shape["width"], 0.95))
    rest = 1 - (U / wide) ** 2 - (V / HALF_HEIGHT) ** 2
    root = np.sqrt(np.maximum(rest, 0.09))  # (G, G)
    table = bump(_relief(person), pose)
    over_u, over_v = slopes(table)
    over_u -= DEPTH * U / (wide**2 * root)
    over_v -= DEPTH * V / (HALF_HEIGHT**2 * root)
    length = np.sqrt(1 + over_u**2 + over_v**2)
    lit = (light.direction[2] - over_u * light.direction[0] - over_v * light.direction[1]) / length
    lit = np.clip(0.12 + 0.88 * lit / max(light.direction[2], 0.62), 0.0, 1.3)
    bright = light.ambient * (0.8 + 0.25 / length) + (1 - light.ambient) * lit
    bright *= 1 + gaussians(bump(_stains(person, light), pose))
    half = np.array(light.direction) + (0, 0, 1)
    half /= np.linalg.norm(half)
    facing = np.maximum((half[2] - over_u * half[0] - over_v * half[1]) / length, 0)
    facing *= facing
    facing *= facing
    facing *= facing  # to the 8th
    return bright, facing * facing * light.gloss


def _relief(person: Person) -> list[tuple[float, ...]]:
    """Raised and sunken parts of the ellipsoid."""
    nose, lips = person.shape["nose"], person.shape["lips"]
    smile = person.has("Smiling")
    old = not person.has("Young")
    bridge = 0.065 * (0.5 + 0.5 * nose)
    ridge = [
        (0.02 + 0.04 * s, 0.0, -0.02 + 0.34 * s, bridge, 0.09, 0.05 + 0.2 * s)
        for s in (0, 0.25, 0.5, 0.75, 1)
    ]
    rows = [
        *ridge,
        (0.075, 0.0, 0.37, 0.08 * nose, 0.065, 0.25),
        (-0.06, 0.0, 0.51, 0.05, 0.04, 0.05),
        (0.05, 0.0, 0.62, 0.2, 0.13, 0.02),
        (0.03 * lips, 0.0, 0.7, 0.11, 0.04, 0.05),
        (-0.06, 0.0, 0.79, 0.13, 0.04, 0.02),
        (0.09, 0.0, 0.92, 0.14 if person.male else 0.11, 0.08, 0.05),
        (0.05, 0.0, -0.52, 0.3, 0.2, 0.0),
        (-0.4, 0.0, 1.22, 0.8, 0.15, 0.0),
        *both(
            [
                (0.05, 0.125 * nose, 0.41, 0.045 * nose, 0.04, 0.12),
                (0.05, 0.28, -0.2, 0.17, 0.05, 0.02),
                (-0.05, 0.3, -0.05, 0.14, 0.07, 0.0),
                (-0.03, 0.14, -0.02, 0.05, 0.08, 0.0),
                (0.05, 0.31, 0.01, 0.1, 0.05, 0.0),
                (0.1 if smile else 0.055, 0.4, 0.27 if smile else 0.3, 0.15, 0.12, 0.0),
                (-0.03 if person.has("Chubby") else -0.05, 0.47, 0.56, 0.1, 0.14, 0.0),
            ]
        ),
    ]
    fold = (0.03 if smile else 0.012) + (0.02 if old else 0.0)
    rows += both(
        [(-fold, 0.19 + 0.13 * s, 0.42 + 0.2 * s, 0.03, 0.045, 0.0) for s in (0, 0.33, 0.66, 1)]
    )
    if person.has("Chubby"):
        rows += both([(0.09, 0.42, 0.55, 0.18, 0.16, 0.0)])
    return rows


def _stains(person: Person, light: Light) -> list[tuple[float, ...]]:
    """Changes of brightness that no relief gives: shadows of nose and lids, wrinkles, bags."""
    side, wide = 0.03 - 0.16 * light.direction[0], 0.1 * person.shape["nose"]
    rows = [
        (-0.26 * light.hard - 0.06, side, 0.42, wide, 0.07, 0.1),
        (-0.1, 0.0, 0.49, 0.1, 0.03, 0.1),
        (-0.16, 0.0, 0.79, 0.12, 0.03, 0.0),
        *both(
            [
                (-0.2, 0.31, -0.09, 0.13, 0.035, 0.0),
                (-0.12, 0.13, 0.0, 0.04, 0.06, 0.0),
                (-0.1, 0.075, 0.12, 0.025, 0.12, 0.05),
                (-0.07, 0.3, 0.1, 0.11, 0.02, 0.0),
            ]
        ),
    ]
    if person.has("Bags_Under_Eyes"):
        rows += both([(-0.36, 0.29, 0.125, 0.1, 0.03, 0.0), (0.12, 0.31, 0.19, 0.1, 0.03, 0.0)])
    if not person.has("Young"):
        rows += [(-0.15, 0.0, v, 0.3, 0.018, 0.0) for v in (-0.62, -0.5, -0.38)]
        rows += both([(-0.2, 0.05, -0.2, 0.016, 0.06, 0.0)])
        rows += both([(-0.13, 0.52, v, 0.05, 0.014, 0.0) for v in (-0.04, 0.03, 0.1)])
        rows += both(
            [
                (-0.17, 0.19 + 0.15 * s, 0.42 + 0.24 * s, 0.022, 0.045, 0.0)
                for s in (0, 0.33, 0.66, 1)
            ]
        )
    elif person.has("Smiling"):
        rows += both(
            [(-0.1, 0.2 + 0.14 * s, 0.42 + 0.2 * s, 0.022, 0.04, 0.0) for s in (0, 0.5, 1)]
        )
    return rows


def blush(person: Person, pose: Pose) -> NDArray:
    """Share of red in the skin, (G, G)."""
    cheeks = 0.62 if person.has("Rosy_Cheeks") else 0.11
    rows = both([(cheeks, 0.42, 0.3, 0.14, 0.1, 0.0), (0.12, 0.31, -0.04, 0.1, 0.05, 0.0)])
    rows += [(0.14, 0.0, 0.38, 0.1, 0.07, 0.25), (0.06, 0.0, 0.9, 0.1, 0.06, 0.05)]
    return np.clip(gaussians(bump(rows, pose)), 0, 0.7)


def beard(person: Person, pose: Pose, rng: Generator) -> NDArray:
    """Share of beard hair in the skin, (G, G)."""
    rows: list[tuple[float, ...]] = []
    jaw = person.shape["jaw"]
    if person.beard in ("full", "shadow"):
        line = [(0.57, 0.42), (0.52, 0.58), (0.44, 0.72), (0.32, 0.84), (0.18, 0.9), (0.06, 0.92)]
        rows += both([(0.75, u * jaw, v, 0.11, 0.1, 0.0) for u, v in line])
        rows += both([(0.5, 0.14, 0.53, 0.09, 0.04, 0.05), (0.3, 0.3, 0.6, 0.06, 0.08, 0.0)])
    if person.beard == "goatee":
        rows += [(1.3, 0.0, 0.95, 0.13, 0.085, 0.03), (0.8, 0.0, 0.8, 0.07, 0.03, 0.03)]
    if person.has("Mustache"):
        rows += both([(0.75, 0.06, 0.525, 0.05, 0.028, 0.06), (0.85, 0.16, 0.54, 0.06, 0.03, 0.05)])
        rows += both([(0.5, 0.24, 0.59, 0.03, 0.045, 0.03)])
    grain = rng.standard_normal((GRID, GRID), np.float32)
    if not rows:
        return np.zeros((GRID, GRID), np.float32)
    amount = np.clip(gaussians(bump(rows, pose)) * 1.6 - 0.22, 0, 1) * (0.86 + 0.12 * grain)
    return np.clip(amount, 0, 0.95) * (0.36 if person.beard == "shadow" else 0.92)


def strands(person: Person, pose: Pose, light: Light, rng: Generator) -> NDArray:
    """Brightness of hair, (G, G): strands along its flow, gloss across it, dark at the edge."""
    u = U - 0.3 * np.sin(pose.yaw)
    part = person.parting + 0.3 * np.sin(pose.yaw)
    above = np.minimum(V, 0.0)
    along = np.sqrt((u / 0.8) ** 2 + (above / 1.08) ** 2)  # concentric arcs, then straight down
    if person.style in ("crop", "short") or person.has("Bangs"):
        fan = np.arctan2(u - 0.5 * part, 0.55 - V) * 1.1
        along = np.where(V < -0.3, fan, along) if person.has("Bangs") else fan
    if person.has("Wavy_Hair"):
        along = along + 0.055 * np.sin(6.5 * V + 3.0 * np.abs(u) + rng.uniform(0, 6))
        along += 0.025 * np.sin(15 * V - 5 * u + rng.uniform(0, 6))
    fine, coarse = rng.standard_normal(256, np.float32), rng.standard_normal(64, np.float32)
    index = (along + 4) * 52
    sided = index + np.where(U > part, 97.0, 0.0)
    tone = 0.1 * _smooth_lookup(fine, 1.3 * sided) + 0.1 * _smooth_lookup(coarse, 0.3 * sided)
    ring = (V + 0.72 + 0.5 * u * u) / 0.16
    gloss = np.exp(-ring * ring) * (0.8 + 0.6 * light.direction[0] * np.sign(part - U) * -1)
    low = np.exp(-(((V - 0.55 - 0.2 * np.sin(5 * u)) / 0.2) ** 2)) * 0.35
    round_ = np.clip(1.12 + 0.3 * light.direction[0] * u - 0.34 * u * u - 0.1 * V, 0.45, 1.3)
    parted = np.exp(-(((U - part) / 0.03) ** 2)) * (V < -0.7) * 0.3
    if person.style in ("crop", "short"):
        parted = parted * 0.0
    return round_ * (0.86 + tone) * (1 + (0.45 + tone) * (gloss + low)) - parted


def _smooth_lookup(values: NDArray, index: NDArray) -> NDArray:
    low = index.astype(np.int32)
    share = (index - low).astype(np.float32)
    return values[low % len(values)] * (1 - share) + values[(low + 1) % len(values)] * share

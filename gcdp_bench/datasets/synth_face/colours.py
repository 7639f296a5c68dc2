"""Colours of skin, hair, lips and cloth, and arithmetic with them."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

Colour = tuple[float, float, float]  # RGB, 0 to 255, under white light

SKIN: tuple[Colour, ...] = (
    (240, 196, 170),
    (234, 184, 154),
    (226, 172, 140),
    (206, 150, 114),
    (178, 122, 88),
    (140, 94, 68),
    (104, 70, 54),
)
"""From light to deep."""

HAIR = {
    "Black_Hair": (34, 29, 30),
    "Brown_Hair": (98, 64, 42),
    "Blond_Hair": (214, 176, 112),
    "Gray_Hair": (176, 174, 174),
    "red": (156, 72, 34),
}
LIPSTICK: tuple[Colour, ...] = (
    (188, 26, 44),
    (206, 66, 98),
    (158, 30, 62),
    (214, 92, 84),
    (132, 34, 58),
)


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """`first` with a share of `second`."""
    a, b, c = (x + share * (y - x) for x, y in zip(first, second, strict=True))
    return a, b, c


def shade(colour: Colour, factor: float) -> Colour:
    """Darker (below 1) or lighter colour."""
    red, green, blue = colour
    return min(255.0, red * factor), min(255.0, green * factor), min(255.0, blue * factor)


def jitter(colour: Colour, amount: float, rng: Generator) -> Colour:
    """A colour nearby: brightness varies by `amount`, channels by a third of it."""
    factors = rng.uniform(1 - amount, 1 + amount) * rng.uniform(1 - amount / 3, 1 + amount / 3, 3)
    red, green, blue = np.minimum(np.array(colour) * factors, 255).tolist()
    return red, green, blue


def cloth_colour(rng: Generator) -> Colour:
    """A colour of clothes: often dark, white or muted, sometimes bright."""
    kind = rng.random()
    if kind < 0.3:
        value = rng.uniform(28, 70)
        return value, value * rng.uniform(0.95, 1.05), value * rng.uniform(1.0, 1.25)
    if kind < 0.5:
        value = rng.uniform(200, 236)
        return value, value * 0.99, value * rng.uniform(0.93, 1.0)
    red, green, blue = rng.uniform(40, 200, 3).tolist()
    grey = (red + green + blue) / 3
    return mix((red, green, blue), (grey, grey, grey), float(rng.uniform(0.0, 0.6)))

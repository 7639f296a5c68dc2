"""Lights a painted portrait: every class as its surface asks for, with soft cast shadows."""

from __future__ import annotations

from collections.abc import Collection

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from gcdp_bench.datasets.faces import CLASS_NAMES
from gcdp_bench.datasets.synth_face import relief
from gcdp_bench.datasets.synth_face.canvas import Canvas
from gcdp_bench.datasets.synth_face.colours import mix, shade
from gcdp_bench.datasets.synth_face.person import Person
from gcdp_bench.datasets.synth_face.relief import Light

SHADOW_SIZE = 64  # cast shadows are soft, so they are made small and enlarged
SHADOW_WARMTH = (0.34, 0.02, -0.1)  # red light passes through skin into its shadows


def _table(names: Collection[str]) -> NDArray[np.uint8]:
    """255 at the ids of these classes, (256,)."""
    chosen = [255 * (name in names) for name in CLASS_NAMES]
    return np.array(chosen + [0] * (256 - len(chosen)), np.uint8)


_NOT_FACE = ("background", "hair", "hat", "neck", "necklace", "clothes")
IS_FACE = _table([name for name in CLASS_NAMES if name not in _NOT_FACE])
IS_SKIN = _table(("skin", "nose"))
IS_FLESH = IS_FACE | _table(("neck",))
IS_HAIR, IS_HAT = _table(("hair",)), _table(("hat",))
IS_BODY = _table(("neck", "necklace", "clothes"))
IS_LIT = ~_table(("background",))
IS_OVER_FACE = _table(("hair", "hat", "eyeglasses"))
IS_HEAD = IS_FACE | IS_OVER_FACE


def light_picture(canvas: Canvas, person: Person, light: Light, rng: Generator) -> NDArray:
    """The painted colours under the light: float32 (S, S, 3), 0 to 255 and a little above."""
    bright, gleam = relief.face_light(person, canvas.pose, light)
    flush, hair = relief.blush(person, canvas.pose), relief.beard(person, canvas.pose, rng)
    bright, gleam, flush, hair = cv2.split(
        _to_canvas(canvas, np.stack([bright, gleam, flush, hair], -1))
    )  # (S, S) each
    picture = canvas.image.astype(np.float32)
    skin = cv2.LUT(canvas.layout, IS_SKIN) * np.float32(1 / 255)
    red = mix(shade(person.skin, 0.94), (212, 78, 74), 0.75)
    picture += (flush * skin)[..., None] * (np.asarray(red, np.float32) - picture)
    if not person.has("No_Beard"):
        colour = shade(mix(person.hair, (48, 38, 34), 0.3), 0.8)
        picture += (hair * skin)[..., None] * (np.asarray(colour, np.float32) - picture)

    shades = np.ones(canvas.layout.shape, np.float32)
    for classes, surface in (
        (IS_FACE, bright),
        (IS_HAIR, _to_canvas(canvas, relief.strands(person, canvas.pose, light, rng))),
        (IS_HAT, _hat_light(canvas, light)),
        (IS_BODY, _body_light(canvas, light, rng)),
    ):
        cv2.copyTo(surface, cv2.LUT(canvas.layout, classes), shades)
    shades *= _cast(canvas, light)
    warmth = cv2.LUT(canvas.layout, IS_FLESH) * np.float32(1 / 255) * np.maximum(1 - shades, 0)
    lit = cv2.LUT(canvas.layout, IS_LIT) * np.float32(1 / 255)
    picture *= cv2.merge(
        [
            shades * (1 + np.float32(more) * warmth) * (1 + np.float32(tint - 1) * lit)
            for more, tint in zip(SHADOW_WARMTH, light.tint, strict=True)
        ]
    )
    face = cv2.LUT(canvas.layout, IS_FACE).astype(np.float32)
    return picture + (gleam * face * shades)[..., None]


def _to_canvas(canvas: Canvas, maps: NDArray) -> NDArray:
    """Maps on the grid of the relief, (G, G) or (G, G, C), as the canvas sees them."""
    cell = relief.SPAN / relief.GRID
    grid_to_head = np.array(
        [[cell, 0, relief.LEFT + cell / 2], [0, cell, relief.TOP + cell / 2], [0, 0, 1]]
    )
    matrix = canvas.pose.affine() @ grid_to_head * canvas.size_px
    size = (canvas.size_px, canvas.size_px)
    mode = cv2.BORDER_REPLICATE
    return np.asarray(cv2.warpAffine(maps.astype(np.float32), matrix, size, borderMode=mode))


def _hat_light(canvas: Canvas, light: Light) -> NDArray:
    """A hat is lit like a ball."""
    u, v = _head_axes(canvas)
    ball = 1.02 + 0.42 * light.direction[0] * u - 0.3 * u * u - 0.14 * (v + 0.8)
    return np.clip(ball, 0.4, 1.3).astype(np.float32)


def _body_light(canvas: Canvas, light: Light, rng: Generator) -> NDArray:
    """Neck and shoulders: rounded, with soft folds."""
    u, v = _head_axes(canvas)
    folds = rng.standard_normal((7, 12), np.float32)
    folds = cv2.resize(folds, (canvas.size_px,) * 2, interpolation=cv2.INTER_CUBIC)
    neck = np.exp(-((u / 0.6) ** 2))
    bright = 0.94 + 0.3 * light.direction[0] * u - 0.1 * u * u + 0.06 * folds * (1 - neck)
    bright = bright - 0.12 * (v - 1.2) - 0.35 * neck * np.clip(u * u * 5, 0, 0.8) * (v < 1.3)
    return np.clip(bright, 0.3, 1.25).astype(np.float32)


def _cast(canvas: Canvas, light: Light) -> NDArray:
    """Soft shadows of hair, hat and glasses on the face, and of the head on the body: factors."""
    size = (canvas.size_px, canvas.size_px)
    result = np.ones(size, np.float32)
    for casts, receives, blur, reach, depth in (
        (IS_OVER_FACE, IS_FACE, 1.7, 2.0, light.hard),
        (IS_HEAD, IS_BODY, 3.4, 5.5, light.hard + 0.1),
    ):
        mask = cv2.LUT(canvas.layout, casts)
        mask = cv2.resize(mask, (SHADOW_SIZE,) * 2, interpolation=cv2.INTER_AREA)
        right, down = -light.direction[0], 0.6 - 0.6 * light.direction[1]
        shift = np.array([[1, 0, reach * right], [0, 1, reach * down]])
        soft = cv2.warpAffine(
            cv2.GaussianBlur(mask, (0, 0), blur), shift, mask.shape, borderMode=cv2.BORDER_REPLICATE
        )
        soft = cv2.resize(soft, size, interpolation=cv2.INTER_LINEAR)
        dark = 1 - soft * np.float32(depth / 255)
        cv2.copyTo(dark, cv2.LUT(canvas.layout, receives), result)
    return result


def _head_axes(canvas: Canvas) -> tuple[NDArray, NDArray]:
    """Head units of the canvas's columns (1, S) and rows (S, 1), not rolled."""
    axis = (np.arange(canvas.size_px, dtype=np.float32) + 0.5) / canvas.size_px
    pose = canvas.pose
    return ((axis - pose.column) / pose.scale)[None], ((axis - pose.row) / pose.scale)[:, None]

"""Parts of the face: skin, ears, eyes, brows, nose and mouth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gcdp_bench.datasets.synth_face.canvas import Canvas, lift, mirrored, smooth
from gcdp_bench.datasets.synth_face.colours import Colour, mix, shade
from gcdp_bench.datasets.synth_face.person import Person

DARK: Colour = (34.0, 22.0, 20.0)
EYE_U, EYE_HALF_WIDTH = 0.31, 0.152
SIDES = ((1, "left"), (-1, "right"))  # the person's left is on the right of the picture


def paint_skin(canvas: Canvas, person: Person) -> None:
    """The head's skin, from the crown to the chin."""
    canvas.head(face_outline(person), person.skin, "skin", z=_outline_depth(person))


def face_outline(person: Person) -> NDArray:
    """Closed outline (V, 2) of the head."""
    jaw, width, length = (person.shape[name] for name in ("jaw", "width", "length"))
    chin = 0.2 if person.male else 0.15
    half = np.array(
        [
            (0.0, -1.02),
            (0.36, -0.95),
            (0.6, -0.7),
            (0.7, -0.35),
            (0.7, 0.02),
            (0.665, 0.3),
            (0.6 * jaw, 0.6),
            (0.43 * jaw, 0.84 * length),
            (chin * jaw, 0.99 * length),
            (0.0, length),
        ]
    )
    half[1:-3, 0] *= width
    return smooth(mirrored(half))


def _outline_depth(person: Person) -> NDArray:
    outline = face_outline(person)
    return 0.14 + 0.35 * np.clip(outline[:, 1], 0, 1) ** 2 * np.exp(-((outline[:, 0] / 0.45) ** 2))


def paint_ears(canvas: Canvas, person: Person) -> None:
    """Both ears, behind the face."""
    edge = 0.7 * person.shape["width"]
    half = np.array(
        [
            (-0.06, -0.1),
            (0.02, -0.17),
            (0.1, -0.15),
            (0.125, -0.03),
            (0.1, 0.12),
            (0.05, 0.24),
            (0.0, 0.27),
            (-0.06, 0.2),
        ]
    )
    fold = np.array([(0.0, -0.09), (0.065, -0.09), (0.08, 0.0), (0.045, 0.12), (0.01, 0.16)])
    for side, name in SIDES:
        place = np.array([side * edge, 0.02])
        flip = np.array([side, 1.0])
        canvas.head(smooth(half * flip + place), person.skin, f"{name} ear", z=-0.08)
        inner = smooth(fold * flip + place, closed=False)
        canvas.head_line(inner, 0.022, shade(person.skin, 0.72), None, z=-0.08)
        canvas.head_line(inner[5:14], 0.04, shade(person.skin, 0.82), None, z=-0.08)


def lids(person: Person, side: int) -> tuple[NDArray, NDArray]:
    """Upper and lower lid, (13, 2) each, from the inner corner to the outer."""
    t = np.linspace(-1, 1, 13)
    height = 0.082 * person.shape["eyes"]
    u = side * (EYE_U * person.shape["eye_gap"] + EYE_HALF_WIDTH * t)
    tilt = 0.012 * (1 - t) - 0.004
    bow = 1 - np.abs(t) ** 2.3
    squint = 0.35 if person.has("Smiling") else 0.62
    upper = np.stack([u, tilt - height * bow * (1 - 0.12 * t)], 1)
    lower = np.stack([u, tilt + squint * height * bow * (1 + 0.2 * t)], 1)
    return upper, lower


def paint_eyes(canvas: Canvas, person: Person, light: float) -> None:
    """Whites, irises, pupils, highlights and lids; `light` is its side, -1 to 1."""
    for side, name in SIDES:
        upper, lower = lids(person, side)
        centre = np.array([side * EYE_U * person.shape["eye_gap"], 0.0])
        centre[0] += 0.05 * person.shape["gaze"]
        crease = upper + np.array([0.0, -0.034])
        if person.has("Wearing_Lipstick"):
            made_up = mix(person.skin, mix(person.lips, DARK, 0.55), 0.42)
            canvas.head(np.concatenate([upper, crease[::-1]]), made_up, None)
        canvas.head_line(crease[1:], 0.014, shade(person.skin, 0.66), None)
        opening = np.concatenate([upper, lower[::-1]])
        canvas.head_line(upper[1:-1], 0.02, None, f"{name} eye")
        canvas.head(opening, (228, 221, 217), f"{name} eye")
        canvas.head(np.concatenate([upper, upper[::-1] + (0, 0.016)]), (176, 164, 160), None)
        corner = np.stack([upper[0], upper[1], lower[1]])
        canvas.head(corner, (206, 150, 142), None)
        for radius, colour in (
            (0.08, shade(person.iris, 0.5)),
            (0.067, shade(person.iris, 1.25)),
            (0.035, (14, 11, 11)),
        ):
            canvas.head(_disc(centre, radius, upper, lower), colour, None)
        spark = centre + np.array([0.026 * np.sign(light), -0.022])
        canvas.head(_disc(spark, 0.017, upper, lower), (255, 255, 255), None)
        lash = 0.024 if not person.male else 0.017
        outer = (
            upper if person.male else np.concatenate([upper, upper[-1:] + (side * 0.022, -0.014)])
        )
        canvas.head_line(outer, lash, mix(DARK, person.skin, 0.08), None)
        canvas.head_line(lower[2:], 0.009, shade(person.skin, 0.62), None)


def _disc(centre: NDArray, radius: float, upper: NDArray, lower: NDArray) -> NDArray:
    """Circle cut by the lids."""
    angle = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    points = centre + radius * np.stack([np.cos(angle), np.sin(angle)], 1)
    order = np.argsort(upper[:, 0])
    top = np.interp(points[:, 0], upper[order, 0], upper[order, 1])
    bottom = np.interp(points[:, 0], lower[order, 0], lower[order, 1])
    points[:, 1] = np.clip(points[:, 1], top, bottom)
    return points


def paint_brows(canvas: Canvas, person: Person) -> None:
    """Both eyebrows."""
    t = np.linspace(0, 1, 9)
    arch = person.shape["arch"]
    bend = np.sin(np.pi * t**1.3)
    middle = -0.2 - 0.03 * np.sin(np.pi * t**0.8) - 0.075 * arch * bend + 0.045 * t**3
    middle -= 0.012 if person.has("Smiling") else 0.0
    half = 0.038 * person.shape["brows"] * (1 - 0.72 * t**1.6) * np.minimum(1, 0.6 + 4 * t)
    dark = mix(shade(person.hair, 0.75), (70, 50, 38), 0.35)
    colour = mix(dark, person.skin, 0.08 if person.has("Bushy_Eyebrows") else 0.16)
    for side, name in SIDES:
        u = side * (0.125 + 0.37 * t)
        upper, lower = np.stack([u, middle - half], 1), np.stack([u, middle + half], 1)
        canvas.head_line(np.stack([u, middle], 1), 0.02, None, f"{name} eyebrow")
        canvas.head_line(
            np.stack([u, middle], 1)[:-1], 2.4 * half[2], mix(colour, person.skin, 0.6), None
        )
        canvas.head(np.concatenate([upper, lower[::-1]]), colour, f"{name} eyebrow")


def paint_nose(canvas: Canvas, person: Person) -> None:
    """The nose; most of its form is relief, only nostrils and wings are drawn."""
    wide = person.shape["nose"]
    half = np.array(
        [
            (0.0, -0.04),
            (0.05, -0.02),
            (0.058, 0.14),
            (0.085 * wide, 0.28),
            (0.15 * wide, 0.365),
            (0.155 * wide, 0.43),
            (0.1 * wide, 0.465),
            (0.0, 0.475),
        ]
    )
    outline = smooth(mirrored(half), steps=4)
    canvas.head(outline, None, "nose", z=_nose_depth(outline))
    for side, _ in SIDES:
        flip = np.array([side, 1.0])
        wing = smooth(
            np.array([(0.14, 0.35), (0.165, 0.4), (0.145, 0.455), (0.1, 0.455)]) * (wide, 1) * flip,
            closed=False,
            steps=4,
        )
        canvas.head_line(wing, 0.018, shade(person.skin, 0.72), None, z=_nose_depth(wing))
        angle = np.linspace(0, 2 * np.pi, 10, endpoint=False)
        hole = np.stack(
            [0.068 * wide + 0.04 * np.cos(angle) * wide**0.6, 0.452 + 0.016 * np.sin(angle)], 1
        )
        canvas.head(
            hole * flip, mix(shade(person.skin, 0.42), (70, 24, 18), 0.3), None, z=_nose_depth(hole)
        )


def _nose_depth(points: NDArray) -> NDArray:
    """The nose stands out from the head, most at its tip."""
    out = np.interp(points[:, 1], [-0.05, 0.36, 0.44, 0.5], [0.05, 0.26, 0.2, 0.08])
    return lift(points)[:, 2] + out * np.exp(-((points[:, 0] / 0.2) ** 2))


def paint_mouth(canvas: Canvas, person: Person) -> None:
    """Lips, and what is between them if they are apart."""
    smiles, opened = person.has("Smiling"), person.has("Mouth_Slightly_Open")
    full = person.shape["lips"]
    width = 0.23 * person.shape["mouth"] + (0.075 if smiles else 0.0)
    corner = 0.615 - 0.065 if smiles else 0.632
    gap = (0.085 if smiles else 0.07) if opened else 0.0
    bow = 0.63 - 0.052 * full - 0.25 * gap
    t = np.linspace(-1, 1, 17)
    curve = 1 - np.abs(t) ** (2.0 if smiles else 2.6)
    droop = 0.652 - corner if smiles else 0.012
    top = (
        corner + (bow - corner) * (1 - np.abs(t) ** 1.7) + 0.018 * full * np.exp(-((t / 0.16) ** 2))
    )
    if smiles:
        top = corner + (bow + 0.012 - corner) * curve + 0.012 * np.exp(-((t / 0.16) ** 2))
    upper = corner + (droop - 0.2 * gap) * curve
    lower = corner + (droop + 0.85 * gap) * curve
    bottom = lower + 0.082 * full * (1 - np.abs(t) ** 2.2)
    u = width * t
    rows = [np.stack([u, v], 1) for v in (np.minimum(top, upper - 0.008), upper, lower, bottom)]
    above, under = person.lips, shade(person.lips, 1.12)
    canvas.head(
        np.concatenate([rows[2], rows[3][::-1]]), under, "lower lip", z=_lip_depth(rows[2], rows[3])
    )
    canvas.head(
        np.concatenate([rows[0], rows[1][::-1]]),
        shade(above, 0.88),
        "upper lip",
        z=_lip_depth(rows[0], rows[1]),
    )
    shine = rows[2][6:11] + (0, 0.55 * (bottom - lower).max())
    canvas.head_line(
        shine, 0.022 * full, mix(under, (255, 255, 255), 0.22), None, z=_lip_depth(shine)
    )
    if not opened:
        line = rows[1]
        canvas.head_line(
            line, 0.018, shade(mix(person.lips, DARK, 0.45), 0.8), None, z=_lip_depth(line)
        )
        return
    canvas.head_line(
        rows[1][3:-3] + (0, 0.4 * gap), 0.03, None, "mouth", z=_lip_depth(rows[1][3:-3])
    )
    canvas.head(
        np.concatenate([rows[1], rows[2][::-1]]),
        (52, 16, 18),
        "mouth",
        z=_lip_depth(rows[1], rows[2]),
    )
    teeth = upper + (0.7 if smiles else 0.42) * (lower - upper)
    row = np.stack([0.9 * u, teeth], 1)[2:-2]
    canvas.head(
        np.concatenate([rows[1][2:-2] * (0.94, 1), row[::-1]]),
        (236, 230, 220),
        None,
        z=_lip_depth(row, row),
    )


def _lip_depth(*curves: NDArray) -> NDArray:
    """Lips stand a little out of the head."""
    return lift(np.concatenate(curves))[:, 2] + 0.06

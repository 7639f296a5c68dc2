"""A portrait and its layout, painted together through a head's pose.

Head units: origin between the pupils, u to the right of the picture, v down, z to the camera. The
pupils are about 0.62 apart, the chin is at v = 1, the crown at v = -1.05.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from gcdp_bench.datasets.faces import CLASS_NAMES
from gcdp_bench.datasets.synth_face.colours import Colour

SUBPIXEL_BITS = 4
MIN_LINE_PX = 2  # on the canvas, so that a thin thing survives the nearest-pixel resize
HALF_WIDTH, HALF_HEIGHT, DEPTH = 0.84, 1.3, 0.8  # of the ellipsoid that carries the face
ID = {name: index for index, name in enumerate(CLASS_NAMES)}


@dataclass(frozen=True)
class Pose:
    """Position and rotation of the head; lengths in picture widths, angles in radians."""

    column: float
    row: float
    scale: float  # picture widths in a head unit
    yaw: float  # to the right of the picture
    pitch: float  # downwards
    roll: float  # clockwise

    def phase(self, points: NDArray) -> NDArray:
        """Head points (..., 3) to (..., 2), turned but not rolled."""
        u, v, z = points[..., 0], points[..., 1], points[..., 2]
        return np.stack(
            [
                u * np.cos(self.yaw) + z * np.sin(self.yaw),
                v * np.cos(self.pitch) + z * np.sin(self.pitch),
            ],
            -1,
        )

    def affine(self, rolled: bool = True) -> NDArray:
        """(2, 3) matrix from turned head units to picture widths."""
        angle = self.roll if rolled else 0.25 * self.roll
        cos, sin = np.cos(angle) * self.scale, np.sin(angle) * self.scale
        return np.array([[cos, -sin, self.column], [sin, cos, self.row]])


def lift(points: Any) -> NDArray:
    """Put points (..., 2) onto the front of the head: (..., 3)."""
    flat = np.asarray(points, np.float64)
    rest = 1 - (flat[..., 0] / HALF_WIDTH) ** 2 - (flat[..., 1] / HALF_HEIGHT) ** 2
    return np.concatenate([flat, DEPTH * np.sqrt(np.maximum(rest, 0.0))[..., None]], -1)


def smooth(points: Any, *, closed: bool = True, steps: int = 5) -> NDArray:
    """Catmull-Rom curve through points (N, D): (N * steps, D), or to the last point if open."""
    knots = np.asarray(points, np.float64)
    ends = (knots[-1:], knots[:2]) if closed else (knots[:1], knots[-1:])
    padded = np.concatenate([ends[0], knots, ends[1]])  # (N + 3, D), open: (N + 2, D)
    t = np.arange(steps)[:, None] / steps
    weights = 0.5 * np.concatenate(
        [-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, t**3 - t**2], 1
    )  # (steps, 4)
    windows = np.stack([padded[i : len(padded) - 3 + i] for i in range(4)], 1)  # (S, 4, D)
    curve = (weights @ windows).reshape(-1, knots.shape[1])
    return curve if closed else np.concatenate([curve, knots[-1:]])


def mirrored(half: Any) -> NDArray:
    """Closed outline from its right half, given from the top of the axis to its bottom."""
    right = np.asarray(half, np.float64)
    return np.concatenate([right, right[-2:0:-1] * np.array([-1.0, 1.0])])


class Canvas:
    """uint8 image (S, S, 3) and layout (S, S)."""

    def __init__(self, size_px: int, pose: Pose):
        self.image = np.zeros((size_px, size_px, 3), np.uint8)
        self.layout = np.zeros((size_px, size_px), np.uint8)
        self.size_px = size_px
        self.pose = pose
        self._head, self._body = pose.affine(), pose.affine(rolled=False)

    def head(self, points: Any, colour: Colour | None, label: str | None, z: Any = None) -> None:
        """Fill a polygon (V, 2) on the front of the head, or at depth z (a number or (V,))."""
        self._fill(self._place(points, z), colour, label)

    def body(self, points: Any, colour: Colour | None, label: str | None) -> None:
        """Fill a polygon (V, 2) of the body, which neither turns nor rolls with the head."""
        self._fill(self._to_fixed(np.asarray(points), self._body), colour, label)

    def head_line(
        self, points: Any, width: float, colour: Colour | None, label: str | None, z: Any = None
    ) -> None:
        """Stroke an open line (V, 2) on the head, `width` head units thick."""
        self._stroke(self._place(points, z), width, colour, label)

    def body_line(
        self, points: Any, width: float, colour: Colour | None, label: str | None
    ) -> None:
        """Stroke an open line (V, 2) of the body."""
        self._stroke(self._to_fixed(np.asarray(points), self._body), width, colour, label)

    def _place(self, points: Any, z: Any) -> NDArray:
        flat = np.asarray(points, np.float64)
        if z is None:
            solid = lift(flat)
        else:
            depth = np.broadcast_to(np.asarray(z, np.float64), flat.shape[:1])
            solid = np.concatenate([flat, depth[:, None]], 1)
        return self._to_fixed(self.pose.phase(solid), self._head)

    def _to_fixed(self, points: NDArray, affine: NDArray) -> NDArray:
        pixels = (points @ affine[:, :2].T + affine[:, 2]) * self.size_px - 0.5
        return (pixels * 2**SUBPIXEL_BITS).astype(np.int32)

    def _fill(self, fixed: NDArray, colour: Colour | None, label: str | None) -> None:
        if colour is not None:
            edge = cv2.LINE_AA if label is None else cv2.LINE_8
            cv2.fillPoly(self.image, [fixed], colour, edge, SUBPIXEL_BITS)
        if label is not None:
            cv2.fillPoly(self.layout, [fixed], ID[label], cv2.LINE_8, SUBPIXEL_BITS)

    def _stroke(
        self, fixed: NDArray, width: float, colour: Colour | None, label: str | None
    ) -> None:
        px = width * self.pose.scale * self.size_px
        if colour is not None:
            thickness = max(1 if label is None else MIN_LINE_PX, round(px))
            edge = cv2.LINE_AA if label is None else cv2.LINE_8
            cv2.polylines(self.image, [fixed], False, colour, thickness, edge, SUBPIXEL_BITS)
        if label is not None:
            thickness = max(MIN_LINE_PX, round(px))
            cv2.polylines(
                self.layout, [fixed], False, ID[label], thickness, cv2.LINE_8, SUBPIXEL_BITS
            )

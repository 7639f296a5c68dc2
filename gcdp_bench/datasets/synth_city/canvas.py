"""A picture and its layout, painted together through a pinhole camera.

Shapes are recorded first and painted afterwards, things from far to near: the projection of all
corners is then one array operation, and a scene costs little more than its polygons.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from gcdp_bench.datasets.synth_city.classes import ID

Colour = tuple[float, float, float]  # RGB, 0 to 255
SUBPIXEL_BITS = 4
SKY_DEPTH_M = 1e6
MIN_LINE_PX = 2  # on the canvas, so that a pole survives the nearest-pixel resize of the layout


@dataclass(frozen=True)
class Camera:
    """Pinhole above the road. Lengths on the picture are in picture heights, in the world in m."""

    horizon: float  # height of the horizon, from the top
    centre: float  # column of the vanishing point, from the left
    focal: float
    height_m: float

    def project(self, points: NDArray) -> NDArray:
        """World (right, up, ahead) (..., 3) to picture (column, row) (..., 2)."""
        scale = self.focal / np.maximum(points[..., 2], 0.5)
        column = self.centre + scale * points[..., 0]
        row = self.horizon + scale * (self.height_m - points[..., 1])
        return np.stack([column, row], -1)


@dataclass(frozen=True)
class Air:
    """Haze between the camera and things: colours fade towards it with depth."""

    colour: Colour
    density: float  # per metre


@dataclass(slots=True)
class _Shape:
    kind: str  # "polygon", "line" or "ellipse"
    corners: NDArray  # world (P, 3); of an ellipse the centre, and the centre plus its half axes
    size: int  # corners of each of its P / size polygons or lines
    colour: Colour | None  # None: layout only
    depth_m: float
    label: int | None  # None: image only
    width_m: float = 0.0


@dataclass
class Thing:
    """Shapes that are painted together, at one place in the order of depth."""

    depth_m: float
    shapes: list[_Shape] = field(default_factory=list)


class Canvas:
    """uint8 image (H, 2 H, 3) and layout (H, 2 H), filled by `paint`."""

    def __init__(self, height: int, camera: Camera, air: Air):
        self.image = np.zeros((height, 2 * height, 3), np.uint8)
        self.layout = np.full((height, 2 * height), ID["unlabeled"], np.uint8)
        self.camera = camera
        self.height = height
        self._air = air
        self._things = [Thing(SKY_DEPTH_M)]

    def thing(self, depth_m: float) -> None:
        """Begin a new thing; shapes recorded from now on belong to it."""
        self._things.append(Thing(depth_m))

    def world(self, points: Any, colour: Colour | None, depth_m: float, label: int | None) -> None:
        """Record polygons given by world corners, (V, 3) or (N, V, 3)."""
        self._record("polygon", points, colour, depth_m, label)

    def line(
        self, points: Any, width_m: float, colour: Colour, depth_m: float, label: int | None
    ) -> None:
        """Record open polylines, (V, 3) or (N, V, 3)."""
        self._record("line", points, colour, depth_m, label, width_m)

    def ball(
        self,
        centre: tuple[float, float, float],
        half_axes_m: tuple[float, float],
        colour: Colour | None,
        depth_m: float,
        label: int | None,
    ) -> None:
        """Record an upright ellipse that faces the camera."""
        x, y, z = centre
        corner = (x + half_axes_m[0], y + half_axes_m[1], z)
        self._record("ellipse", (centre, corner), colour, depth_m, label)

    def paint(self) -> None:
        """Paint everything recorded, far things first, and forget it."""
        order = sorted(self._things, key=lambda thing: -thing.depth_m)
        shapes = [shape for thing in order for shape in thing.shapes]
        self._things = [Thing(SKY_DEPTH_M)]
        if not shapes:
            return
        corners = self.camera.project(np.concatenate([shape.corners for shape in shapes]))
        fixed = (corners * self.height - 0.5) * 2**SUBPIXEL_BITS
        fixed = np.clip(fixed, -(2**18), 2**18).astype(np.int32)  # (P, 2)
        depths = np.array([shape.depth_m for shape in shapes])
        colours = np.array([shape.colour or (0.0, 0.0, 0.0) for shape in shapes])  # (S, 3)
        kept = np.exp(-self._air.density * depths)[:, None]  # (S, 1)
        seen = (kept * colours + (1 - kept) * np.array(self._air.colour)).tolist()
        scales = (self.camera.focal * self.height / np.maximum(depths, 0.5)).tolist()
        start = 0
        for shape, colour, scale in zip(shapes, seen, scales, strict=True):
            part = fixed[start : start + len(shape.corners)]  # (P, 2)
            start += len(shape.corners)
            fill = FILLERS[shape.kind]
            if shape.colour is not None:
                fill(self.image, part, shape.size, colour, shape.width_m * scale)
            if shape.label is not None:
                fill(self.layout, part, shape.size, shape.label, shape.width_m * scale)

    def _record(
        self,
        kind: str,
        points: Any,
        colour: Colour | None,
        depth_m: float,
        label: int | None,
        width_m: float = 0.0,
    ) -> None:
        corners = np.asarray(points, np.float64)
        size = corners.shape[-2]
        if corners.ndim == 3:
            corners = corners.reshape(-1, 3)
        self._things[-1].shapes.append(_Shape(kind, corners, size, colour, depth_m, label, width_m))


def _fill_polygons(target: NDArray, part: NDArray, size: int, value, _: float) -> None:
    polygons = [part] if len(part) == size else list(part.reshape(-1, size, 2))
    cv2.fillPoly(target, polygons, value, cv2.LINE_8, SUBPIXEL_BITS)


def _fill_lines(target: NDArray, part: NDArray, size: int, value, width_px: float) -> None:
    lines = [part] if len(part) == size else list(part.reshape(-1, size, 2))
    thickness = max(MIN_LINE_PX, round(width_px))
    cv2.polylines(target, lines, False, value, thickness, cv2.LINE_8, SUBPIXEL_BITS)


def _fill_ellipse(target: NDArray, part: NDArray, _: int, value, __: float) -> None:
    (x_0, y_0), (x_1, y_1) = part.tolist()
    axes = (max(1, abs(x_1 - x_0)), max(1, abs(y_1 - y_0)))
    cv2.ellipse(target, (x_0, y_0), axes, 0, 0, 360, value, -1, cv2.LINE_8, SUBPIXEL_BITS)


FILLERS = {"polygon": _fill_polygons, "line": _fill_lines, "ellipse": _fill_ellipse}


def shade(colour: Colour, factor: float) -> Colour:
    """Darker (below 1) or lighter colour."""
    red, green, blue = colour
    return min(255.0, red * factor), min(255.0, green * factor), min(255.0, blue * factor)

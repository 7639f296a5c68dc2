"""A portrait from a seed: the person, the pose, the light, and the camera."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from gcdp_bench.datasets.synth_face import body, features, hair, wear
from gcdp_bench.datasets.synth_face.backdrop import paint_backdrop
from gcdp_bench.datasets.synth_face.canvas import Canvas, Pose
from gcdp_bench.datasets.synth_face.lighting import light_picture
from gcdp_bench.datasets.synth_face.person import Person, draw_person
from gcdp_bench.datasets.synth_face.relief import Light

SUPERSAMPLING = 2
MIN_SIZE = 16
NOISE_SIZE = 128  # noise is drawn at this size, so that a portrait is the same at every size
LOOK_STREAM = 1


def render(
    seed: int, size: tuple[int, int]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], dict[str, bool]]:
    """Portrait number `seed` as image uint8 (H, W, 3), layout uint8 (H, W), and attributes.

    The same seed is the same portrait, and the same attributes, at every size.

    Raises:
        ValueError: the size is not square, or too small for a face.
    """
    height, width = size
    if height != width or height < MIN_SIZE:
        raise ValueError(
            f"synth-face: expected a square size of at least {MIN_SIZE}, got {tuple(size)}"
        )
    person = draw_person(np.random.default_rng(seed))
    rng = np.random.default_rng((seed, LOOK_STREAM))
    pose, light = draw_pose(person, rng), Light.draw(rng)
    canvas = Canvas(SUPERSAMPLING * height, pose)
    canvas.image[:] = paint_backdrop(canvas.size_px, rng)
    _paint(canvas, person, light, rng)
    picture = light_picture(canvas, person, light, rng)
    layout = cv2.resize(canvas.layout, (width, height), interpolation=cv2.INTER_NEAREST)
    return _photograph(picture, height, rng), np.asarray(layout, np.uint8), person.attributes


def draw_pose(person: Person, rng: Generator) -> Pose:
    """Draw where the head is; what is worn at the neck is kept in the picture."""
    low = person.has("Wearing_Necktie", "Wearing_Necklace")
    return Pose(
        column=0.5 + rng.normal(0, 0.022),
        row=rng.uniform(0.42, 0.46) if low else rng.uniform(0.45, 0.5),
        scale=rng.uniform(0.295, 0.335) if low else rng.uniform(0.315, 0.38),
        yaw=float(np.clip(rng.normal(0, 0.16), -0.3, 0.3)),
        pitch=float(np.clip(rng.normal(0.0, 0.05), -0.1, 0.1)),
        roll=float(np.clip(rng.normal(0, 0.07), -0.2, 0.2)),
    )


def _paint(canvas: Canvas, person: Person, light: Light, rng: Generator) -> None:
    """All parts, from back to front."""
    hair.paint_back(canvas, person, rng)
    body.paint_body(canvas, person, rng)
    if person.tucked:
        hair.paint_locks(canvas, person, rng)
    features.paint_ears(canvas, person)
    if person.has("Wearing_Earrings"):
        wear.paint_earrings(canvas, person, rng)
    features.paint_skin(canvas, person)
    squareness = float(rng.uniform(0, 1))
    if person.has("Eyeglasses"):
        wear.paint_lens_layout(canvas, squareness)
    features.paint_mouth(canvas, person)
    features.paint_brows(canvas, person)
    features.paint_eyes(canvas, person, light.direction[0])
    features.paint_nose(canvas, person)
    if not person.tucked:
        hair.paint_locks(canvas, person, rng)
    hair.paint_front(canvas, person, rng)
    if person.has("Eyeglasses"):
        wear.paint_glasses(canvas, person, squareness, rng)
    if person.has("Wearing_Hat"):
        wear.paint_hat(canvas, person, rng)


def _photograph(picture: NDArray, size: int, rng: Generator) -> NDArray[np.uint8]:
    """The camera: size, exposure, vignette, focus, sensor noise."""
    photo = cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)
    axis = np.linspace(-1, 1, size, dtype=np.float32)
    vignette = 1 - rng.uniform(0, 0.22) * 0.5 * (axis[None] ** 2 + axis[:, None] ** 2)
    photo *= (rng.uniform(0.88, 1.12) * vignette)[..., None]
    photo = cv2.GaussianBlur(photo, (0, 0), rng.uniform(0.0022, 0.0045) * size)
    noise = rng.standard_normal((NOISE_SIZE, NOISE_SIZE, 3), np.float32) * rng.uniform(1.0, 4.0)
    if size != NOISE_SIZE:
        noise = cv2.resize(noise, (size, size), interpolation=cv2.INTER_LINEAR)
    photo += noise
    return np.clip(photo + 0.5, 0, 255).astype(np.uint8)

"""Golden numbers of the resizes: each against its definition as a matrix, and one another."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gcdp_bench.core.images import Size
from gcdp_bench.diagnostics.verify.check import Check
from gcdp_bench.extractors.resizers import (
    INCEPTION_SIZE,
    clean_bicubic,
    tf1_bilinear,
    torch_bilinear,
)

Array = NDArray[np.float64]
Resize = Callable[[Tensor], Tensor]

SIZES: tuple[Size, ...] = ((32, 32), (128, 128), (256, 256), (256, 512))
"""Sources; 299 is of no use here: every resize leaves it as it is."""

TOLERANCE = 1e-2
"""Grey levels: a position near 512 is off by 3e-5 pixels in float32, times up to 255."""

MEASURED = (13.59, 6.41, 1.46, 4.70)
"""Mean |pytorch-fid - TF1| of a 1/f image at `SIZES`, grey levels; the image is not published."""


def resize_checks() -> list[Check]:
    """Three resizes, at every size."""
    matrices = {
        "tf1": (tf1_bilinear, tf1_matrix),
        "torch": (torch_bilinear, centre_matrix),
        "clean": (clean_bicubic, bicubic_matrix),
    }
    sources = {
        "tf1": "grid of tf.compat.v1.image.resize_bilinear, as a matrix",
        "torch": "bilinear between pixel centres, as a matrix",
        "clean": "Pillow's antialiased bicubic filter (a = -1/2), as a matrix",
    }
    return [
        *(
            Check(
                name=f"resize of {protocol} - its definition, largest, 32 to 256x512",
                source=sources[protocol],
                expected=0.0,
                tolerance=TOLERANCE,
                compute=partial(definition_gap, *matrices[protocol]),
            )
            for protocol in matrices
        ),
        Check(
            name="resize of tf1 - torch-fidelity's, largest, 32 to 256x512",
            source="interpolate_bilinear_2d_like_tensorflow1x of torch-fidelity",
            expected=0.0,
            tolerance=0.0,
            compute=torch_fidelity_gap,
        ),
        Check(
            name="change by any resize of an image that is 299x299, largest",
            source="the size at which parity tests of FID see nothing",
            expected=0.0,
            tolerance=0.0,
            compute=unchanged_gap,
        ),
        Check(
            name="order of |torch - tf1| over four sizes, pairs as measured",
            source="13.6, 6.4, 1.5 and 4.7 grey levels at 32, 128, 256 and 256x512",
            expected=6.0,
            tolerance=0.0,
            compute=ordered_pairs,
        ),
    ]


def definition_gap(resize: Resize, matrix: Callable[[int, int], Array]) -> float:
    """Largest |resize - rows matrix @ image @ columns matrix^T|, clipped to 0..255."""
    gaps = []
    for height, width in SIZES:
        image = one_over_f(height, width)  # (1, 3, H, W)
        rows, columns = matrix(height, INCEPTION_SIZE[0]), matrix(width, INCEPTION_SIZE[1])
        expected = np.clip(rows @ image[0].double().numpy() @ columns.T, 0, 255)  # (3, h, w)
        gaps.append(np.abs(resize(image)[0].double().numpy() - expected).max())
    return float(max(gaps))


def torch_fidelity_gap() -> float:
    """Largest difference from the program that defines `fid-tf1`."""
    from torch_fidelity.interpolate_compat_tensorflow import (
        interpolate_bilinear_2d_like_tensorflow1x as theirs,
    )

    gaps = []
    for height, width in SIZES:
        image = one_over_f(height, width)
        other = theirs(image.float(), size=INCEPTION_SIZE, align_corners=False)
        gaps.append(float((tf1_bilinear(image) - other).abs().max()))
    return max(gaps)


def unchanged_gap() -> float:
    """Largest change of a 299x299 image."""
    image = one_over_f(*INCEPTION_SIZE)
    changed = [resize(image) - image for resize in (tf1_bilinear, torch_bilinear, clean_bicubic)]
    return float(torch.stack(changed).abs().max())


def ordered_pairs() -> float:
    """Pairs of sizes whose differences are in the order of `MEASURED`."""
    images = [one_over_f(height, width) for height, width in SIZES]
    ours = [float((torch_bilinear(image) - tf1_bilinear(image)).abs().mean()) for image in images]
    return float(
        sum(
            (ours[i] < ours[j]) == (MEASURED[i] < MEASURED[j])
            for i in range(len(SIZES))
            for j in range(i)
        )
    )


def tf1_matrix(old: int, new: int) -> Array:
    """Weights (new, old) of linear interpolation at i old / new."""
    return _linear(np.arange(new) * (old / new), old)


def centre_matrix(old: int, new: int) -> Array:
    """Weights (new, old) of linear interpolation at (i + 1/2) old / new - 1/2."""
    return _linear(np.clip((np.arange(new) + 0.5) * (old / new) - 0.5, 0, None), old)


def bicubic_matrix(old: int, new: int) -> Array:
    """Weights (new, old) of Keys' cubic (a = -1/2), widened where the picture shrinks; rows sum
    to 1."""
    centres = (np.arange(new) + 0.5) * (old / new)  # (new,)
    widening = max(1.0, old / new)
    offset = np.abs((np.arange(old) + 0.5 - centres[:, None]) / widening)  # (new, old)
    near = (1.5 * offset - 2.5) * offset**2 + 1
    far = ((-0.5 * offset + 2.5) * offset - 4) * offset + 2
    weights = np.where(offset < 1, near, np.where(offset < 2, far, 0.0))
    return weights / weights.sum(1, keepdims=True)


def _linear(places: NDArray[np.floating], old: int) -> Array:
    before = np.minimum(places.astype(int), old - 1)
    share = places - before
    weights = np.zeros((len(places), old))
    rows = np.arange(len(places))
    weights[rows, before] += 1 - share
    weights[rows, np.minimum(before + 1, old - 1)] += share
    return weights


def one_over_f(height: int, width: int, *, num: int = 1) -> Tensor:
    """Noise whose amplitude falls as 1 / frequency, as in photographs, uint8 (num, 3, H, W)."""
    rng = np.random.default_rng(0)
    spectrum = np.fft.rfft2(rng.standard_normal((num, 3, height, width)))
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    frequency[0, 0] = 1.0
    noise = np.fft.irfft2(spectrum / frequency, s=(height, width))
    noise -= noise.mean((2, 3), keepdims=True)
    pixels = 127.5 + 50 * noise / noise.std((2, 3), keepdims=True)
    return torch.from_numpy(np.clip(np.round(pixels), 0, 255).astype(np.uint8))

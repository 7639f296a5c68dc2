"""A curve of FID against text-image correspondence over the guidance scale, as two numbers.

G points, in order of guidance. FID: lower is better; correspondence (Semantic Recall, CLIP score):
higher is better.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def hypervolume(
    fid: NDArray[np.floating],
    correspondence: NDArray[np.floating],
    *,
    reference: tuple[float, float],
) -> float:
    """Area that the points dominate, up to a reference point (Zitzler & Thiele 1998).

    The union of the rectangles [fid_i, reference FID] x [reference correspondence,
    correspondence_i]; only the Pareto front counts. A point that is not better than the reference
    in both adds nothing. The order of the points does not matter.

    Args:
        fid: (G,), finite; may be empty.
        correspondence: (G,), finite.
        reference: worst FID and worst correspondence that count.

    Returns:
        Units of FID times units of correspondence, 0 to infinity: areas of different metrics or
        reference points do not compare.

    Raises:
        ValueError: lengths differ, or a value is not finite.
    """
    fid, correspondence = _curve(fid, correspondence)
    worst_fid, worst_correspondence = reference
    is_inside = (fid < worst_fid) & (correspondence > worst_correspondence)
    fid, correspondence = fid[is_inside], correspondence[is_inside]
    order = np.argsort(fid)
    # From each FID to the next, the best correspondence so far is dominated.
    best = np.maximum.accumulate(correspondence[order])
    widths = np.diff(fid[order], append=worst_fid)
    return float(widths @ (best - worst_correspondence))


def fid_at(
    correspondence_level: float,
    fid: NDArray[np.floating],
    correspondence: NDArray[np.floating],
) -> float:
    """FID at matched correspondence: the curve's lowest FID at that level.

    The curve is straight between neighbouring guidance scales; on the piece from point 0 to 1

        FID = FID_0 + w (FID_1 - FID_0),  w = (level - c_0) / (c_1 - c_0).

    Args:
        correspondence_level: where the curve is read.
        fid: (G,), finite; in order of guidance.
        correspondence: (G,), finite.

    Returns:
        In units of FID; NaN where the curve does not reach the level: nothing is extrapolated.

    Raises:
        ValueError: lengths differ, or a value is not finite.
    """
    fid, correspondence = _curve(fid, correspondence)
    found = fid[correspondence == correspondence_level].tolist()
    rise = np.diff(correspondence)
    above = correspondence > correspondence_level
    for piece in np.flatnonzero(above[:-1] != above[1:]):
        weight = (correspondence_level - correspondence[piece]) / rise[piece]
        found.append(fid[piece] + weight * (fid[piece + 1] - fid[piece]))
    return float(min(found, default=math.nan))


def _curve(
    fid: NDArray[np.floating], correspondence: NDArray[np.floating]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    fid, correspondence = np.asarray(fid, np.float64), np.asarray(correspondence, np.float64)
    if fid.shape != correspondence.shape or fid.ndim != 1:
        raise ValueError(
            f"expected one FID per correspondence, got shapes {fid.shape} and "
            f"{correspondence.shape}"
        )
    if not (np.isfinite(fid).all() and np.isfinite(correspondence).all()):
        raise ValueError("expected finite values; leave out points that lack one")
    return fid, correspondence

"""A curve of FID against text-image correspondence over the guidance scale, as two numbers.

G points, in order of guidance; draws of a curve lie on the axes in front. FID: lower is better;
correspondence (Semantic Recall, CLIP score): higher is better.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def hypervolume(
    fid: NDArray[np.floating],
    correspondence: NDArray[np.floating],
    *,
    reference: tuple[float, float],
) -> NDArray[np.float64]:
    """Area that the points dominate, up to a reference point (Zitzler & Thiele 1998).

    The union of the rectangles [fid_i, reference FID] x [reference correspondence,
    correspondence_i]; only the Pareto front counts. A point that is not better than the reference
    in both adds nothing. The order of the points does not matter.

    Args:
        fid: (..., G), finite; may be empty.
        correspondence: (..., G), finite.
        reference: worst FID and worst correspondence that count.

    Returns:
        (...,) in units of FID times units of correspondence, 0 to infinity: areas of different
        metrics or reference points do not compare.

    Raises:
        ValueError: shapes differ, or a value is not finite.
    """
    fid, correspondence = _curve(fid, correspondence)
    worst_fid, worst_correspondence = reference
    is_inside = (fid < worst_fid) & (correspondence > worst_correspondence)
    fid = np.where(is_inside, fid, worst_fid)
    gain = np.where(is_inside, correspondence - worst_correspondence, 0.0)
    order = np.argsort(fid, -1)
    # From each FID to the next, the best correspondence so far is dominated.
    best = np.maximum.accumulate(np.take_along_axis(gain, order, -1), -1)
    widths = np.diff(np.take_along_axis(fid, order, -1), append=worst_fid)
    return np.vecdot(widths, best)


def fid_at(
    correspondence_level: ArrayLike,
    fid: NDArray[np.floating],
    correspondence: NDArray[np.floating],
) -> NDArray[np.float64]:
    """FID at matched correspondence: the curve's lowest FID at that level.

    The curve is straight between neighbouring guidance scales; on the piece from point 0 to 1

        FID = FID_0 + w (FID_1 - FID_0),  w = (level - c_0) / (c_1 - c_0).

    Args:
        correspondence_level: where the curve is read, (...,).
        fid: (..., G), finite; in order of guidance.
        correspondence: (..., G), finite.

    Returns:
        (...,) in units of FID; NaN where the curve does not reach the level: nothing is
        extrapolated.

    Raises:
        ValueError: shapes differ, or a value is not finite.
    """
    fid, correspondence = _curve(fid, correspondence)
    level = np.asarray(correspondence_level, np.float64)[..., None]  # (..., 1)
    at_points = np.where(correspondence == level, fid, np.inf)
    above = correspondence > level
    crosses = above[..., :-1] != above[..., 1:]  # (..., G - 1)
    rise = np.where(crosses, np.diff(correspondence), 1.0)
    weight = (level - correspondence[..., :-1]) / rise
    between = np.where(crosses, fid[..., :-1] + weight * np.diff(fid), np.inf)
    lowest = np.concatenate([at_points, between], -1).min(-1, initial=np.inf)
    return np.where(np.isinf(lowest), np.nan, lowest)


def _curve(
    fid: NDArray[np.floating], correspondence: NDArray[np.floating]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    fid, correspondence = np.asarray(fid, np.float64), np.asarray(correspondence, np.float64)
    if fid.shape != correspondence.shape or fid.ndim == 0:
        raise ValueError(
            f"expected one FID per correspondence, got shapes {fid.shape} and "
            f"{correspondence.shape}"
        )
    if not (np.isfinite(fid).all() and np.isfinite(correspondence).all()):
        raise ValueError("expected finite values; leave out points that lack one")
    return fid, correspondence

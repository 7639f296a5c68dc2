"""Palettes: class proportions of a layout, and the Gaussian mixture they are drawn from.

Stage 0 of Le Moing et al. 2021: full covariances, as many components as Akaike's criterion wants.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from gcdp_bench.core.config import from_dict, read_json, write_json

MAX_ITERATIONS = 1000
FIT_SEED = 0  # of scikit-learn's first guess
REMEDY = "train one with `gcdp-bench train palette-layouts`"


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """M Gaussians in K dimensions, as plain numbers."""

    weights: tuple[float, ...]  # (M,), sum to 1
    means: tuple[tuple[float, ...], ...]  # (M, K)
    covariances: tuple[tuple[tuple[float, ...], ...], ...]  # (M, K, K)

    def __post_init__(self):
        num, classes = len(self.weights), {len(mean) for mean in self.means}
        rows = {len(row) for covariance in self.covariances for row in covariance}
        columns = {len(covariance) for covariance in self.covariances}
        fits = len(self.means) == len(self.covariances) == num > 0
        if not fits or len(classes) != 1 or not classes == rows == columns:
            raise ValueError(
                f"expected as many means (K) and covariances (K, K) as the {num} weights, got "
                f"{len(self.means)} of {sorted(classes)} and {len(self.covariances)} of "
                f"{sorted(columns)} x {sorted(rows)}; {REMEDY}"
            )


class Palettes:
    """The distribution of palettes: a mixture, clipped to [0, 1] and put back on the simplex.

    Raises:
        ValueError: a covariance is not positive definite.
    """

    def __init__(self, mixture: Mixture):
        self.mixture = mixture
        self.weights = torch.tensor(mixture.weights, dtype=torch.float64)  # (M,)
        self.means = torch.tensor(mixture.means, dtype=torch.float64)  # (M, K)
        self.covariances = torch.tensor(mixture.covariances, dtype=torch.float64)  # (M, K, K)
        self._factors, failed = torch.linalg.cholesky_ex(self.covariances)  # (M, K, K)
        if bool(failed.any()):
            raise ValueError(
                "expected positive definite covariances, got others in components "
                f"{failed.nonzero().flatten().tolist()}; {REMEDY}"
            )

    @property
    def num_classes(self) -> int:
        """K."""
        return self.means.shape[1]

    def draw(self, num: int, generator: torch.Generator) -> Float[Tensor, "B K"]:
        """Palettes: each row is in [0, 1] and sums to 1, float32.

        Entries of a draw from the mixture sum to about 1 (those it was fitted to sum to 1), so the
        positive ones that clipping leaves have a sum to divide by.
        """
        component = torch.multinomial(
            self.weights, num, replacement=True, generator=generator
        )  # (B,)
        noise = torch.randn(num, self.num_classes, 1, dtype=torch.float64, generator=generator)
        drawn = self.means[component] + (self._factors[component] @ noise)[..., 0]  # (B, K)
        clipped = drawn.clamp(0.0, 1.0)
        return (clipped / clipped.sum(1, keepdim=True)).float()

    def tensors(self) -> dict[str, Tensor]:
        """All parameters by name, float64."""
        return {"weights": self.weights, "means": self.means, "covariances": self.covariances}


def fit_palettes(palettes: Float[Tensor, "N K"], max_components: int) -> Palettes:
    """Fit mixtures of 1 to `max_components` Gaussians and keep the one of the lowest AIC.

    There are never more components than different palettes. The same palettes give the same
    mixture.

    Raises:
        ValueError: there are less than two palettes.
    """
    from sklearn.mixture import GaussianMixture

    if len(palettes) < 2:
        raise ValueError(f"expected two palettes or more to fit a mixture to, got {len(palettes)}")
    points = palettes.double().numpy()  # (N, K)
    most = min(max_components, len(np.unique(points, axis=0)))
    fits: Sequence[GaussianMixture] = [
        GaussianMixture(
            num, covariance_type="full", max_iter=MAX_ITERATIONS, random_state=FIT_SEED
        ).fit(points)
        for num in range(1, most + 1)
    ]
    best = min(fits, key=lambda fit: fit.aic(points))
    mixture = {
        "weights": np.asarray(best.weights_).tolist(),
        "means": np.asarray(best.means_).tolist(),
        "covariances": np.asarray(best.covariances_).tolist(),
    }
    return Palettes(from_dict(Mixture, mixture))


def write_palettes(path: Path, palettes: Palettes) -> None:
    """Write the mixture as JSON, which keeps every digit."""
    write_json(path, palettes.mixture)


def read_palettes(path: Path) -> Palettes:
    """Read what `write_palettes` wrote.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it is damaged.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: expected the mixture of palettes, found none; {REMEDY}")
    return Palettes(from_dict(Mixture, read_json(path), where=str(path)))

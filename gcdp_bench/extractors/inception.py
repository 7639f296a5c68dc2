"""Inception-v3 features as torch-fidelity computes them, from a local weights file."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from gcdp_bench.extractors.weights import file_digest, require_file

CHUNK = 32
SOURCE = "the releases of toshas/torch-fidelity (weights-inception-2015-12-05-6726825d.pth)"


class Inception:
    """The 2048 features of the Fréchet Inception Distance, TF1 resize included."""

    name = "inception-v3"

    def __init__(self, path: Path | None):
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

        file = require_file(path, "inception-v3", "--inception", SOURCE)
        self.network = FeatureExtractorInceptionV3(
            "inception-v3-compat", ["2048"], feature_extractor_weights_path=str(file)
        )
        self.network.eval().requires_grad_(False)
        self.digest = file_digest(file)

    @torch.no_grad()
    def features(self, images: Tensor) -> Tensor:
        """uint8 (B, 3, H, W) to float32 (B, 2048)."""
        return torch.cat([self.network(chunk)[0] for chunk in images.split(CHUNK)])

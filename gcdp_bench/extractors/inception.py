"""Inception-v3 as the Fréchet Inception Distance uses it, under three named protocols.

One network, torch-fidelity's, with its weights file (TensorFlow's of 2015, converted). A protocol
is how images become its input:

=======  =============================  ====================  ========================
name     resize to 299x299              input from v = 0..255  the program it follows
=======  =============================  ====================  ========================
tf1      `resizers.tf1_bilinear`        (v - 128) / 128       torch-fidelity (default)
clean    `resizers.clean_bicubic`       (v - 128) / 128       clean-fid, mode "clean"
torch    `resizers.torch_bilinear`      v / 127.5 - 1         pytorch-fid
=======  =============================  ====================  ========================
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from gcdp_bench.extractors.checkpoints import read_checkpoint
from gcdp_bench.extractors.inference import COMPUTATION, FOLDED, for_evaluation
from gcdp_bench.extractors.names import FidProtocol
from gcdp_bench.extractors.registry import find_weights
from gcdp_bench.extractors.resizers import clean_bicubic, tf1_bilinear, torch_bilinear
from gcdp_bench.extractors.weights import file_digest
from gcdp_bench.io.validation import reason

CHUNK = 32
NAME = "inception-v3"


@dataclass(frozen=True)
class Input:
    """Preprocessing of a protocol."""

    resizer: str  # as the resizer column says it
    resize: Callable[[Tensor], Tensor]  # uint8 (B, 3, H, W) to float32 (B, 3, 299, 299), 0..255
    centre: float
    scale: float  # the network sees (v - centre) / scale


INPUTS: Mapping[FidProtocol, Input] = {
    "tf1": Input("tf1-bilinear-299", tf1_bilinear, 128.0, 128.0),
    "clean": Input("pil-bicubic-299", clean_bicubic, 128.0, 128.0),
    "torch": Input("torch-bilinear-299", torch_bilinear, 127.5, 127.5),
}


class InceptionNetwork:
    """The network, loaded once for all protocols."""

    def __init__(self, path: Path | None = None, *, device: str = "cpu"):
        """Read torch-fidelity's weights: `path`, else those in the user's weights store.

        Raises:
            FileNotFoundError: there are none; says where to get them.
            ValueError: they are damaged, or of another network.
        """
        file = find_weights(NAME, path)
        self.device = torch.device(device)
        self.digest = file_digest(file)
        self._trunk = for_evaluation(_load_trunk(file), self.device)

    @torch.no_grad()
    def features(self, pixels: Tensor) -> Tensor:
        """Averaged last features.

        Args:
            pixels: float32 (B, 3, 299, 299), scaled as the protocol says; about -1..1.

        Returns:
            float32 (B, 2048).
        """
        return self._trunk(pixels)


class Inception:
    """A `FeatureExtractor`: the features of FID under one protocol."""

    name = NAME
    computation = f"{COMPUTATION}, {FOLDED}"

    def __init__(self, network: InceptionNetwork, protocol: FidProtocol):
        """Use `network` under `protocol`, of `FID_PROTOCOLS`."""
        self.protocol = protocol
        self.digest = network.digest
        self._network, self._input = network, INPUTS[protocol]

    @property
    def resizer(self) -> str:
        """Filter and size."""
        return self._input.resizer

    def features(self, images: Tensor) -> Tensor:
        """uint8 (B, 3, H, W), any size, to float32 (B, 2048) on the CPU.

        Raises:
            ValueError: another dtype.
        """
        if images.dtype != torch.uint8:
            raise ValueError(f"images: expected dtype uint8, got {images.dtype}")
        return torch.cat([self._of_chunk(chunk) for chunk in images.split(CHUNK)])

    def _of_chunk(self, images: Tensor) -> Tensor:
        seen = self._input.resize(images.to(self._network.device))  # (b, 3, 299, 299)
        pixels = (seen - self._input.centre) / self._input.scale
        return self._network.features(pixels).cpu()  # (b, 2048)


def _load_trunk(file: Path) -> nn.Module:
    """torch-fidelity's layers up to the pooled features, without its resize."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    expected = "torch-fidelity's Inception-v3 weights"
    read_checkpoint(file, expected=expected)  # before torch-fidelity unpickles the same file
    try:
        network = FeatureExtractorInceptionV3(
            "inception-v3-compat", ["2048"], feature_extractor_weights_path=str(file)
        )
    except (RuntimeError, TypeError, AttributeError, ValueError, KeyError) as error:
        raise ValueError(
            f"{file}: expected {expected}, got {reason(error)}; give that file"
        ) from error
    layers = [layer for name, layer in network.named_children() if name != "fc"]
    return nn.Sequential(*layers, nn.Flatten())  # registered in the order in which they act

"""synth-face: procedural portraits with CelebAMask-HQ's classes and CelebA's attributes."""

from gcdp_bench.datasets.synth_face.dataset import SynthFace
from gcdp_bench.datasets.synth_face.person import DRAWN
from gcdp_bench.datasets.synth_face.portrait import render

__all__ = ["DRAWN", "SynthFace", "render"]

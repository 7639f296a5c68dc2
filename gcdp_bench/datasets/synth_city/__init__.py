"""synth-city: procedural street scenes with Cityscapes' classes."""

from gcdp_bench.datasets.synth_city.classes import CLASS_NAMES
from gcdp_bench.datasets.synth_city.dataset import SynthCity
from gcdp_bench.datasets.synth_city.scene import render

__all__ = ["CLASS_NAMES", "SynthCity", "render"]

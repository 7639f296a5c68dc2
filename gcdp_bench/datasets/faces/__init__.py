"""Shared parts of face datasets: CelebAMask-HQ's classes, CelebA's attributes, captions."""

from gcdp_bench.datasets.faces.captions import named_classes, parse_attributes, write_caption
from gcdp_bench.datasets.faces.vocabulary import ATTRIBUTE_NAMES, CLASS_NAMES

__all__ = ["ATTRIBUTE_NAMES", "CLASS_NAMES", "named_classes", "parse_attributes", "write_caption"]

"""celeba: faces of CelebA-HQ with CelebAMask-HQ's layouts and Multi-Modal CelebA-HQ's captions."""

from gcdp_bench.datasets.celeba.dataset import AttributedCelebA, CelebA
from gcdp_bench.datasets.celeba.layouts import PART_NAMES
from gcdp_bench.datasets.celeba.tree import find_tree

__all__ = ["PART_NAMES", "AttributedCelebA", "CelebA", "find_tree"]

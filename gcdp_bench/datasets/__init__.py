"""Datasets of (id, image, layout, caption) triplets."""

"""Lafite (Zhou et al. 2022): StyleGAN2 whose layers read the CLIP feature of the caption."""

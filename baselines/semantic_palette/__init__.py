"""Semantic Palette (Le Moing et al. 2021): class proportions, then a layout, then an image.

Stage 3 of the paper, training both networks end to end, is left out.
"""

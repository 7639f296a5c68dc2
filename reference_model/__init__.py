"""Gaussian-categorical diffusion: image and layout generated together (Park et al., ICCV 2023)."""

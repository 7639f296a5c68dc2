"""Latent diffusion (Rombach et al. 2022), built from the parts of diffusers."""

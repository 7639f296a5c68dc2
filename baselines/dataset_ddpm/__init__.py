"""DatasetDDPM (Baranchuk et al. 2022): layouts read off the features of image diffusion."""

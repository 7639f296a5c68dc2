"""StyleGAN2 (Karras et al. 2020) without kernels of its own: what Lafite and GANformer share."""

EMA_MAX_DECAY = 0.9978
"""Of the averaged weights: a half-life of 10,000 images at a batch of 32, in steps."""

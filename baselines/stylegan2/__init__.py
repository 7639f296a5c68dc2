"""StyleGAN2 (Karras et al. 2020) without kernels of its own: what Lafite and GANformer share."""

from gcdp_bench.training.loop import TrainingConfig

EMA_MAX_DECAY = 0.9978
"""Decay of the averaged weights per step: a half-life of 10,000 images at a batch of 32."""

TINY_TRAINING = TrainingConfig(
    steps=5000,
    batch_size=8,
    learning_rate=2e-3,
    warmup_steps=0,
    betas=(0.0, 0.99),
    max_grad_norm=None,
    ema_max_decay=EMA_MAX_DECAY,
)
"""Training of both at preset "tiny"."""

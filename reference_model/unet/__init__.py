"""The Efficient U-Net."""

from reference_model.unet.config import UNetConfig, paper_base, paper_sr
from reference_model.unet.unet import LowRes, RawText, TextCondition, UNet, UNetOutput

__all__ = [
    "LowRes",
    "RawText",
    "TextCondition",
    "UNet",
    "UNetConfig",
    "UNetOutput",
    "paper_base",
    "paper_sr",
]

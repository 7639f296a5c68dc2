"""Make `imagen_sr.*.safetensors`: a super-resolution stage of imagen-pytorch and its outputs.

    python tests/golden/imagen_sr.py FOLDER

FOLDER holds the unpacked wheel of imagen-pytorch 1.11.14 (MIT licence, not part of this project);
einops and einops-exts must be importable. Nothing of it is kept but the numbers. Its text encoder
and image augmentations, which no U-Net uses, are replaced by empty modules.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

HERE = Path(__file__).parent
TEXT_DIM, LENGTH, SIZE = 6, 4, (16, 16)
NOW, THEN, AUGMENTATION = 0.5, 0.49, 0.2  # a step of sampling, and the low-resolution noise level
SETTINGS: dict[str, Any] = {
    "dim": 8,
    "dim_mults": (1, 2),
    "num_resnet_blocks": (1, 1),
    "layer_attns": False,
    "layer_cross_attns": (False, True),
    "attn_heads": 2,
    "attn_dim_head": 4,
    "max_text_len": LENGTH + 1,
    "attn_pool_num_latents": 2,
    "cond_dim": 8,
    "resnet_groups": 4,
    "memory_efficient": True,
    "lowres_cond": True,
}


def main() -> None:
    """Write both files."""
    torch.manual_seed(0)
    package = _package(Path(sys.argv[1]))
    network = package.Unet(text_embed_dim=TEXT_DIM, **SETTINGS).eval()
    for parameter in network.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.1)  # heads that start at zero
    weights = {name: tensor.half() for name, tensor in network.state_dict().items()}
    network.load_state_dict(weights)

    text = torch.randn(2, LENGTH, TEXT_DIM)
    mask = torch.tensor([[True] * LENGTH, [True, True, False, False]])
    inputs = {
        "image": torch.randn(2, 3, *SIZE),
        "log_snr": torch.tensor([3.0, -4.0]),
        "text_embeds": text.masked_fill(~mask[..., None], 0.0),
        "text_mask": mask,
        "lowres_image": torch.randn(2, 3, *SIZE),
        "lowres_log_snr": torch.tensor([1.0, 0.5]),
        "lowres_clean": torch.rand(2, 3, *SIZE) * 2.0 - 1.0,
        "lowres_normal": torch.randn(2, 3, *SIZE),
    }
    given = {
        "text_embeds": inputs["text_embeds"],
        "text_mask": mask,
        "lowres_cond_img": inputs["lowres_image"],
        "lowres_noise_times": inputs["lowres_log_snr"],
    }
    image, log_snr = inputs["image"], inputs["log_snr"]
    with torch.no_grad():
        outputs = {
            "noise_cond": network(image, log_snr, **given),
            "noise_null": network(image, log_snr, cond_drop_prob=1.0, **given),
            "noise_guided_3": network.forward_with_cond_scale(
                image, log_snr, cond_scale=3.0, **given
            ),
        }
        outputs |= _step(package, network, inputs)
    metadata = {"class": "Unet", "text_embed_dim": str(TEXT_DIM), "kwargs": json.dumps(SETTINGS)}
    save_file(weights, HERE / "imagen_sr.weights.safetensors", metadata)
    save_file(inputs | outputs, HERE / "imagen_sr.io.safetensors", metadata)


def _step(package: Any, network: torch.nn.Module, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    """Noise-conditioning augmentation, then a guided step with dynamic thresholding."""
    cascade = package.Imagen(
        (package.NullUnet(), network), image_sizes=(8, SIZE[0]), text_embed_dim=TEXT_DIM
    )
    level = torch.full((2,), AUGMENTATION)
    augmented, *_ = cascade.lowres_noise_schedule.q_sample(
        inputs["lowres_clean"], level, noise=inputs["lowres_normal"]
    )
    (mean, variance, _), _ = cascade.p_mean_variance(
        network,
        inputs["image"],
        torch.full((2,), NOW),
        t_next=torch.full((2,), THEN),
        noise_scheduler=cascade.noise_schedulers[1],
        text_embeds=inputs["text_embeds"],
        text_mask=inputs["text_mask"],
        lowres_cond_img=augmented,
        lowres_noise_times=level,
        cond_scale=3.0,
    )
    return {"augmented": augmented, "step_mean": mean, "step_variance": variance}


def _package(folder: Path) -> ModuleType:
    """The module of the package that defines its networks."""
    package, t5 = ModuleType("imagen_pytorch"), ModuleType("imagen_pytorch.t5")
    package.__path__ = [str(folder / "imagen_pytorch")]
    for name in ("t5_encode_text", "get_encoded_dim", "DEFAULT_T5_NAME"):
        setattr(t5, name, lambda *_: None)
    kornia, augmentation = ModuleType("kornia"), ModuleType("kornia.augmentation")
    for name, module in (
        ("imagen_pytorch", package),
        ("imagen_pytorch.t5", t5),
        ("kornia", kornia),
        ("kornia.augmentation", augmentation),
    ):
        sys.modules[name] = module
    return importlib.import_module("imagen_pytorch.imagen_pytorch")


if __name__ == "__main__":
    main()

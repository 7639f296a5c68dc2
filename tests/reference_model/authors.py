"""Files as the authors' program writes them."""

import json
from pathlib import Path
from typing import Any

from safetensors.torch import save_file

from reference_model.official import OURS, THEIRS
from reference_model.unet import UNet


def save_unet(unet: UNet, path: Path) -> None:
    """Write safetensors with the authors' names and, as metadata, their constructor's arguments."""
    tensors = {
        name.replace(OURS, THEIRS): tensor.detach().cpu().contiguous()
        for name, tensor in unet.state_dict().items()
    }
    save_file(tensors, path, metadata=_metadata(unet))


def _metadata(unet: UNet) -> dict[str, str]:
    """Class and constructor arguments under the authors' names."""
    config = unet.config
    kwargs: dict[str, Any] = {
        "dim": config.dim,
        "dim_mults": config.dim_mults,
        "num_resnet_blocks": config.num_blocks,
        "attn_heads": config.attention_heads,
        "attn_dim_head": config.attention_head_dim,
        "max_text_len": config.max_text_tokens,
        "attn_pool_num_latents": config.num_text_latents,
        "cond_dim": config.context_dim,
        "resnet_groups": config.groups,
        "layer_attns": config.self_attention,
        "layer_cross_attns": config.cross_attention,
        "init_cross_embed_kernel_sizes": config.init_kernels,
        "lowres_cond": config.low_res,
    }
    metadata = {
        "text_embed_dim": str(config.text_dim),
        "params": str(sum(parameter.numel() for parameter in unet.parameters())),
    }
    if config.num_classes is None:
        kwargs["memory_efficient"] = True
        metadata["class"] = "Unet"
    else:
        metadata["num_classes"] = str(config.num_classes)
        metadata["class"] = "SRJointUnet" if config.low_res else "BaseJointUnet"
    return {**metadata, "kwargs": json.dumps(kwargs)}

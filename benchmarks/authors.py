"""The authors' program, of which a checkout is needed: its package, its network, its label chain.

See `benchmarks.peers` for the packages that it imports beside this project's.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from unittest import mock

from torch import Tensor
from torch.nn import functional as F

from benchmarks.label_chain import Inputs
from reference_model.unet import UNetConfig

NUM_STEPS = 1000  # T


def import_authors(folder: Path) -> Any:
    """The package of a checkout.

    Raises:
        FileNotFoundError: no checkout of the authors' program.
    """
    if not (folder / "imagen_pytorch" / "joint_imagen.py").exists():
        raise FileNotFoundError(
            f"{folder}: expected imagen_pytorch/joint_imagen.py, found none; give the folder of a "
            "checkout of pmh9960/GCDP"
        )
    import transformers

    if str(folder) not in sys.path:
        sys.path.append(str(folder))
    width = transformers.T5Config()  # of captions: asked for at import, and not used here
    with mock.patch.object(transformers.T5Config, "from_pretrained", return_value=width):
        import imagen_pytorch  # pyright: ignore[reportMissingImports]
    return imagen_pytorch


def joint_unet(authors: Any, config: UNetConfig) -> Any:
    """Their network of a configuration, with its first weights."""
    return authors.BaseJointUnet(
        dim=config.dim,
        num_classes=config.num_classes,
        text_embed_dim=config.text_dim,
        dim_mults=config.dim_mults,
        num_resnet_blocks=config.num_blocks,
        layer_attns=config.self_attention,
        layer_cross_attns=config.cross_attention,
        attn_heads=config.attention_heads,
        attn_dim_head=config.attention_head_dim,
        cond_dim=config.cond_dim,
        attn_pool_num_latents=config.num_text_latents,
        max_text_len=config.max_text_tokens,
        resnet_groups=config.groups,
        init_cross_embed_kernel_sizes=config.init_kernels,
    )


def label_operations(authors: Any, inputs: Inputs) -> Mapping[str, Callable[[], Tensor]]:
    """As the authors' losses and samples call them."""
    module = sys.modules[f"{authors.__name__}.joint_imagen"]
    num_classes = inputs.logits.shape[1]
    chain = module.MultinomialDiffusion(
        num_classes, noise_schedule="cosine_p", p=1.0, timesteps=NUM_STEPS
    )
    log_y_0, log_y_t = (
        module.index_to_log_onehot(labels, num_classes) for labels in (inputs.y_0, inputs.y_t)
    )  # (B, K, H, W)

    def noise() -> Tensor:
        labels = module.index_to_log_onehot(inputs.y_0, num_classes)
        return module.log_onehot_to_index(chain.q_sample(labels, inputs.t))

    def draw() -> Tensor:
        posterior = chain.q_posterior(F.log_softmax(inputs.logits, 1), log_y_t, inputs.t)
        return module.log_onehot_to_index(chain.log_sample_categorical(posterior))

    def divergence() -> Tensor:
        logits = inputs.logits.detach().requires_grad_()
        predicted = chain.q_posterior(F.log_softmax(logits, 1), log_y_t, inputs.t)
        target = chain.q_posterior(log_y_0, log_y_t, inputs.t)
        losses = chain.loss_fn(target, predicted, inputs.t, log_y_0)  # (B,)
        losses.mean().backward()
        return losses.detach()

    return {"forward_noising": noise, "reverse_draw": draw, "kl_forward_backward": divergence}

"""The Efficient U-Net of image and layout (Section 3.3), or of the image alone.

Module names are those of the authors' program, so that state dicts are interchangeable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from gcdp_bench.core.types import IGNORE_ID
from reference_model.unet.attention import CrossAttention, Residual, SelfAttention, TransformerBlock
from reference_model.unet.blocks import (
    CrossEmbedding,
    LearnedFourier,
    ResnetBlock,
    Upsample,
    downsample,
    pixel_shuffle,
    pixel_unshuffle,
    repeat,
    zero_conv,
    zero_linear,
)
from reference_model.unet.config import UNetConfig
from reference_model.unet.text import PerceiverResampler

NUM_TIME_TOKENS = 2
LAYOUT_CHANNELS = 3
SKIP_SCALE = 2**-0.5
PERCEIVER_DEPTH = 2
MIDDLE_HEADS, MIDDLE_HEAD_DIM = 8, 64  # of the middle's cross-attention, at every size


@dataclass(frozen=True)
class TextCondition:
    """The network's encoding of a batch of captions; computed once per prompt."""

    tokens: Tensor  # (B, N, context_dim)
    pooled: Tensor  # (B, time_dim)

    @staticmethod
    def cat(conditions: Sequence[TextCondition]) -> TextCondition:
        """Join along the batch."""
        return TextCondition(
            torch.cat([c.tokens for c in conditions]), torch.cat([c.pooled for c in conditions])
        )


@dataclass(frozen=True)
class RawText:
    """Encoded captions, for a training step in which the text layers learn too."""

    tokens: Tensor  # (B, L, text_dim)
    mask: Tensor  # bool (B, L)
    keep: Tensor | None = None  # bool (B,); False: the caption is dropped


@dataclass(frozen=True)
class LowRes:
    """Pair of the stage below, up-sampled to the stage's size and noised."""

    image: Tensor  # (B, 3, H, W)
    layout: Tensor | None  # long (B, H, W)
    log_snr: Tensor  # (B,)


@dataclass(frozen=True)
class UNetOutput:
    """Prediction of the noise, and logits of p(y_0 | z_t)."""

    noise: Tensor  # (B, 3, H, W)
    logits: Tensor | None  # (B, K, H, W)


class LayoutEmbedding(nn.Module):
    """Class ids to 3 learned channels; ignored pixels become zero."""

    def __init__(self, num_classes: int):
        super().__init__()
        self.emb_layer = nn.Embedding(num_classes, LAYOUT_CHANNELS)

    def forward(self, layout: Tensor) -> Tensor:
        """(B, H, W) to (B, 3, H, W)."""
        ignored = layout == IGNORE_ID  # (B, H, W)
        embedded = self.emb_layer(layout.long().masked_fill(ignored, 0))  # (B, H, W, 3)
        return embedded.masked_fill(ignored[..., None], 0.0).permute(0, 3, 1, 2)


class UNet(nn.Module):
    """(z_t, log SNR, text) to the noise of x_t and the logits of y_0.

    With `noise_skip` the head's output v becomes the noise sqrt(1 - alpha_bar) x_t +
    sqrt(alpha_bar) v (Salimans and Ho 2022): the estimate of x_0 is then sqrt(alpha_bar) x_t -
    sqrt(1 - alpha_bar) v, without a division that magnifies the head's error where x_t is mostly
    noise. The authors' network has no such path.

    Where a patch has as many pixels as the network has channels, the features cannot carry every
    pixel's noise to the head. With `timed_detail` the head scales the pixels themselves by what the
    level of noise asks for: a linear denoiser, on which the features improve.
    """

    def __init__(self, config: UNetConfig):
        super().__init__()
        self.config = config
        self._build_conditioning()
        self._build_stem_and_heads()
        self._build_levels()

    def encode_text(self, text: Tensor, mask: Tensor, keep: Tensor | None = None) -> TextCondition:
        """Resample captions to a fixed number of tokens.

        Args:
            text: (B, L, text_dim); tokens beyond `max_text_tokens` are cut.
            mask: bool (B, L), False where padded.
            keep: bool (B,), False where the caption is dropped (learned null); None keeps all.
        """
        length = self.config.max_text_tokens
        tokens = self.text_to_cond(text)[:, :length]  # (B, l, C)
        mask = mask[:, :length]  # (B, l)
        if keep is not None:
            mask = mask & keep[:, None]
        missing = length - tokens.shape[1]
        tokens = F.pad(tokens, (0, 0, 0, missing))  # (B, max, C)
        mask = F.pad(mask, (0, missing))[..., None]  # (B, max, 1)
        tokens = self.attn_pool(torch.where(mask, tokens, self.null_text_embed))  # (B, N, C)
        pooled = self.to_text_non_attn_cond(tokens.mean(1))  # (B, time_dim)
        if keep is not None:
            pooled = torch.where(keep[:, None], pooled, self.null_text_hidden)
        return TextCondition(tokens, pooled)

    def null_text(self, batch_size: int) -> TextCondition:
        """Condition of `batch_size` dropped captions."""
        tokens = self.attn_pool(self.null_text_embed)  # (1, N, C)
        return TextCondition(
            tokens.expand(batch_size, -1, -1), self.null_text_hidden.expand(batch_size, -1)
        )

    def forward(
        self,
        image: Tensor,
        layout: Tensor | None,
        log_snr: Tensor,
        text: TextCondition | RawText,
        *,
        low_res: LowRes | None = None,
    ) -> UNetOutput:
        """Predict from z_t, under r conditions for each sample.

        The first layers read z_t alone and run once for all conditions of a sample.

        Args:
            image: x_t, float (B, 3, H, W); sides are multiples of `config.divisor`.
            layout: y_t, integers (B, H, W), or None for an image-only network.
            log_snr: of x_t, (B,).
            text: (r B, ...) conditions: one of each sample, then a second one of each.
            low_res: for a super-resolution network.

        Returns:
            Predictions of (r B, ...), in the order of the conditions.
        """
        if isinstance(text, RawText):
            text = self.encode_text(text.tokens, text.mask, text.keep)
        repeats = len(text.pooled) // len(image)
        low_snr = None if low_res is None else repeat(low_res.log_snr, repeats)
        time, context = self._conditions(repeat(log_snr, repeats), text, low_snr)
        z = self._embed(image, layout, self.init_emb_seg)  # (B, 3 | 6, H, W)
        detail = [z] if self.config.patch > 1 else []
        if low_res is not None:
            low = self._embed(low_res.image, low_res.layout, self.init_emb_seg_lowres)
            z = torch.cat([z, low], 1)  # (B, 6 | 12, H, W)
            detail.append(low)

        x = stem = self.init_conv(pixel_unshuffle(z, self.config.patch))  # (B, dim, H/p, W/p)
        x = self._run(self.init_resnet_block, x, time)
        x, skips = self._down(x, time, context)
        x = self._run(self.mid_block1, x, time, context)
        x = self.mid_attn(x)
        x = self._run(self.mid_block2, x, time, context)
        x = self._up(x, skips, time, context)
        if self.config.stem_skip:
            x = torch.cat([x, repeat(stem, repeats)], 1)
        x = self._run(self.final_res_block, x, time)
        pixels = [repeat(pixel_unshuffle(part, self.config.patch), repeats) for part in detail]
        if self.detail_gain is not None:
            gain = 1.0 + self.detail_gain(time)[:, :, None, None]  # (B, C, 1, 1)
            pixels = [gain * torch.cat(pixels, 1)]  # (B, C, H/p, W/p)
        x = torch.cat([x, *pixels], 1)
        noise = pixel_shuffle(self.final_conv(x), self.config.patch)  # (r B, 3, H, W)
        if self.config.noise_skip:
            alpha_bar = repeat(log_snr, repeats).sigmoid()[:, None, None, None]  # (r B, 1, 1, 1)
            kept = (1.0 - alpha_bar).sqrt() * repeat(image, repeats)  # (r B, 3, H, W)
            noise = kept + alpha_bar.sqrt() * noise
        if self.final_conv_seg is None:
            return UNetOutput(noise, None)
        return UNetOutput(noise, pixel_shuffle(self.final_conv_seg(x), self.config.patch))

    def _conditions(
        self, log_snr: Tensor, text: TextCondition, low_snr: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Time vector (B, time_dim) and context tokens (B, N, context_dim)."""
        hidden = self.to_time_hiddens(log_snr)  # (B, time_dim)
        time = self.to_time_cond(hidden) + text.pooled
        tokens = [self.to_time_tokens(hidden).unflatten(-1, (NUM_TIME_TOKENS, -1))]
        if low_snr is not None:
            hidden = self.to_lowres_time_hiddens(low_snr)
            time = time + self.to_lowres_time_cond(hidden)
            tokens.append(self.to_lowres_time_tokens(hidden).unflatten(-1, (NUM_TIME_TOKENS, -1)))
        return time, self.norm_cond(torch.cat([*tokens, text.tokens], 1))

    def _embed(
        self, image: Tensor, layout: Tensor | None, embedding: LayoutEmbedding | None
    ) -> Tensor:
        if embedding is None or layout is None:
            return image
        return torch.cat([image, embedding(layout)], 1)  # (B, 6, H, W)

    def _down(self, x: Tensor, time: Tensor, context: Tensor) -> tuple[Tensor, list[Tensor]]:
        skips = []
        for shrink, first, blocks, attention in self.downs:  # type: ignore[misc]
            x = self._run(first, shrink(x), time, context)
            for block in blocks:
                x = self._run(block, x, time)
                skips.append(x)
            x = x if isinstance(attention, nn.Identity) else self._run(attention, x, context)
            skips.append(x)
        return x, skips

    def _up(self, x: Tensor, skips: list[Tensor], time: Tensor, context: Tensor) -> Tensor:
        for first, blocks, attention, grow in self.ups:  # type: ignore[misc]
            x = torch.cat([x, skips.pop() * SKIP_SCALE], 1)
            x = self._run(first, x, time, context)
            for block in blocks:
                x = self._run(block, torch.cat([x, skips.pop() * SKIP_SCALE], 1), time)
            x = x if isinstance(attention, nn.Identity) else self._run(attention, x, context)
            x = grow(x)
        return x

    def _run(self, block: nn.Module, *inputs: Tensor) -> Tensor:
        """Call a block, recomputing it in the backward pass when checkpointing is on."""
        if self.config.gradient_checkpointing and torch.is_grad_enabled():
            return checkpoint(block, *inputs, use_reentrant=False)
        return block(*inputs)

    def _build_conditioning(self) -> None:
        config = self.config
        context_dim, time_dim = config.context_dim, config.time_dim

        def time_layers() -> tuple[nn.Module, nn.Module, nn.Module]:
            fourier = LearnedFourier()
            hidden = nn.Linear(2 * len(fourier.weights) + 1, time_dim)
            return (
                nn.Sequential(fourier, hidden, nn.SiLU()),
                nn.Sequential(nn.Linear(time_dim, time_dim)),
                nn.Sequential(nn.Linear(time_dim, NUM_TIME_TOKENS * context_dim)),
            )

        self.to_time_hiddens, self.to_time_cond, self.to_time_tokens = time_layers()
        if config.low_res:
            (
                self.to_lowres_time_hiddens,
                self.to_lowres_time_cond,
                self.to_lowres_time_tokens,
            ) = time_layers()
        self.norm_cond = nn.LayerNorm(context_dim)
        self.text_to_cond = nn.Linear(config.text_dim, context_dim)
        self.attn_pool = PerceiverResampler(
            context_dim,
            depth=PERCEIVER_DEPTH,
            num_heads=config.attention_heads,
            head_dim=config.attention_head_dim,
            num_latents=config.num_text_latents,
        )
        self.null_text_embed = nn.Parameter(torch.randn(1, config.max_text_tokens, context_dim))
        self.null_text_hidden = nn.Parameter(torch.randn(1, time_dim))
        self.to_text_non_attn_cond = nn.Sequential(
            nn.LayerNorm(context_dim),
            nn.Linear(context_dim, time_dim),
            nn.SiLU(),
            nn.Linear(time_dim, time_dim),
        )

    def _build_stem_and_heads(self) -> None:
        config = self.config
        classes, area = config.num_classes, config.patch**2
        pair = 3 if classes is None else 3 + LAYOUT_CHANNELS
        self.init_emb_seg = None if classes is None else LayoutEmbedding(classes)
        self.init_emb_seg_lowres = (
            LayoutEmbedding(classes) if classes is not None and config.low_res else None
        )
        in_dim = pair * (2 if config.low_res else 1) * area
        self.init_conv = CrossEmbedding(in_dim, config.dim, config.init_kernels)
        self.init_resnet_block = self._resnet(config.dim, config.dim, global_context=True)
        last_dim = config.dim * (2 if config.stem_skip else 1)
        self.final_res_block = self._resnet(last_dim, config.dim, global_context=True)
        detail = pair * area * ((config.patch > 1) + config.low_res)
        self.detail_gain = (
            nn.Sequential(nn.SiLU(), zero_linear(config.time_dim, detail))
            if config.timed_detail
            else None
        )
        self.final_conv = zero_conv(config.dim + detail, 3 * area)
        self.final_conv_seg = (
            None if classes is None else zero_conv(config.dim + detail, classes * area)
        )

    def _build_levels(self) -> None:
        config = self.config
        dims = config.level_dims
        settings = list(
            zip(
                dims[:-1],
                dims[1:],
                config.num_blocks,
                config.self_attention,
                config.cross_attention,
                strict=True,
            )
        )
        self.downs = nn.ModuleList(
            nn.ModuleList(
                [
                    downsample(outer, inner),
                    self._resnet(inner, inner, cross=cross),
                    nn.ModuleList(
                        self._resnet(inner, inner, global_context=True) for _ in range(num)
                    ),
                    self._transformer(inner) if attend else nn.Identity(),
                ]
            )
            for outer, inner, num, attend, cross in settings
        )
        middle = dims[-1]
        self.mid_block1 = self._resnet(middle, middle, cross=True, middle=True)
        attention = SelfAttention(
            middle, num_heads=config.attention_heads, head_dim=config.attention_head_dim
        )
        self.mid_attn = Residual(attention)
        self.mid_block2 = self._resnet(middle, middle, cross=True, middle=True)
        self.ups = nn.ModuleList(
            nn.ModuleList(
                [
                    self._resnet(2 * inner, inner, cross=cross),
                    nn.ModuleList(
                        self._resnet(2 * inner, inner, global_context=True) for _ in range(num)
                    ),
                    self._transformer(inner) if attend else nn.Identity(),
                    Upsample(inner, outer),
                ]
            )
            for outer, inner, num, attend, cross in reversed(settings)
        )

    def _resnet(
        self,
        in_dim: int,
        dim: int,
        *,
        cross: bool = False,
        middle: bool = False,
        global_context: bool = False,
    ) -> ResnetBlock:
        config = self.config
        attention = None
        if cross:
            attention = CrossAttention(
                dim,
                num_heads=MIDDLE_HEADS if middle else config.attention_heads,
                head_dim=MIDDLE_HEAD_DIM if middle else config.attention_head_dim,
                context_dim=config.context_dim,
            )
        return ResnetBlock(
            in_dim,
            dim,
            time_dim=config.time_dim,
            groups=config.groups,
            cross_attention=attention,
            global_context=global_context,
        )

    def _transformer(self, dim: int) -> TransformerBlock:
        return TransformerBlock(
            dim,
            num_heads=self.config.attention_heads,
            head_dim=self.config.attention_head_dim,
            context_dim=self.config.context_dim,
        )

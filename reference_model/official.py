"""State dicts of the authors' program.

Names follow the Efficient U-Net of lucidrains/imagen-pytorch as the authors' program carries it
(f5f8049): joint base and super-resolution networks, and the image-only ones of the Imagen baseline.
The latter are `Unet(memory_efficient=True)` of imagen-pytorch 1.11.14 to 1.15.1, the same network;
later versions have other layers.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import safe_open
from torch import Tensor

from gcdp_bench.extractors.checkpoints import read_checkpoint
from gcdp_bench.io.validation import parse_json, shown
from gcdp_bench.training.checkpoint import load_weights
from gcdp_bench.training.loading import load_network
from reference_model.unet import UNet, UNetConfig

ANCHOR = "init_conv.convs.0.weight"  # a tensor of every network: what precedes it is a prefix
OURS, THEIRS = "mid_attn.fn.", "mid_attn.fn.fn."  # the only module that is named differently
AUTHORS_GROUPS = 8
PARTS = {
    "init_resnet_block.": "memory_efficient=True",
    "text_to_cond.": "cond_on_text=True",
    "attn_pool.": "attn_pool_text=True",
    THEIRS: "attend_at_middle=True, of imagen-pytorch 1.11.14 to 1.15.1",
}
"""Layers without which a network is of another kind, and the settings that make them."""

UNTOLD = {"cosine_sim_attn": False, "scale_skip_connection": True}
"""Settings that change the outputs but no tensor, at the value that every network here has."""


def load_unet(path: Path, *, prefix: str | None = None, groups: int | None = None) -> UNet:
    """Network of a state dict with the authors' names; every size is read off its tensors.

    Args:
        path: `.safetensors`, or `.pt` / `.pth` as `torch.save` writes it: a state dict, or nested
            dicts that hold one (their keys join the tensors' names: `model.unets.0.`,
            `ema.0.ema_model.`). A pickle that needs code is refused.
        prefix: what stands before the network's names, such as `unets.0.` (base) or `unets.1.`
            (super-resolution); the end of the full prefix is enough where it is unique, and "" is
            none. None takes the only network of the file.
        groups: of every group norm, which no tensor tells. None reads `resnet_groups` of the file's
            metadata; a file without it needs the value (the authors' default is 8).

    No tensor tells `cosine_sim_attn` and `scale_skip_connection` either: metadata that sets them
    to other values than False and True is refused, without metadata these values are taken.

    Raises:
        FileNotFoundError: no such file.
        ValueError: the file is damaged or unsafe, the prefix is ambiguous or absent, groups are
            unknown, the network is of another kind, or a tensor is missing, left over or of another
            shape (its name is given).
    """
    path = Path(path)
    tensors, metadata = _read(path)
    weights = _strip(tensors, prefix, path)
    _check_kind(weights, metadata, path)
    config = _config(weights, _groups(metadata, groups, path), path)
    own_names = {name.replace(THEIRS, OURS): tensor for name, tensor in weights.items()}
    return load_network(lambda: UNet(config), own_names, source=path)


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors by name, and the metadata of safetensors."""
    if not path.exists():
        raise FileNotFoundError(
            f"{path}: expected the authors' weights, found none; check the path"
        )
    if path.suffix == ".safetensors":
        tensors = load_weights(path)
        with safe_open(path, "pt") as file:
            return tensors, file.metadata() or {}
    if path.suffix not in (".pt", ".pth"):
        raise ValueError(f"{path}: expected .safetensors, .pt or .pth, got {path.suffix!r}")
    content = read_checkpoint(path, expected="a state dict of plain tensors")
    if not isinstance(content, Mapping):
        raise ValueError(f"{path}: expected a dict of tensors, got {type(content).__name__}")
    return _flatten(content), {}


def _flatten(content: Mapping[Any, Any], prefix: str = "") -> dict[str, Tensor]:
    """Tensors of nested dicts, keys joined with dots; other values are no weights."""
    tensors: dict[str, Tensor] = {}
    for key, value in content.items():
        if isinstance(value, Tensor):
            tensors[f"{prefix}{key}"] = value
        elif isinstance(value, Mapping):
            tensors |= _flatten(value, f"{prefix}{key}.")
    return tensors


def _strip(tensors: Mapping[str, Tensor], prefix: str | None, path: Path) -> dict[str, Tensor]:
    """Tensors of one network, without its prefix."""
    found = sorted(
        name.removesuffix(ANCHOR)
        for name in tensors
        if name == ANCHOR or name.endswith(f".{ANCHOR}")
    )
    if prefix is None:
        chosen = found
    else:
        wanted = prefix if prefix == "" or prefix.endswith(".") else f"{prefix}."
        chosen = [wanted] if wanted in found else [p for p in found if p.endswith(f".{wanted}")]
        chosen = [p for p in chosen if p == wanted or wanted]
    if not found:
        raise ValueError(
            f"{path}: expected a U-Net of the authors' program, but no name ends in {ANCHOR}; "
            f"it holds {len(tensors)} tensors: {', '.join(sorted(tensors)[:3])}"
        )
    if len(chosen) != 1:
        raise ValueError(
            f"{path}: expected one network for prefix={prefix!r}, got {len(chosen)}; "
            f"pass one of prefix={', '.join(map(repr, found))}"
        )
    return {
        name.removeprefix(chosen[0]): tensor
        for name, tensor in tensors.items()
        if name.startswith(chosen[0])
    }


def _check_kind(weights: Mapping[str, Tensor], metadata: Mapping[str, str], path: Path) -> None:
    """Refuse a U-Net of imagen-pytorch that is not the efficient one with text."""
    for stem, setting in PARTS.items():
        if not any(name.startswith(stem) for name in weights):
            raise ValueError(
                f"{path}: expected a U-Net with {setting}, but no tensor is named {stem}*; "
                "give the weights of such a network"
            )
    kwargs = _kwargs(metadata, path)
    for setting, expected in UNTOLD.items():
        if kwargs.get(setting, expected) != expected:
            raise ValueError(
                f"{path}: expected a U-Net with {setting}={expected}, its metadata says "
                f"{shown(kwargs[setting])}; give the weights of such a network"
            )


def _groups(metadata: Mapping[str, str], groups: int | None, path: Path) -> int:
    if groups is None:
        groups = _kwargs(metadata, path).get("resnet_groups")
    if groups is None:
        raise ValueError(
            f"{path}: no tensor tells the number of groups of the group norms, and the file has no "
            f"metadata resnet_groups; pass groups= (the authors' default is {AUTHORS_GROUPS})"
        )
    if type(groups) is not int or groups < 1:
        raise ValueError(f"{path}: expected a number of groups from 1 on, got {shown(groups)}")
    return groups


def _kwargs(metadata: Mapping[str, str], path: Path) -> dict[str, Any]:
    """Constructor arguments that the metadata of a file tell."""
    try:
        kwargs = parse_json(metadata.get("kwargs", "{}"))
    except ValueError as error:
        raise ValueError(f"{path}: expected JSON as metadata kwargs, got: {error}") from error
    if not isinstance(kwargs, dict):
        raise ValueError(f"{path}: expected a table as metadata kwargs, got {shown(kwargs)}")
    return kwargs


def _config(weights: Mapping[str, Tensor], groups: int, path: Path) -> UNetConfig:
    """Sizes of the network, from the shapes of its tensors."""

    def size(name: str, axis: int = 0) -> int:
        if name not in weights:
            raise ValueError(f"{path}: missing {name}; restore the file or choose another prefix")
        if not -weights[name].ndim <= axis < weights[name].ndim:
            raise ValueError(f"{path}: {name} has an unexpected shape {tuple(weights[name].shape)}")
        if weights[name].shape[axis] == 0:
            raise ValueError(f"{path}: {name} is empty {tuple(weights[name].shape)}")
        return weights[name].shape[axis]

    def count(stem: str) -> int:
        """Length of the list of modules at `stem`."""
        parts = (n.removeprefix(stem).split(".")[0] for n in weights if n.startswith(stem))
        return len(set(parts))

    def present(stem: str) -> bool:
        return any(name.startswith(stem) for name in weights)

    dim = max(1, size("null_text_hidden", -1) // (8 if present("to_lowres_time_cond.") else 4))
    levels = range(count("downs."))
    head_dim = size(f"{THEIRS}null_kv", 1)
    return UNetConfig(
        num_classes=size("init_emb_seg.emb_layer.weight") if present("init_emb_seg.") else None,
        text_dim=size("text_to_cond.weight", 1),
        dim=dim,
        dim_mults=tuple(size(f"downs.{i}.0.1.weight") // dim for i in levels),
        num_blocks=tuple(count(f"downs.{i}.2.") for i in levels),
        self_attention=tuple(present(f"downs.{i}.3.") for i in levels),
        cross_attention=tuple(present(f"downs.{i}.1.cross_attn.") for i in levels),
        attention_heads=size(f"{THEIRS}to_q.weight") // head_dim,
        attention_head_dim=head_dim,
        cond_dim=size("text_to_cond.weight"),
        num_text_latents=size("attn_pool.latents"),
        max_text_tokens=size("null_text_embed", 1),
        groups=groups,
        low_res=present("to_lowres_time_cond."),
        init_kernels=tuple(
            size(f"init_conv.convs.{i}.weight", -1) for i in range(count("init_conv.convs."))
        ),
    )

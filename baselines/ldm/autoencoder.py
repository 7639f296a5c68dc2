"""The autoencoder of latent diffusion: diffusers' `AutoencoderKL`, built and loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from baselines.ldm.autoencoder_loss import AutoencoderLossConfig
from baselines.ldm.patch_discriminator import PatchConfig
from gcdp_bench.core.config import read_json
from gcdp_bench.training.checkpoint import load_weights
from gcdp_bench.training.loading import load_network

if TYPE_CHECKING:
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

FOLDER = "vae"  # in a run folder and in a Stable Diffusion pipeline
WEIGHTS = ("diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.fp16.safetensors")
REMEDY = (
    "train one with `gcdp-bench train autoencoder --dataset DATASET`, or name the folder of an "
    "AutoencoderKL in diffusers' format with --set ldm.autoencoder=FOLDER"
)
SETTINGS = (
    "act_fn",
    "block_out_channels",
    "down_block_types",
    "in_channels",
    "latent_channels",
    "layers_per_block",
    "norm_num_groups",
    "out_channels",
    "scaling_factor",
    "up_block_types",
)
"""Settings that change an autoencoder's latents; most are not visible in its tensors."""
SHIFTS = ("shift_factor", "latents_mean", "latents_std")
OLD_NAMES = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}
"""Projections of the attention block in files written before diffusers 0.15, and their names now;
Stable Diffusion's are such files."""


@dataclass(frozen=True, kw_only=True)
class AutoencoderConfig:
    """A trained autoencoder: its network, its discriminator and its loss.

    Each entry of `channels` is a level; each level but the last halves the grid.
    """

    dataset: str
    image_size: tuple[int, int]
    channels: tuple[int, ...]
    layers_per_block: int
    groups: int  # of the normalisation
    latent_channels: int = 4
    attention: bool = True  # in the middle of the encoder and of the decoder
    discriminator: PatchConfig
    loss: AutoencoderLossConfig

    def __post_init__(self):
        factor = self.downscaling
        if any(side % factor for side in self.image_size):
            raise ValueError(
                f"image_size: expected multiples of {factor} for {len(self.channels)} levels of "
                f"channels, got {self.image_size}; take fewer levels or another size"
            )
        if any(width % self.groups for width in self.channels):
            raise ValueError(
                f"channels: expected multiples of the {self.groups} groups, got {self.channels}; "
                "change one of the two"
            )

    @property
    def downscaling(self) -> int:
        """Pixels of the image along one side of a latent."""
        return 2 ** (len(self.channels) - 1)


def build_autoencoder(config: AutoencoderConfig) -> AutoencoderKL:
    """Fresh network with random weights, in training mode.

    Channels (128, 256, 512, 512) with 2 layers and 32 groups are Stable Diffusion's KL-f8.
    """
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

    num_levels = len(config.channels)
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * num_levels,  # pyright: ignore[reportArgumentType]
        up_block_types=("UpDecoderBlock2D",) * num_levels,  # pyright: ignore[reportArgumentType]
        block_out_channels=config.channels,  # pyright: ignore[reportArgumentType]
        layers_per_block=config.layers_per_block,
        latent_channels=config.latent_channels,
        norm_num_groups=config.groups,
        sample_size=max(config.image_size),
        mid_block_add_attention=config.attention,
    )


def load_autoencoder(folder: Path) -> AutoencoderKL:
    """Read an `AutoencoderKL`, frozen and in evaluation mode, as float32 on the CPU.

    Args:
        folder: in diffusers' format (`config.json` and weights as safetensors, also in half
            precision), or with such a folder as `vae/`: a run folder, a Stable Diffusion pipeline.

    Raises:
        FileNotFoundError: the folder or its weights are missing.
        ValueError: it holds another network, the weights do not fit its configuration, or a file
            is damaged.
    """
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

    network_folder = _network_folder(folder)
    if not (network_folder / "config.json").is_file():
        raise FileNotFoundError(
            f"{folder}: expected config.json of an AutoencoderKL, here or in {FOLDER}/, got none; "
            + REMEDY
        )
    config = read_json(network_folder / "config.json")
    _check_config(network_folder, config)
    weights = [network_folder / name for name in WEIGHTS if (network_folder / name).is_file()]
    if not weights:
        raise FileNotFoundError(
            f"{network_folder}: expected {' or '.join(WEIGHTS)}, found none; save the weights as "
            f"safetensors, or {REMEDY}"
        )

    def build() -> AutoencoderKL:
        network = AutoencoderKL.from_config(config)
        assert isinstance(network, AutoencoderKL)
        return network

    network = load_network(build, _renamed(load_weights(weights[0])), source=weights[0])
    return network.eval().requires_grad_(False)


def _network_folder(folder: Path) -> Path:
    """Folder of the network: `vae/` if it exists."""
    return folder / FOLDER if (folder / FOLDER).is_dir() else folder


def _check_config(folder: Path, config: Any) -> None:
    found = config.get("_class_name") if isinstance(config, Mapping) else None
    if found != "AutoencoderKL":
        raise ValueError(
            f"{folder}: expected config.json with _class_name AutoencoderKL, got {found}; {REMEDY}"
        )
    missing = [name for name in SETTINGS if config.get(name) is None]
    if missing:
        raise ValueError(
            f"{folder}: expected config.json with {', '.join(SETTINGS)}, got no "
            f"{', '.join(missing)}, for which diffusers would take values of its own; add them "
            "(scaling_factor of Stable Diffusion 1 and 2 is 0.18215)"
        )
    for name in ("in_channels", "out_channels"):
        if config[name] != 3:
            raise ValueError(
                f"{folder}: expected an autoencoder of RGB images, got {name} {config[name]}; "
                + REMEDY
            )
    shifts = [name for name in SHIFTS if config.get(name) is not None]
    if shifts:
        raise ValueError(
            f"{folder}: expected an autoencoder whose latents are scaled by one number, got one "
            f"with {', '.join(shifts)} (of Stable Diffusion 3 and later); {REMEDY}"
        )


def _renamed(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights under today's names."""
    renamed = {}
    for name, weight in weights.items():
        path, separator, rest = name.partition(".attentions.0.")
        projection, _, kind = rest.partition(".")
        if projection in OLD_NAMES:
            rest = f"{OLD_NAMES[projection]}.{kind}"
        renamed[f"{path}{separator}{rest}"] = weight
    return renamed

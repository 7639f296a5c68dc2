"""A trained latent diffusion model on disk: a pipeline that diffusers opens, and `config.json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from baselines.ldm.autoencoder import load_autoencoder
from baselines.ldm.config import LdmConfig
from baselines.ldm.schedulers import sampling_scheduler
from gcdp_bench.core.config import from_dict, read_table, read_task
from gcdp_bench.io.atomic import replacing, replacing_folder
from gcdp_bench.training.loading import load_network

if TYPE_CHECKING:
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

PIPELINE = "StableDiffusionPipeline"
WEIGHTS = "diffusion_pytorch_model.safetensors"
SETTINGS = (
    "act_fn",
    "attention_head_dim",
    "block_out_channels",
    "cross_attention_dim",
    "down_block_types",
    "flip_sin_to_cos",
    "freq_shift",
    "in_channels",
    "layers_per_block",
    "norm_eps",
    "norm_num_groups",
    "out_channels",
    "sample_size",
    "up_block_types",
)
"""Settings that change the network's output; most are not visible in its tensors."""
REMEDY = "train one with `gcdp-bench train ldm` or give another folder"


@dataclass(frozen=True)
class LatentPipeline:
    """The parts of a trained latent diffusion model; networks are frozen."""

    config: LdmConfig
    unet: UNet2DConditionModel
    autoencoder: AutoencoderKL


def write_pipeline(
    folder: Path, config: LdmConfig, unet: nn.Module, autoencoder: AutoencoderKL
) -> None:
    """Write `unet/`, `vae/`, `scheduler/` and `model_index.json`, each complete or not at all.

    The pipeline has no text encoder: diffusers opens it with `from_pretrained(folder,
    text_encoder=None, tokenizer=None)` and samples it with `prompt_embeds` of the configured
    encoder and zeros for `negative_prompt_embeds`. Its scheduler is the DPM-Solver++ of
    `sampling_scheduler`.
    """
    from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import (
        StableDiffusionPipeline,
    )

    parts: dict[str, Any] = {
        "unet": unet,
        "vae": autoencoder,
        "scheduler": sampling_scheduler(config.noise, "dpm-solver++"),
    }
    absent: dict[str, Any] = dict.fromkeys(
        ("text_encoder", "tokenizer", "safety_checker", "feature_extractor")
    )
    pipeline = StableDiffusionPipeline(**parts, **absent, requires_safety_checker=False)
    for name, part in parts.items():
        with replacing_folder(folder / name) as temporary:
            part.save_pretrained(temporary)
    with replacing(folder / "model_index.json") as index:
        index.write_text(pipeline.to_json_string(), encoding="utf-8")


def read_pipeline(folder: Path) -> LatentPipeline:
    """Read what training wrote.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: it is another pipeline, its parts do not fit each other, or a file is damaged.
    """
    for name in ("config.json", "model_index.json"):
        if not (folder / name).is_file():
            raise FileNotFoundError(
                f"{folder}: expected a trained latent diffusion model (config.json, "
                f"model_index.json, unet/, vae/), found no {name}; {REMEDY}"
            )
    found = read_table(folder / "model_index.json").get("_class_name")
    if found != PIPELINE:
        raise ValueError(f"{folder}: expected a {PIPELINE}, got {found}; {REMEDY}")
    config = _read_config(folder / "config.json")
    unet = _read_unet(folder / "unet")
    autoencoder = load_autoencoder(folder / "vae")
    _check_unet(folder, config, unet.config)
    check_autoencoder(folder / "vae", config, autoencoder)
    return LatentPipeline(config, unet, autoencoder)


def check_autoencoder(folder: Path, config: LdmConfig, autoencoder: AutoencoderKL) -> None:
    """Refuse an autoencoder of another latent space than the configuration's.

    Raises:
        ValueError: the number of channels or the scale differs.
    """
    found = autoencoder.config["latent_channels"]
    if found != config.latent_channels:
        raise ValueError(
            f"{folder}: expected {config.latent_channels} latent channels, got {found}; take the "
            f"autoencoder of the training or set ldm.latent_channels={found}"
        )
    factor = 2 ** (len(autoencoder.config["block_out_channels"]) - 1)
    if factor != config.downscaling:
        raise ValueError(
            f"{folder}: expected {config.downscaling} pixels per latent, got {factor}; take the "
            f"autoencoder of the training or set ldm.downscaling={factor}"
        )


def _read_config(path: Path) -> LdmConfig:
    task = read_task(path)
    if "ldm" not in task:
        raise ValueError(
            f"{path}: expected the configuration of an ldm, got one of "
            f"{task.get('kind', 'something else')}; {REMEDY}"
        )
    return from_dict(LdmConfig, task["ldm"], where=str(path))


def _read_unet(folder: Path) -> UNet2DConditionModel:
    """Frozen network in float32; half-precision weights are widened, missing ones refused."""
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    if not (folder / "config.json").is_file():
        raise FileNotFoundError(f"{folder}: expected config.json of a U-Net, found none; {REMEDY}")
    settings = read_table(folder / "config.json")
    missing = [name for name in SETTINGS if settings.get(name) is None]
    if missing:
        raise ValueError(
            f"{folder}: expected config.json with {', '.join(SETTINGS)}, got no "
            f"{', '.join(missing)}, for which diffusers would take values of its own; {REMEDY}"
        )

    def build() -> UNet2DConditionModel:
        unet = UNet2DConditionModel.from_config(settings)
        assert isinstance(unet, UNet2DConditionModel)
        return unet

    return load_network(build, folder / WEIGHTS, source=folder).eval().requires_grad_(False)


def _check_unet(folder: Path, config: LdmConfig, found: Mapping[str, Any]) -> None:
    expected = {
        "cross_attention_dim": (config.text.dim, "width of the text encoder"),
        "in_channels": (config.latent_channels, "channels of the latents"),
        "sample_size": (config.latent_size, "height and width of the latents"),
    }
    for name, (value, meaning) in expected.items():
        came = found[name]
        if (tuple(came) if isinstance(came, list) else came) != value:
            raise ValueError(
                f"{folder / 'unet'}: expected {name} {value} ({meaning} in config.json), got "
                f"{came}; {REMEDY}"
            )

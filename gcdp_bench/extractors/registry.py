"""Every published weight that the toolkit can use: what it is, and where it is looked for.

Nothing here imports a heavy package, so that `gcdp-bench doctor` works when one is broken. Facts
that could not be checked against the publisher (exact sizes, digests of folders) are left out and
not guessed. See docs/reference/weights.md.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

HOME_VARIABLE = "GCDP_WEIGHTS"


@dataclass(frozen=True, kw_only=True)
class WeightSpec:
    """A weights file, or a folder of a few files, that its publisher distributes."""

    name: str
    purpose: str
    page: str  # the project's page
    file_name: str  # in the store; a folder's name where `files` is not empty
    files: tuple[str, ...] = ()  # what the folder must hold
    optional: tuple[str, ...] = ()  # what is taken along if it is there
    licence: str
    about_mb: int  # 10^6 bytes, rounded, of the publisher's page or the number of parameters
    sha256: str | None  # lower-case hex: all 64 digits, or the first 8 that the file name tells
    how: str  # command or page
    owner: Literal["torch-hub", "open-clip", "hugging-face"]  # what `weights add --download` uses
    source: str  # for `owner`: an address, "model/pretrained tag", or a repository

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder of files."""
        return bool(self.files)


_TORCH_FIDELITY = "https://github.com/toshas/torch-fidelity"
_INCEPTION = "weights-inception-2015-12-05-6726825d.pth"
_INCEPTION_URL = f"{_TORCH_FIDELITY}/releases/download/v0.2.0/{_INCEPTION}"
_CLIP_SHA256 = "3035c92b350959924f9f00213499208652fc7ea050643e8b385c2dac08641f02"
_CLIP_URL = f"https://openaipublic.azureedge.net/clip/models/{_CLIP_SHA256}/ViT-L-14-336px.pt"
_HRNET = "fcn_hr48_512x1024_160k_cityscapes"
_HRNET_FILE = f"{_HRNET}_20200602_190946-59b7973e.pth"
_HRNET_URL = f"https://download.openmmlab.com/mmsegmentation/v0.5/hrnet/{_HRNET}/{_HRNET_FILE}"

_SPECS = (
    WeightSpec(
        name="inception-v3",
        purpose="features of FID, KID, precision, recall, density and coverage",
        page=_TORCH_FIDELITY,
        file_name=_INCEPTION,
        licence="Apache-2.0 (torch-fidelity; the release names none for the weights alone)",
        about_mb=96,
        sha256="6726825d",
        how=f"download {_INCEPTION_URL}",
        owner="torch-hub",
        source=_INCEPTION_URL,
    ),
    WeightSpec(
        name="clip-vit-l-14-336",
        purpose="CLIP score, and image features of CMMD",
        page="https://github.com/openai/CLIP",
        file_name="ViT-L-14-336px.pt",
        licence="MIT",
        about_mb=934,
        sha256=_CLIP_SHA256,
        how=f"download {_CLIP_URL}",
        owner="open-clip",
        source="ViT-L-14-336/openai",
    ),
    WeightSpec(
        name="dinov2-vit-l-14",
        purpose="features of the Fréchet distance on DINOv2",
        page="https://huggingface.co/facebook/dinov2-large",
        file_name="dinov2-large",
        files=("config.json", "model.safetensors"),
        optional=("preprocessor_config.json",),
        licence="Apache-2.0",
        about_mb=1220,
        sha256=None,
        how="hf download facebook/dinov2-large --local-dir dinov2-large",
        owner="hugging-face",
        source="facebook/dinov2-large",
    ),
    WeightSpec(
        name="hrnet-w48-cityscapes",
        purpose="segmenter of Semantic Recall, mIoU and FSD on Cityscapes",
        page="https://github.com/open-mmlab/mmsegmentation/tree/main/configs/hrnet",
        file_name=_HRNET_FILE,
        licence="Apache-2.0 (mmsegmentation); made from Cityscapes, which has terms of its own",
        about_mb=264,
        sha256="59b7973e",
        how=f"download {_HRNET_URL} (or the same file from the mmsegmentation fork that you use)",
        owner="torch-hub",
        source=_HRNET_URL,
    ),
    WeightSpec(
        name="t5-large",
        purpose="text encoder of the reference model's paper preset",
        page="https://huggingface.co/google-t5/t5-large",
        file_name="t5-large",
        files=("config.json", "model.safetensors", "tokenizer.json"),
        optional=("tokenizer_config.json", "special_tokens_map.json", "spiece.model"),
        licence="Apache-2.0",
        about_mb=2950,
        sha256=None,
        how="hf download google-t5/t5-large --local-dir t5-large",
        owner="hugging-face",
        source="google-t5/t5-large",
    ),
)

WEIGHTS: Mapping[str, WeightSpec] = {spec.name: spec for spec in _SPECS}


def weight_spec(name: str) -> WeightSpec:
    """Entry `name`.

    Raises:
        ValueError: no such entry; the nearest name and all names are given.
    """
    if name in WEIGHTS:
        return WEIGHTS[name]
    near = difflib.get_close_matches(name, WEIGHTS, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise ValueError(f"unknown weights {name!r}; {hint}known: {', '.join(WEIGHTS)}")


def weights_home() -> Path:
    """Folder of the store: the environment variable GCDP_WEIGHTS, else in the user's cache."""
    variable = os.environ.get(HOME_VARIABLE)
    return Path(variable) if variable else Path.home() / ".cache" / "gcdp-bench" / "weights"


def stored_path(name: str) -> Path:
    """Path of weights `name` in the store; they may be missing."""
    return weights_home() / weight_spec(name).file_name


def is_complete(spec: WeightSpec, path: Path) -> bool:
    """Whether `path` is the file, or a folder with all the files, that `spec` describes."""
    if spec.is_folder:
        return all((path / file).is_file() for file in spec.files)
    return path.is_file()


def find_weights(name: str, given: Path | None) -> Path:
    """Path of weights `name`: `given`, else in the store. A given path is never replaced.

    Returns:
        A file, or for `WeightSpec.is_folder` a folder.

    Raises:
        FileNotFoundError: not there, or a folder that lacks files; says where it was looked for
            and how to get it.
        ValueError: unknown name.
    """
    spec = weight_spec(name)
    path = stored_path(name) if given is None else given
    if is_complete(spec, path):
        return path
    where = f" ({HOME_VARIABLE} sets the folder)" if given is None else ""
    expected = f"a folder with {', '.join(spec.files)}" if spec.is_folder else "a weights file"
    raise FileNotFoundError(
        f"{name}: expected {expected} ({spec.file_name}), found none at {path}{where}; "
        f"to get it: {spec.how}; then `gcdp-bench weights add {name} PATH`, or with a network "
        f"`gcdp-bench weights add {name} --download`"
    )

"""At which size the images of a training are used: by its preset, its dataset and its request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from gcdp_bench.core.images import Size
from gcdp_bench.core.types import Dataset
from gcdp_bench.datasets import sizes
from gcdp_bench.datasets.framing import REMEDY, by, fits, lost, native_of
from gcdp_bench.datasets.registry import image_size_of, is_folder, native_size_of
from gcdp_bench.generators.registry import NETWORKS
from gcdp_bench.training.request import Request


def image_size(request: Request, presets: Mapping[str, Any]) -> Size:
    """(height, width) of a request's images: what it says, else the largest size that every network
    with a preset of that name passes.

    Raises:
        ValueError: the network does not accept the given size, or images need a `--resize`.
    """
    name = request.preset
    choice, preset = request.size, presets[name]
    if choice.size is not None:
        if found := sizes.problems(choice.size, {request.model: preset.check_size}):
            nearest = sizes.choose_size(choice.size, max(choice.size), _size_checks(name))
            raise ValueError(
                f"--size: {request.model}: {found[request.model]}; every network passes "
                f"{by(nearest)}"
            )
        return choice.size
    whole = _whole_width(name)
    size = image_size_of(
        request.dataset,
        choice.width or whole,
        exclude=request.exclude,
        checks=_size_checks(name),
        exactly=choice.width is not None,
    )
    if preset.width < whole and choice.width is None:  # images of a part of the preset's size
        size = size[0] * preset.width // whole, size[1] * preset.width // whole
    native = native_size_of(request.dataset, exclude=request.exclude)
    if request.resize == "none" and not fits(native, size):
        raise ValueError(
            f"{request.dataset}: the nearest size that every network passes is {by(size)}; a crop "
            f"to its shape would cut off {100 * lost(native, size):.0f} % of images of "
            f"{by(native)}; {REMEDY}, or choose another --size"
        )
    return size


def _size_group(preset: str) -> str:
    """The name that presets of one size share: of ablations their size's, else "tiny"."""
    from reference_model.presets import SIZES

    return next((size for size in SIZES if preset == size or preset.startswith(f"{size}-")), "tiny")


def _whole_width(preset: str) -> int:
    from reference_model.presets import SIZES

    return SIZES[_size_group(preset)].width


def _size_checks(preset: str) -> Mapping[str, sizes.SizeCheck]:
    """Checks of every network that has a preset of that size, by the network's name."""
    from reference_model.presets import SIZES

    group = _size_group(preset)
    whole = SIZES[group].width
    checks = {"a cascade": SIZES[group].check_size}
    for name, network in NETWORKS.items():
        if network.stages or network.training is None:
            continue
        found = network.training().presets.get(group)
        if found is not None:
            checks[name] = partial(_check_part, found, whole)
    return checks


def _check_part(preset: Any, whole: int, size: Size) -> None:
    """Check the size at which a network, which may be one of narrower images, sees `size`."""
    preset.check_size((size[0] * preset.width // whole, size[1] * preset.width // whole))


def used_images(request: Request, presets: Mapping[str, Any], dataset: Dataset) -> str:
    """Message about the size at which a folder's images are used, and the preset for larger ones.

    Args:
        request: of the training.
        presets: of its network.
        dataset: with images of the size; without items, registered ones give no message.
    """
    size = dataset.image_size
    if is_folder(request.dataset):
        native = native_size_of(request.dataset, exclude=request.exclude)
    else:
        native = native_of(dataset)
    if native is None:
        return ""
    own = presets[request.preset].width
    wider = [
        (preset.width, name)
        for name, preset in presets.items()
        if own < preset.width <= max(native) and _size_group(name) == name
    ]
    hint = _hint(request, presets, min(wider, key=lambda p: p[0])[1], native) if wider else ""
    return f"{request.dataset}: {sizes.used_at(native, size, request.resize)}{hint}"


def _hint(request: Request, presets: Mapping[str, Any], preset: str, native: Size) -> str:
    """At which size another preset uses the images; "": at none."""
    try:
        size = image_size(replace(request, preset=preset, size=sizes.SizeChoice()), presets)
    except ValueError:
        return ""
    enlarged = ", enlarged" if size[0] > native[0] or size[1] > native[1] else ""
    return f"; --preset {preset} uses {by(size)}{enlarged}"

"""Folders of both parts: what they hold, and what is said when they do not."""

from dataclasses import replace

import pytest
import torch

from baselines.semantic_palette.model import (
    check_layouts,
    read_layouts,
    read_palette,
    write_layouts_copy,
)
from baselines.semantic_palette.palettes import Palettes
from gcdp_bench.core.config import to_dict, write_json
from tests.baselines.semantic_palette.small import (
    IMAGES,
    LAYOUTS,
    MIXTURE,
    layout_generator,
    write_layout_folder,
    write_whole,
)

FILES = ("config.json", "model.safetensors", "palettes.json")


def test_what_is_written_is_read(tmp_path):
    found = read_palette(write_whole(tmp_path))
    assert found.config == IMAGES and found.layouts.config == LAYOUTS
    assert found.layouts.palettes.mixture == MIXTURE
    fresh = layout_generator().state_dict()
    assert all(torch.equal(t, fresh[n]) for n, t in found.layouts.network.state_dict().items())
    for network in (found.network, found.layouts.network):
        assert not network.training
        assert not any(weight.requires_grad for weight in network.parameters())


def test_the_folder_needs_nothing_else(tmp_path):
    write_whole(tmp_path)
    names = sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file())
    assert names == sorted(["config.json", "model.safetensors", *(f"layouts/{n}" for n in FILES)])


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "layouts/palettes.json"])
def test_a_missing_file_of_a_whole_model_is_named(tmp_path, name):
    (write_whole(tmp_path) / name).unlink()
    with pytest.raises(
        FileNotFoundError, match=f"found no {name}; train one with `gcdp-bench train semantic-pal"
    ):
        read_palette(tmp_path)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_of_layouts_is_named(tmp_path, name):
    (write_layout_folder(tmp_path) / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"found no {name}; train one .*palette-layouts"):
        read_layouts(tmp_path)


def test_another_model_is_refused(tmp_path):
    write_json(write_whole(tmp_path) / "config.json", {"task": {"kind": "ldm"}})
    with pytest.raises(ValueError, match="of a semantic-palette, got one of ldm; train one"):
        read_palette(tmp_path)


def test_weights_of_another_size_are_refused(tmp_path):
    wider = replace(IMAGES, network=replace(IMAGES.network, z_dim=9))
    task = {"images": to_dict(wider)}
    write_json(write_whole(tmp_path) / "config.json", {"task": task})
    with pytest.raises(ValueError, match="weights are of another configuration"):
        read_palette(tmp_path)


def test_palettes_of_other_classes_are_refused(tmp_path):
    write_layout_folder(tmp_path)
    narrow = replace(
        MIXTURE,
        means=tuple(mean[:3] for mean in MIXTURE.means),
        covariances=tuple(tuple(row[:3] for row in c[:3]) for c in MIXTURE.covariances),
    )
    write_json(tmp_path / "palettes.json", Palettes(narrow).mixture)
    with pytest.raises(ValueError, match=r"expected palettes of the 4 classes .* got 3"):
        read_layouts(tmp_path)


def test_layouts_of_other_classes_or_aspect_are_refused(tmp_path):
    layouts = read_layouts(write_layout_folder(tmp_path))
    other = replace(IMAGES, class_names=("a", "b", "c", "d"))
    with pytest.raises(ValueError, match=r"of the classes a, b, c, d, got sky, .*palette-layouts"):
        check_layouts(tmp_path, other, layouts)
    square = replace(IMAGES, network=replace(IMAGES.network, image_size=(8, 8)))
    with pytest.raises(ValueError, match=r"aspect of images of 8 x 8, got 4 x 8"):
        check_layouts(tmp_path, square, layouts)


def test_digests_cover_weights_and_palettes(tmp_path):
    one = read_layouts(write_layout_folder(tmp_path / "one"))
    two = read_layouts(write_layout_folder(tmp_path / "two", seed=1))
    shifted = replace(one, palettes=Palettes(replace(MIXTURE, weights=(0.3, 0.7))))
    assert len({one.digest, two.digest, shifted.digest}) == 3
    write_layouts_copy(tmp_path / "copy", one)
    assert read_layouts(tmp_path / "copy").digest == one.digest

"""Outpainting of files: what is known stays, what is drawn depends on its own pair alone."""

from dataclasses import replace

import pytest
import torch

from gcdp_bench.core.images import write_image, write_layout
from gcdp_bench.core.progress import Silent
from gcdp_bench.core.sampling_config import SamplingConfig
from gcdp_bench.datasets.folder import Folder
from gcdp_bench.generators.outpaint import (
    OutpaintRequest,
    default_resampling,
    inputs_digest,
    outpaint_folder,
    outpainter,
)
from gcdp_bench.generators.outpaint_inputs import Sources, find_conditioning, read_conditioning
from reference_model.generator import Cascade
from tests.reference_model.conftest import Stripes
from tests.reference_model.test_generator import write_cascade

CAPTIONS = {f"{index}": f"an image with sky and road, {index}" for index in range(3)}
REQUEST = OutpaintRequest(
    model="reference",
    weights="w",
    dataset="stripes",
    inputs="i",
    guidance=1.5,
    resampling=2,
    seed=3,
)


@pytest.fixture(scope="module")
def cascade(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cascade")
    write_cascade(folder)
    return Cascade.load("reference", folder, SamplingConfig(steps=3, sr_steps=2))


@pytest.fixture
def scenes(tmp_path, cascade):
    """Folders of three images and layouts at the cascade's size."""
    for part in ("images", "layouts"):
        (tmp_path / part).mkdir()
    source = Stripes(image_size=cascade.image_size)
    for index in range(3):
        write_image(tmp_path / "images" / f"{index}.png", source[index].image)
        write_layout(tmp_path / "layouts" / f"{index}.png", source[index].layout)
    return tmp_path


def run(cascade, sources, folder, request=REQUEST, batch_size=2, captions=CAPTIONS):
    pairs = [
        read_conditioning(item, cascade.image_size, cascade.class_names)
        for item in find_conditioning(sources)
    ]
    outpaint_folder(
        cascade, pairs, captions, request, folder, batch_size=batch_size, progress=Silent()
    )
    return Folder(folder)


def test_the_known_side_stays_and_the_folder_is_a_dataset(cascade, scenes):
    from_layouts = run(cascade, Sources(layout=scenes / "layouts"), scenes / "a")
    from_images = run(cascade, Sources(image=scenes / "images"), scenes / "b")
    source = Stripes(image_size=cascade.image_size)
    for index in range(3):
        assert torch.equal(from_layouts[index].layout, source[index].layout)
        assert not torch.equal(from_layouts[index].image, source[index].image)
        assert torch.equal(from_images[index].image, source[index].image)
        assert from_images[index].caption == CAPTIONS[f"{index}"]
    assert (scenes / "a" / "overview.png").is_file()


def test_inpainting_keeps_both_sides_outside_the_mask(cascade, scenes):
    height, width = cascade.image_size
    mask = torch.zeros(3, height, width, dtype=torch.uint8)
    mask[:, : height // 2] = 255
    write_image(scenes / "mask.png", mask)
    sources = Sources(layout=scenes / "layouts", image=scenes / "images", mask=scenes / "mask.png")
    drawn = run(cascade, sources, scenes / "c")
    source = Stripes(image_size=cascade.image_size)
    below = slice(height // 2, None)
    for index in range(3):
        assert torch.equal(drawn[index].image[:, below], source[index].image[:, below])
        assert torch.equal(drawn[index].layout[below], source[index].layout[below])
        assert not torch.equal(drawn[index].image, source[index].image)


def test_a_pair_does_not_depend_on_the_others_and_what_is_there_is_kept(cascade, scenes):
    together = run(cascade, Sources(layout=scenes / "layouts"), scenes / "a", batch_size=3)
    alone = run(cascade, Sources(layout=scenes / "layouts" / "1.png"), scenes / "b")
    assert torch.equal(together[1].image, alone[0].image)
    before = {path: path.stat().st_mtime_ns for path in (scenes / "a" / "images").iterdir()}
    (scenes / "a" / "images" / "2.png").unlink()
    manifest = scenes / "a" / "captions.jsonl"
    manifest.write_text("".join(manifest.read_text().splitlines(keepends=True)[:2]))
    again = run(cascade, Sources(layout=scenes / "layouts"), scenes / "a", batch_size=3)
    assert torch.equal(again[2].image, together[2].image)
    after = {path: path.stat().st_mtime_ns for path in (scenes / "a" / "images").iterdir()}
    assert [after[path] == before[path] for path in sorted(before)] == [True, True, False]


def test_another_request_is_refused(cascade, scenes):
    sources = Sources(layout=scenes / "layouts")
    run(cascade, sources, scenes / "a")
    with pytest.raises(ValueError, match="holds samples of another configuration"):
        run(cascade, sources, scenes / "a", replace(REQUEST, resampling=1))


def test_the_digest_follows_files_and_captions(scenes):
    files = find_conditioning(Sources(layout=scenes / "layouts"))
    first = inputs_digest(files, CAPTIONS)
    assert first == inputs_digest(files, dict(CAPTIONS))
    assert first != inputs_digest(files, {**CAPTIONS, "1": "another"})
    layout = Stripes()[0].layout
    write_layout(scenes / "layouts" / "1.png", torch.zeros_like(layout))
    assert first != inputs_digest(files, CAPTIONS)


def test_a_missing_caption_is_known_before_anything_is_drawn(cascade, scenes):
    captions = {name: text for name, text in CAPTIONS.items() if name != "2"}
    with pytest.raises(ValueError, match=r"2: expected a caption, found none \(1 of 3 files"):
        run(cascade, Sources(layout=scenes / "layouts"), scenes / "a", captions=captions)
    assert not (scenes / "a").exists()


def test_the_papers_resampling(tmp_path):
    assert default_resampling(Sources(image=tmp_path)) == 1
    for sources in (
        Sources(layout=tmp_path),
        Sources(image=tmp_path, mask=tmp_path),
        Sources(image=tmp_path, layout=tmp_path, mask=tmp_path),
    ):
        assert default_resampling(sources) == 5


def test_a_model_of_images_alone_is_refused(tmp_path, cascade):
    assert outpainter(cascade) is cascade
    write_cascade(tmp_path, layouts=False)
    imagen = Cascade.load("imagen", tmp_path, SamplingConfig(steps=2, sr_steps=2))
    with pytest.raises(ValueError, match="imagen: outpainting needs a model that draws image and"):
        outpainter(imagen)

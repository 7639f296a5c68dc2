"""Cross-modal outpainting of files (Section 4.6): draw what is not known of image and layout."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from gcdp_bench.core.config import digest
from gcdp_bench.core.images import to_float, write_image
from gcdp_bench.core.palette import colourise, image_grid
from gcdp_bench.core.progress import Progress, claim
from gcdp_bench.core.rng import derive_seed
from gcdp_bench.core.types import GUIDANCE, Generator
from gcdp_bench.datasets.folder import Folder
from gcdp_bench.generators.generate import Prompt, generate
from gcdp_bench.generators.outpaint_inputs import Conditioning, ConditioningFiles, Sources, shown
from gcdp_bench.generators.sample import part_of
from gcdp_bench.generators.sample_folder import SampleWriter
from gcdp_bench.io.validation import check_caption, check_id
from reference_model.generator import Cascade
from reference_model.joint import Pair
from reference_model.outpainting import IMAGE_RESAMPLING, LAYOUT_RESAMPLING, KnownRegion

NUM_SHOWN = 8


@dataclass(frozen=True, kw_only=True)
class OutpaintRequest:
    """Request of a folder of outpainted samples; stored in it as `samples.json`."""

    model: str
    weights: str  # digest of the generator's weights and sampling settings
    dataset: str
    inputs: str  # digest of the files and captions that were given
    guidance: float
    resampling: int
    seed: int

    @property
    def split(self) -> str:
        """ "none": samples of no split."""
        return "outpainted"

    @property
    def hash(self) -> str:
        """Short digest."""
        return digest(self)


def inputs_digest(
    files: Sequence[ConditioningFiles], captions: Mapping[str, str], resize: str = "crop"
) -> str:
    """Short hash of the content of every file, of the captions, and of another way than "crop"."""
    content = {}
    for item in files:
        paths = (item.layout, item.image, item.mask)
        hashes = [path and hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
        content[item.id] = [*hashes, captions.get(item.id)]
    return digest(content if resize == "crop" else [content, resize])


def default_resampling(sources: Sources) -> int:
    """The paper's n: 1 from a whole image to its layout, 5 where parts of images are drawn."""
    only_layouts = sources.layout is None and sources.mask is None
    return LAYOUT_RESAMPLING if only_layouts else IMAGE_RESAMPLING


def outpainter(generator: Generator) -> Cascade:
    """The generator, as one that can outpaint.

    Raises:
        ValueError: it does not make image and layout by diffusion.
    """
    if not isinstance(generator, Cascade) or not generator.makes_layouts:
        raise ValueError(
            f"{generator.name}: outpainting needs a model that draws image and layout together; "
            "use reference"
        )
    return generator


def outpaint_folder(
    cascade: Cascade,
    pairs: Sequence[Conditioning],
    captions: Mapping[str, str],
    request: OutpaintRequest,
    folder: Path,
    *,
    batch_size: int,
    progress: Progress,
) -> None:
    """Outpaint every pair into `folder`, a `folder` dataset; pairs already there are kept.

    A pair depends on what is known of it, its caption and the request, not on the pairs beside it.
    The first ones are shown in `overview.png`: what is known, then what was drawn.

    Args:
        cascade: see `outpainter`.
        pairs: what is known, from `read_conditioning`.
        captions: of every pair, by id.
        request: everything else that the result depends on.
        folder: to write to.
        batch_size: pairs drawn at once.
        progress: told of every batch.

    Raises:
        ValueError: a caption is missing or refused, found before anything is drawn; or the folder
            was made by another request.
        OSError: the folder cannot be written.
    """
    GUIDANCE.check(request.guidance)
    _check_captions(pairs, captions)

    known = {pair.id: pair for pair in pairs}
    task = f"outpaint, {request.resampling} resampling steps"
    with (
        claim(part_of(folder, range(len(pairs))), task, progress),
        SampleWriter(
            folder, request, class_names=cascade.class_names, device=cascade.device
        ) as writer,
    ):
        prompts = [
            Prompt(name, captions[name], derive_seed(request.seed, name))
            for name in known
            if not writer.holds(name)
        ]
        for batch, seconds in generate(
            cascade,
            prompts,
            name=request.model,
            guidance=request.guidance,
            batch_size=batch_size,
            progress=progress,
            task=task,
            num_done=len(pairs) - len(prompts),
            draw=cascade.outpaint,
            settings=lambda part: {
                "known": known_region([known[prompt.id] for prompt in part]),
                "resampling": request.resampling,
            },
        ):
            writer.write(batch, seconds)
        writer.finish(list(known))
    _write_overview(pairs[:NUM_SHOWN], folder, cascade.class_names)


def known_region(pairs: Sequence[Conditioning]) -> KnownRegion:
    """Pairs of files as the model takes them."""
    images = torch.stack([pair.image for pair in pairs])  # (B, 3, H, W)
    layouts = torch.stack([pair.layout for pair in pairs])  # (B, H, W)
    return KnownRegion(
        Pair(to_float(images), layouts.long()),
        torch.stack([pair.image_mask for pair in pairs]),  # (B, H, W)
        torch.stack([pair.layout_mask for pair in pairs]),  # (B, H, W)
    )


def _check_captions(pairs: Sequence[Conditioning], captions: Mapping[str, str]) -> None:
    missing = [pair.id for pair in pairs if pair.id not in captions]
    if missing:
        raise ValueError(
            f"{missing[0]}: expected a caption, found none ({len(missing)} of {len(pairs)} files "
            "have none); add its line to the captions"
        )
    for pair in pairs:
        check_id(pair.id)
        check_caption(captions[pair.id])


def _write_overview(
    pairs: Sequence[Conditioning], folder: Path, class_names: Sequence[str]
) -> None:
    """A row per pair: known image, known layout, drawn image, drawn layout."""
    drawn = Folder(folder)
    places = {name: place for place, name in enumerate(drawn.ids)}
    pictures = []
    for pair in pairs:
        triplet = drawn[places[pair.id]]
        layout = colourise(triplet.layout[None], class_names)[0]  # (3, H, W)
        pictures += [*shown(pair, class_names), triplet.image, layout]
    write_image(folder / "overview.png", image_grid(torch.stack(pictures), num_columns=4))

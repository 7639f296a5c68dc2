"""The one loop in which samples are drawn."""

from dataclasses import replace

import pytest
import torch

from gcdp_bench.core.progress import Silent
from gcdp_bench.core.types import Batch, Generator
from gcdp_bench.generators.generate import CPU_BATCH, Prompt, generate

PROMPTS = [Prompt(f"id-{place}", f"caption {place}", 100 + place) for place in range(11)]


class Recorder(Silent):
    """What a progress bar is told."""

    def __init__(self):
        self.started, self.advanced, self.ended = [], [], 0

    def start(self, task, total, *, done=0, unit="it"):
        self.started.append((task, total, done, unit))

    def advance(self, amount=1, *, values=None):
        self.advanced.append(amount)

    def finish(self):
        self.ended += 1


class Drawn(Generator):
    """Pictures of one pixel that say their seed; more than `room` at once are too many."""

    name, trained_on, digest = "drawn", "pixels", "0"
    class_names, image_size = ("sky", "road"), (1, 1)

    def __init__(self, room=64, device="cpu", **changes):
        self.room, self.device, self.changes, self.calls = room, device, changes, []
        self.makes_layouts = changes.get("layouts") is not None

    def sample(self, captions, *, guidance, seeds, **settings):
        self.calls.append((captions, guidance, seeds, settings))
        if len(captions) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        images = torch.tensor(seeds, dtype=torch.uint8)[:, None, None, None].repeat(1, 3, 1, 1)
        batch = Batch(tuple(map(str, range(len(seeds)))), images, None, tuple(captions))
        return replace(batch, **self.changes)


def batches(generator, prompts=PROMPTS, *, progress=None, **options):
    settings = {"name": "mine", "guidance": 2.0, "batch_size": 3, "task": "sample x"} | options
    return generate(generator, prompts, progress=progress or Silent(), **settings)


@pytest.mark.parametrize("device", ["cpu", "cuda:0"])
def test_every_prompt_has_its_sample_in_order(device):
    found = [batch for batch, sec in batches(Drawn(device=device)) if sec >= 0]
    assert [name for batch in found for name in batch.ids] == [prompt.id for prompt in PROMPTS]
    seeds = [int(image[0, 0, 0]) for batch in found for image in batch.images]
    assert seeds == [prompt.seed for prompt in PROMPTS]
    captions = [caption for batch in found for caption in batch.captions]
    assert captions == [prompt.caption for prompt in PROMPTS]
    lengths = [8, 3] if device == "cpu" else [3, 3, 3, 2]
    assert [len(batch) for batch in found] == lengths


def test_the_cpu_draws_batches_of_one_size_whatever_is_asked():
    draw = Drawn()
    assert len(list(batches(draw, batch_size=1))) == 2
    assert [len(captions) for captions, *_ in draw.calls] == [CPU_BATCH, CPU_BATCH]
    assert draw.calls[1][2][2:] == [110] * 6  # the last one again


def test_a_batch_that_does_not_fit_is_halved_for_good():
    draw = Drawn(room=3, device="cuda")
    found = [batch for batch, _ in batches(draw, batch_size=8)]
    assert [len(captions) for captions, *_ in draw.calls] == [8, 4, 2, 2, 2, 2, 2, 1]
    assert [name for batch in found for name in batch.ids] == [prompt.id for prompt in PROMPTS]
    with pytest.raises(MemoryError, match="sample x: out of memory with one image at a time"):
        list(batches(Drawn(room=0, device="cuda")))


def test_a_batch_counts_when_it_was_taken():
    progress = Recorder()
    drawing = batches(Drawn(), progress=progress, num_done=5)
    next(drawing)
    assert progress.started == [("sample x", 16, 5, "image")] and progress.advanced == []
    next(drawing)
    assert progress.advanced == [8] and not progress.ended
    assert list(drawing) == [] and progress.advanced == [8, 3] and progress.ended == 1


def test_settings_are_those_of_the_batch():
    draw = Drawn()
    list(
        batches(
            draw,
            PROMPTS[:2],
            draw=draw.sample,
            settings=lambda part: {"known": [one.id for one in part]},
        )
    )
    ((_, guidance, _, settings),) = draw.calls
    assert guidance == 2.0 and settings == {"known": ["id-0", *["id-1"] * 7]}


def test_other_errors_are_raised():
    def broken(captions, **settings):
        raise FloatingPointError("caption 'x': NaN")

    with pytest.raises(FloatingPointError, match="NaN"):
        next(batches(Drawn(), draw=broken))
    assert list(batches(Drawn(), [], draw=broken)) == []


IMAGES, LAYOUTS = torch.zeros(8, 3, 1, 1, dtype=torch.uint8), torch.ones(8, 1, 1, dtype=torch.uint8)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"images": IMAGES[:1]},
            r"images: expected torch.uint8 \(8, 3, 1, 1\) for 8 captions, got .*8 \(1, 3, 1, 1\)",
        ),
        ({"images": IMAGES.permute(0, 2, 3, 1)}, r"images: .*got torch.uint8 \(8, 1, 1, 3\)"),
        ({"images": IMAGES / 255}, "images: .*got torch.float32"),
        ({"images": IMAGES.numpy()}, "images: .*got ndarray uint8"),
        ({"images": [0]}, "images: .*got list"),
        (
            {"layouts": LAYOUTS[:, 0]},
            r"layouts: expected torch.uint8 \(8, 1, 1\) .*got .* \(8, 1\)",
        ),
        ({"layouts": LAYOUTS.long()}, "layouts: expected torch.uint8 .*got torch.int64"),
        (
            {"layouts": LAYOUTS * 77},
            "layouts: expected ids of its 2 classes, 0 to 1, or 255, got 77",
        ),
        ({"ids": ("a",)}, "ids: expected 8, one per caption, got 1"),
        ({"captions": ("a",)}, "captions: expected 8, one per caption, got 1"),
        ({"captions": tuple("abcdefgh")}, "captions: expected those that sample was given"),
    ],
)
def test_a_batch_that_is_not_as_its_generator_says_is_refused(changes, message):
    with pytest.raises(ValueError, match=f"^mine: {message}.*; correct its sample"):
        next(batches(Drawn(**changes)))


def test_layouts_come_if_and_only_if_the_generator_makes_them():
    silent, telling = Drawn(), Drawn(layouts=LAYOUTS)
    silent.makes_layouts, telling.makes_layouts = True, False
    with pytest.raises(
        ValueError, match="layouts: expected layouts, as makes_layouts is True, got"
    ):
        next(batches(silent))
    with pytest.raises(ValueError, match="layouts: expected None, as makes_layouts is False, got"):
        next(batches(telling))
    ignored = Drawn(layouts=LAYOUTS * 255)
    assert next(batches(ignored))[0].layouts.max() == 255
    with pytest.raises(ValueError, match="sample: expected a gcdp_bench.core.types.Batch, got tor"):
        next(batches(Drawn(), draw=lambda captions, **settings: IMAGES))

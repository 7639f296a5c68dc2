"""Training of a stage: the Gaussian-categorical loss on triplets of a dataset."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from gcdp_bench.core.config import to_dict
from gcdp_bench.core.device import device_of
from gcdp_bench.core.images import (
    mirror_layouts,
    resize_images,
    resize_layouts,
    to_float,
    to_uint8,
)
from gcdp_bench.core.palette import colourise, image_grid
from gcdp_bench.core.rng import generator
from gcdp_bench.core.types import Dataset, Triplet
from gcdp_bench.datasets.framing import fit_image, fit_layout
from gcdp_bench.datasets.layouts import checked_layout
from gcdp_bench.training.read_ahead import items
from reference_model.joint import JointProcess, NoiseDraw, Pair, loss_terms, q_sample
from reference_model.sampler import sample
from reference_model.schedules import Schedule
from reference_model.stage import Stage, StageConfig, noise_low_res, upsample
from reference_model.text import TextEncoder
from reference_model.unet import LowRes, RawText, UNet

NUM_VALIDATION, NUM_PREVIEW = 64, 8
PREVIEW_GUIDANCE, PREVIEW_STEPS = 2.0, 25


class StageTask:
    """Training of one stage. Without layouts it is the Imagen baseline: the loop, the process and
    the network are the same, and the layout term is absent."""

    def __init__(
        self, config: StageConfig, train: Dataset, validation: Dataset, text_encoder: TextEncoder
    ):
        self.config = config
        self.process = JointProcess(config.process)
        self.num_examples = len(train)
        self.loss_weights: Mapping[str, float] = {
            "image": config.loss.image_weight,
            "layout": config.loss.layout_weight,
        }
        self._train = _Examples(config, train, text_encoder)
        self._validation = _Examples(config, validation, text_encoder)
        self._low_res_schedule = Schedule(config.low_res.schedule) if config.low_res else None

    def build(self) -> UNet:
        """See `Task.build`."""
        return UNet(self.config.unet)

    def batch(self, indices: Sequence[int], generator: torch.Generator) -> dict[str, Tensor]:
        """See `Task.batch`: t, noise, dropped captions, flips, crops and augmentation levels."""
        batch = self._examples(self._train, indices, generator, augment=True)
        num = len(indices)
        num_steps = self.config.process.num_steps
        batch["t"] = torch.randint(1, num_steps + 1, (num,), generator=generator)  # (B,)
        batch["keep"] = torch.rand(num, generator=generator) >= self.config.text_drop  # (B,)
        return batch | self._noise(batch, generator)

    def read_ahead(self, indices: Sequence[int], num_workers: int) -> None:
        """See `ReadsAhead.read_ahead`."""
        self._train.read_ahead(indices, num_workers)

    def losses(self, network: torch.nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """See `Task.losses`: "image" and, with layouts, "layout" (Eq. 19 as in `LossConfig`)."""
        z_0 = Pair(to_float(batch["image"]), _long(batch.get("layout")))
        draw = NoiseDraw(batch["normal"], batch.get("uniform"))
        z_t = q_sample(self.process, z_0, batch["t"], draw)
        output = network(
            z_t.image,
            z_t.layout,
            self.process.image.log_snr.to(batch["t"].device)[batch["t"]].float(),  # (B,)
            RawText(batch["tokens"], batch["mask"], batch["keep"]),
            low_res=self._low_res(batch),
        )
        return loss_terms(
            self.process, self.config.loss, z_0, z_t, batch["t"], draw, output.noise, output.logits
        )

    @torch.no_grad()
    def validation(self, network: torch.nn.Module) -> dict[str, float]:
        """See `Task.validation`: loss terms on the first validation examples, t spread evenly."""
        device = device_of(network)
        num = min(NUM_VALIDATION, len(self._validation))
        source = generator("validation", self.config.dataset)
        batch = self._examples(self._validation, range(num), source, augment=False)
        batch["t"] = torch.linspace(1, self.config.process.num_steps, num).round().long()  # (B,)
        batch["keep"] = torch.full((num,), self.config.reads_captions)  # (B,)
        batch |= self._noise(batch, source)
        terms = self.losses(network, {name: value.to(device) for name, value in batch.items()})
        return {name: float(value) for name, value in terms.items()}

    @torch.no_grad()
    def preview(self, network: torch.nn.Module) -> Tensor | None:
        """See `Task.preview`: samples for the first validation captions, layouts below."""
        config = self.config
        num = min(NUM_PREVIEW, len(self._validation))
        batch = self._validation.batch(range(num))
        assert isinstance(network, UNet)
        stage = Stage(config, network, self.process)
        low_res = None
        if config.low_res is not None:
            low_res = self._downsampled(batch["image"], batch.get("layout"))
        z_0 = sample(
            stage,
            self._validation.text(range(num)),
            guidance=PREVIEW_GUIDANCE if config.reads_captions else 1.0,
            seeds=range(num),
            num_steps=PREVIEW_STEPS,
            low_res=low_res,
        )
        rows = [to_uint8(z_0.image).cpu()]
        if z_0.layout is not None:
            rows.append(colourise(z_0.layout.to(torch.uint8).cpu(), config.class_names))
        return image_grid(torch.cat(rows), num_columns=num)

    def metadata(self) -> dict[str, Any]:
        """See `Task.metadata`."""
        return {"kind": "diffusion-stage", "stage": to_dict(self.config)}

    def _examples(
        self,
        examples: _Examples,
        indices: Sequence[int],
        generator: torch.Generator,
        *,
        augment: bool,
    ) -> dict[str, Tensor]:
        """Images, layouts and text, flipped and cropped when `augment` is set."""
        batch = examples.batch(indices)
        spatial = [name for name in ("image", "layout") if name in batch]
        if augment and self.config.horizontal_flip:
            flip = torch.rand(len(indices), generator=generator) < 0.5  # (B,)
            batch["image"][flip] = batch["image"][flip].flip(-1)
            if "layout" in batch:
                names = self.config.class_names
                batch["layout"][flip] = mirror_layouts(batch["layout"][flip], names)
        if augment and self.config.crop is not None:
            top, left = (
                int(torch.randint(0, full - part + 1, (), generator=generator))
                for full, part in zip(self.config.image_size, self.config.crop, strict=True)
            )
            height, width = self.config.crop
            for name in spatial:
                batch[name] = batch[name][..., top : top + height, left : left + width]
        return batch

    def _noise(self, batch: dict[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
        """Every random number that the losses need."""
        num, _, height, width = batch["image"].shape
        noise = {"normal": torch.randn(num, 3, height, width, generator=generator)}
        if self.config.makes_layouts:
            noise["uniform"] = torch.rand(num, height, width, generator=generator)
        if self.config.low_res is not None:
            num_levels = self.config.low_res.train_levels
            noise["low_level"] = torch.randint(0, num_levels, (num,), generator=generator)
            noise["low_normal"] = torch.randn(num, 3, height, width, generator=generator)
            if self.config.makes_layouts:
                noise["low_uniform"] = torch.rand(num, height, width, generator=generator)
        return noise

    def _low_res(self, batch: dict[str, Tensor]) -> LowRes | None:
        """Low-resolution pair made from the target, up-sampled and noised."""
        if self._low_res_schedule is None:
            return None
        low = self._downsampled(batch["image"], batch.get("layout"))
        return noise_low_res(
            self._low_res_schedule,
            upsample(low, (batch["image"].shape[-2], batch["image"].shape[-1])),
            batch["low_level"],
            num_classes=self.config.unet.num_classes,
            normal=batch["low_normal"],
            uniform=batch.get("low_uniform"),
        )

    def _downsampled(self, image: Tensor, layout: Tensor | None) -> Pair:
        """The pair at the scale of the stage below."""
        assert self.config.low_res is not None
        height, width = image.shape[-2:]
        size = (
            height * self.config.low_res.size[0] // self.config.image_size[0],
            width * self.config.low_res.size[1] // self.config.image_size[1],
        )
        small = None if layout is None else resize_layouts(layout.long(), size)
        return Pair(resize_images(to_float(image), size), small)


class _Examples:
    """A dataset's triplets at the stage's size, kept in memory once read."""

    def __init__(self, config: StageConfig, dataset: Dataset, text_encoder: TextEncoder):
        if dataset.class_names != config.class_names:
            raise ValueError(
                f"{dataset.name}: expected the classes of the stage {config.class_names}, got "
                f"{dataset.class_names}"
            )
        self._config = config
        self._dataset = dataset
        self._text_encoder = text_encoder
        self._cache: dict[int, tuple[Tensor, Tensor, str]] = {}
        self._text_cache: dict[str, tuple[Tensor, Tensor]] = {}
        self._coming: Iterator[tuple[int, Triplet]] = iter(())

    def read_ahead(self, indices: Sequence[int], num_workers: int) -> None:
        """Read the items in other processes, in this order, in which they are to be used."""
        self._coming = items(self._dataset, indices, num_workers)

    def __len__(self) -> int:
        return len(self._dataset)

    def batch(self, indices: Sequence[int]) -> dict[str, Tensor]:
        """uint8 image (B, 3, H, W), layout (B, H, W), and the captions' tokens and mask."""
        images, layouts, _ = zip(*(self._read(i) for i in indices), strict=True)
        text = self.text(indices)
        batch = {"image": torch.stack(images), "tokens": text.tokens, "mask": text.mask}
        if self._config.makes_layouts:
            batch["layout"] = torch.stack(layouts)
        return batch

    def text(self, indices: Sequence[int]):
        """Encoded captions."""
        from reference_model.text import EncodedText

        captions = [self._read(i)[2] for i in indices]
        new = [c for c in dict.fromkeys(captions) if c not in self._text_cache]
        if new:
            encoded = self._text_encoder.encode(new)
            self._text_cache |= {
                caption: (encoded.tokens[i], encoded.mask[i]) for i, caption in enumerate(new)
            }
        tokens, mask = zip(*(self._text_cache[c] for c in captions), strict=True)
        return EncodedText(torch.stack(tokens), torch.stack(mask))

    def _read(self, index: int) -> tuple[Tensor, Tensor, str]:
        while index not in self._cache:
            coming = next(self._coming, None)
            place, triplet = (index, self._dataset[index]) if coming is None else coming
            size = self._config.image_size
            layout = checked_layout(triplet, self._dataset)
            layout = fit_layout(layout, size, "crop")  # (H, W)
            image = fit_image(triplet.image, size, "crop")  # (3, H, W)
            self._cache[place] = (image, layout, triplet.caption)
        return self._cache[index]


def _long(layout: Tensor | None) -> Tensor | None:
    return None if layout is None else layout.long()

"""The cascade as a `Generator`: captions to images, and layouts where the stages make them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from gcdp_bench.core.finite import finite_samples
from gcdp_bench.core.images import to_uint8
from gcdp_bench.core.sampling_config import ANCESTRAL, SamplingConfig
from gcdp_bench.core.types import GUIDANCE, Batch, Generator, SamplingParameter
from reference_model.joint import Pair
from reference_model.outpainting import KnownRegion, outpaint
from reference_model.sampler import Method, sample
from reference_model.schedules import respaced_transitions
from reference_model.stage import Stage, load_stage
from reference_model.text import EncodedText, TextEncoder, build_text_encoder


class Cascade(Generator):
    """Base stage followed by super-resolution stages (Section 3.3).

    A folder of a trained cascade holds one folder per stage, `base/` and optionally `sr/`.
    """

    def __init__(
        self, name: str, stages: Sequence[Stage], text_encoder: TextEncoder, config: SamplingConfig
    ):
        _check_fit(stages)
        self.name = name
        self.config = config
        self.stages = tuple(stages)
        self.networks = tuple(stage.network for stage in stages)
        self._text_encoder = text_encoder

    @classmethod
    def load(cls, name: str, folder: Path, config: SamplingConfig) -> Cascade:
        """Read a trained cascade.

        Raises:
            FileNotFoundError: no base stage there.
            ValueError: damaged weights, or stages that do not fit each other.
        """
        stages = [load_stage(folder / "base")]
        if (folder / "sr").is_dir():
            stages.append(load_stage(folder / "sr"))
        return cls(name, stages, build_text_encoder(stages[0].config.text), config)

    @property
    def parameter(self) -> SamplingParameter | None:
        """Guidance; none of an unconditional cascade, which is sampled at 1."""
        return GUIDANCE if self.reads_captions else None

    @property
    def reads_captions(self) -> bool:
        """Whether captions condition the samples."""
        return self.stages[0].config.reads_captions

    @property
    def makes_layouts(self) -> bool:
        """Whether layouts come with the images."""
        return self.stages[-1].config.makes_layouts

    @property
    def class_names(self) -> tuple[str, ...]:
        """Classes of the training dataset."""
        return self.stages[-1].config.class_names

    @property
    def image_size(self) -> tuple[int, int]:
        """(height, width) of the samples."""
        return self.stages[-1].config.image_size

    @property
    def trained_on(self) -> str:
        """Name of the training dataset."""
        return self.stages[0].config.dataset

    @property
    def device(self) -> str:
        """See `Generator.device`."""
        return str(self.stages[0].device)

    @property
    def digest(self) -> str:
        """Hash of every weight of every stage."""
        digest = hashlib.sha256()
        for stage in self.stages:
            for name, tensor in stage.network.state_dict().items():
                digest.update(name.encode())
                digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()[:12]

    @property
    def settings(self) -> Mapping[str, Any]:
        """Steps of each stage, the guidance of the second, and what is not as usual."""
        config = self.config
        settings = {name: getattr(config, name) for name in ("steps", "sr_steps", "sr_guidance")}
        if config.image_sampler != ANCESTRAL:
            settings["sampler"] = config.image_sampler
        if config.guidance_interval is not None:
            settings["guidance_interval"] = list(config.guidance_interval)
        return settings

    @property
    def num_steps(self) -> int:
        """Steps of the base stage."""
        return self.config.steps

    def num_passes(self, guidance: float) -> int:
        """Times that a network sees a sample, over all steps of all stages."""
        passes = 0
        for stage, w, num_steps in self._stages(guidance):
            process = stage.process
            for t, _ in respaced_transitions(process.num_steps, num_steps):
                guided = w != 1.0 and self._method.guides(float(process.image.log_snr[t]))
                passes += 2 if guided else 1
        return passes

    @property
    def _method(self) -> Method:
        config = self.config
        return Method(sampler=config.image_sampler, guidance_interval=config.guidance_interval)

    def encode_text(self, captions: Sequence[str]) -> EncodedText:
        """Captions as every stage reads them."""
        return self._text_encoder.encode(captions)

    def sample(
        self,
        captions: Sequence[str],
        *,
        guidance: float,
        seeds: Sequence[int],
    ) -> Batch:
        """See `Generator.sample`."""
        text = self.encode_text(captions)
        pair = None
        with finite_samples(self.name, captions):
            for stage, w, num_steps in self._stages(guidance):
                pair = sample(
                    stage,
                    text,
                    guidance=w,
                    seeds=seeds,
                    num_steps=num_steps,
                    low_res=pair,
                    method=self._method,
                )
            return _batch(pair, captions)

    def outpaint(
        self,
        captions: Sequence[str],
        known: KnownRegion,
        *,
        guidance: float,
        seeds: Sequence[int],
        resampling: int,
    ) -> Batch:
        """Sample what is unknown of pairs, in every stage; see `outpainting.outpaint`.

        Args:
            captions: B captions.
            known: of the cascade's image size.
            guidance: as in `sample`.
            seeds: B seeds.
            resampling: n of RePaint.

        Raises:
            ValueError: the cascade makes no layouts, sizes or numbers differ, or it is set to
                another sampler than the ancestral one or to a guidance interval.
            FloatingPointError: as `Generator.sample`.
        """
        self.config.require_plain(self.name, "outpainting")
        text = self.encode_text(captions)
        pair = None
        with finite_samples(self.name, captions):
            for stage, w, num_steps in self._stages(guidance):
                pair = outpaint(
                    stage,
                    text,
                    known.resized(stage.config.image_size),
                    guidance=w,
                    seeds=seeds,
                    num_steps=num_steps,
                    resampling=resampling,
                    low_res=pair,
                )
            return _batch(pair, captions)

    def _stages(self, guidance: float) -> Iterator[tuple[Stage, float, int]]:
        """Stages in order, each with its guidance and number of steps."""
        config = self.config
        yield self.stages[0], guidance, config.steps
        for stage in self.stages[1:]:
            w = guidance if config.sr_guidance is None else config.sr_guidance
            w = w if stage.config.reads_captions else 1.0
            yield stage, w, config.sr_steps


def _batch(pair: Pair | None, captions: Sequence[str]) -> Batch:
    assert pair is not None
    layouts = None if pair.layout is None else pair.layout.to(torch.uint8).cpu()
    ids = tuple(f"{index:06d}" for index in range(len(captions)))
    return Batch(ids, to_uint8(pair.image).cpu(), layouts, tuple(captions))


def _check_fit(stages: Sequence[Stage]) -> None:
    for below, above in zip(stages, stages[1:], strict=False):
        low_res = above.config.low_res
        problems = []
        if low_res is None or low_res.size != below.config.image_size:
            expected = None if low_res is None else low_res.size
            problems.append(
                f"it up-samples {expected}, the stage below makes {below.config.image_size}"
            )
        if above.config.class_names != below.config.class_names:
            problems.append("the classes differ")
        if above.config.makes_layouts != below.config.makes_layouts:
            problems.append("only one of the two makes layouts")
        if above.config.reads_captions != below.config.reads_captions:
            problems.append("only one of the two reads captions")
        if above.config.text != below.config.text:
            problems.append("the text encoders differ")
        if problems:
            raise ValueError(
                f"super-resolution stage does not fit: {'; '.join(problems)}; train both stages "
                "with the same preset and dataset"
            )

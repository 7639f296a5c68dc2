"""Evaluating networks that are trained here: where their weights lie, and how they are trained."""

from __future__ import annotations

from collections.abc import Mapping

from gcdp_bench.core.lookup import located
from gcdp_bench.training.networks import Network


def _evaluator(name: str, *presets: str) -> Network:
    return Network(
        name=name,
        pretrained=(f"gcdp_bench/extractors/pretrained/{name}-{{family}}",),
        option=f"--{name} {{path}}",
        evaluates=True,
        presets=presets,
        training=located(f"gcdp_bench.extractors.{name}_training:training"),
    )


SEGMENTER = _evaluator("segmenter", "tiny", "small", "w18-small")
CLIP = _evaluator("clip", "tiny", "small", "teacher")
ATTRIBUTES = _evaluator("attributes", "tiny", "small", "resnet18", "resnet50")
EVALUATORS: Mapping[str, Network] = {one.name: one for one in (SEGMENTER, CLIP, ATTRIBUTES)}

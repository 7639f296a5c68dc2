"""Tasks that can run here, and the commands that make the missing parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from gcdp_bench.core import plugins
from gcdp_bench.datasets.identities import dataset_identity
from gcdp_bench.datasets.identity import DatasetIdentity, family
from gcdp_bench.datasets.registry import dataset_names, dataset_spec
from gcdp_bench.diagnostics.doctor.findings import Line, add_weights, attempt, reinstall
from gcdp_bench.extractors.registry import find_weights
from gcdp_bench.extractors.trained import EVALUATORS
from gcdp_bench.generators.registry import generator_names, generator_spec
from gcdp_bench.metrics.lookup import installed_metric
from gcdp_bench.training.runs import find_run

EXTRACTORS = ("segmenter", "clip")
NOUNS = {"clip": "CLIP", "attributes": "attribute classifier"}


@dataclass(frozen=True)
class Need:
    """Something that a task needs and does not have."""

    what: str
    remedy: str  # a command where there is one


def task_lines(
    libraries: Sequence[Line], datasets: Sequence[Line], data_root: Path | None = None
) -> tuple[Line, ...]:
    """One line a task: "yes", or what it needs and how to get that. A metric of a package is one.

    Args:
        libraries: lines named by module; `ok` is False where one is broken.
        datasets: lines by registered dataset.
        data_root: `--data-root`.
    """
    identities = _identities(data_root)
    broken = {line.name for line in libraries if line.ok is False}

    def imports(*modules: str) -> list[Need]:
        return [Need(module, reinstall(module)) for module in modules if module in broken]

    return (
        _task("train at presets tiny and small", imports("torch", "accelerate", "cv2")),
        _task(
            "train the reference model at presets paper-*",
            [*imports("torch", "accelerate", "transformers"), *_weights("t5-large"), *_cuda()],
        ),
        *(_sampling_line(name, identities) for name in generator_names()),
        *_eval_option_lines(
            datasets, imports("torch", "torchvision", "mmseg", "open_clip"), identities
        ),
        _task(
            "evaluate images by Inception-v3 and CLIP ViT-L/14-336",
            [
                *imports("torch", "torch_fidelity", "open_clip"),
                *_weights("inception-v3", "clip-vit-l-14-336"),
            ],
        ),
        _task(
            "evaluate layouts of Cityscapes by HRNet-W48",
            [*imports("torch", "mmseg"), *_weights("hrnet-w48-cityscapes")],
        ),
        _task(
            "evaluate images by DINOv2",
            [*imports("torch", "transformers"), *_weights("dinov2-vit-l-14")],
        ),
        *map(_metric_line, plugins.named(plugins.METRICS)),
    )


def _identities(data_root: Path | None) -> dict[str, DatasetIdentity]:
    """Identities of the registered datasets, without damaged ones."""
    found = {
        name: attempt(lambda name=name: dataset_identity(name, data_root=data_root))[0]
        for name in dataset_names()
    }
    return {name: identity for name, identity in found.items() if identity is not None}


def _eval_option_lines(
    datasets: Sequence[Line], broken: Sequence[Need], identities: Mapping[str, DatasetIdentity]
) -> list[Line]:
    """One line per family of datasets: subsets share their extractors."""
    data: Mapping[str, Line] = {line.name: line for line in datasets}
    lines = []
    for name in dict.fromkeys(family(name) for name in data):
        members = [member for member in data if family(member) == name]
        needs = list(broken)
        largest = f"{name}-100" if f"{name}-100" in data else members[0]
        spec, problem = attempt(lambda largest=largest: dataset_spec(largest))
        if spec is None or (spec.files is None and not data[largest].ok):
            problem = problem if data[largest].ok else data[largest].detail
            lines.append(Line(f"evaluate {name} by networks trained on it", False, problem))
            continue
        if not any(data[member].ok for member in members):
            needs.append(Need(f"{name}'s files", "pass --data-root FOLDER or set GCDP_DATA"))
        first = identities.get(members[0])
        extractors = _extractors(EXTRACTORS, first, largest)
        lines.append(_task(f"evaluate {name} by networks trained on it", [*needs, *extractors]))
        if spec.is_attributed:
            needs += _extractors(("attributes",), first, largest)
            lines.append(_task(f"attribute recall on {name}", needs))
    return lines


def _metric_line(name: str) -> Line:
    metric, problem = attempt(lambda: installed_metric(name))
    definitions = () if metric is None else metric.definitions.values()
    detail = problem or ", ".join(definition.title for definition in definitions)
    return Line(f"metric {name}", not problem, detail)


def _sampling_line(name: str, identities: Mapping[str, DatasetIdentity]) -> Line:
    spec, problem = attempt(lambda: generator_spec(name))
    if spec is None:
        return Line(f"sample {name}", False, problem)
    if not spec.files:
        return Line(f"sample {name}", True, spec.summary)
    trained = [
        name
        for name, identity in identities.items()
        if not attempt(partial(find_run, spec, identity))[1]
    ]
    if trained:
        return Line(f"sample {name}", True, f"trained on {', '.join(trained)}")
    need = Need("trained weights", f"gcdp-bench train {name} --dataset NAME")
    return _task(f"sample {name}", [need])


def _task(what: str, needs: Sequence[Need]) -> Line:
    detail = "; ".join(f"needs {need.what}: {need.remedy}" for need in needs)
    return Line(what, not needs, detail or "yes")


def _extractors(kinds: Sequence[str], dataset: DatasetIdentity | None, largest: str) -> list[Need]:
    missing = [
        kind
        for kind in kinds
        if dataset is None or attempt(partial(find_run, EVALUATORS[kind], dataset))[1]
    ]
    return [
        Need(f"a trained {NOUNS.get(kind, kind)}", f"gcdp-bench train {kind} --dataset {largest}")
        for kind in missing
    ]


def _weights(*names: str) -> list[Need]:
    return [
        Need(name, add_weights(name))
        for name in names
        if attempt(lambda name=name: find_weights(name, None))[1]
    ]


def _cuda() -> list[Need]:
    def available() -> bool:
        import torch

        return torch.cuda.is_available()

    found, _ = attempt(available)
    return [] if found else [Need("a CUDA device", "run it on a machine that has one")]

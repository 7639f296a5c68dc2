"""Whatever the benchmark writes can be explained, completely, without a heavy import."""

import dataclasses
import subprocess
import sys

import pytest

from gcdp_bench.metrics.definitions import DEFINITIONS, lookup


def value_is_share(definition):
    return definition.unit.startswith("share, 0 to 1")


@pytest.mark.parametrize("metric", DEFINITIONS)
def test_every_definition_is_complete(metric):
    definition = lookup(metric)
    for field in dataclasses.fields(definition):
        value = getattr(definition, field.name)
        if field.name == "higher_is_better":
            assert value in (True, False, None)
        elif field.name == "bounds":
            assert value[0] < value[1] and (value == (0, 1)) == value_is_share(definition)
        elif field.name == "traps":
            assert value and all(trap.endswith(".") for trap in value)
        else:
            assert value == value.strip() and value, field.name
    assert len(definition.formula) < 320


def test_titles_tell_metrics_apart():
    titles = [definition.title for definition in DEFINITIONS.values()]
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize(
    ("prompted", "hint"),
    [
        ("fid", "did you mean fid-tf1, fid-clean, fid-torch, fid-hrnet?"),
        ("semantic_recal", "did you mean semantic_recall"),
        ("miuo", "did you mean miou"),
        ("?", "known: fid-tf1"),
    ],
)
def test_unknown_names_get_help(prompted, hint):
    with pytest.raises(
        ValueError, match=f"unknown metric '{prompted.replace('?', '[?]')}'"
    ) as error:
        lookup(prompted)
    assert hint in str(error.value)


def test_explaining_imports_nothing_heavy():
    code = (
        "import sys; from gcdp_bench.metrics.definitions import lookup; lookup('fid-tf1')\n"
        "assert not {'torch', 'numpy', 'pandas'} & set(sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def measured():
    """Every (protocol, measure) of the extractors of features."""
    from gcdp_bench.extractors.bundle import SegmenterFeatures
    from gcdp_bench.extractors.clip_standard import ClipFeatures
    from gcdp_bench.extractors.dinov2 import DinoV2
    from gcdp_bench.extractors.inception import INPUTS

    extractors = {
        extractor.protocol: extractor.measures
        for extractor in (SegmenterFeatures, ClipFeatures, DinoV2)
    }
    extractors |= {protocol: made.measures for protocol, made in INPUTS.items()}
    return [(protocol, measure) for protocol, names in extractors.items() for measure in names]


def test_every_metric_that_is_written_is_defined_and_no_other():
    import numpy as np

    from gcdp_bench.evaluation.metrics import DISTANCES
    from gcdp_bench.metrics.attribute_recall import attribute_values
    from gcdp_bench.metrics.clip_score import clip_values
    from gcdp_bench.metrics.layout_iou import iou_values
    from gcdp_bench.metrics.memorisation import memorised_values, nearest_training
    from gcdp_bench.metrics.segmentation_distance import fsd_values
    from gcdp_bench.metrics.semantic_recall import recall_values

    x, y = np.random.default_rng(0).random((2, 8, 3))
    prompted, counts = x > 0.5, (100 * y).astype(np.int64)
    values = [
        *(v for protocol, measure in measured() for v in DISTANCES[measure](protocol, x, y)),
        *(v for whose in ("generated", "predicted") for v in fsd_values(x, y, whose)),
        *recall_values(prompted, counts, 100, ("a", "b", "c"), (0, 1, 2)),
        *iou_values(np.ones((8, 3, 3), np.int64), ("a", "b", "c")),
        *clip_values(x[:, 0], prompted[:, 0]),
        *attribute_values(prompted.astype(np.int8), y, np.full(3, 0.5), ("a", "b", "c")),
        *memorised_values(nearest_training(x, y)),
    ]
    of_sweeps = {"semantic_recall_of_ceiling", "labelled_images"}
    assert {value.metric for value in values} | of_sweeps == set(DEFINITIONS)

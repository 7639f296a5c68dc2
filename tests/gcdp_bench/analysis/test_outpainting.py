"""Both directions: what is given comes back, what is scored is what was drawn."""

from dataclasses import replace

import pytest
import torch

from gcdp_bench.analysis.draw_outpainting import TITLES, draw_outpainting
from gcdp_bench.analysis.outpainting import (
    COLUMNS,
    TO_IMAGE,
    TO_LAYOUT,
    OutpaintingRequest,
    analyze_outpainting,
)
from gcdp_bench.core.progress import Silent
from gcdp_bench.core.sampling_config import SamplingConfig
from gcdp_bench.datasets.registry import open_dataset
from gcdp_bench.datasets.shuffled import shuffled
from gcdp_bench.extractors.bundle import ExtractorRequest, load_extractors
from gcdp_bench.metrics.layout_iou import confusion_matrix, intersection_over_union
from gcdp_bench.report.style import theme
from reference_model.generator import Cascade

REQUEST = OutpaintingRequest(num_samples=4, weights="w", image_resampling=2, batch_size=3)


@pytest.fixture(scope="module")
def parts(toy):
    cascade = Cascade.load("reference", toy.reference, SamplingConfig(steps=2, sr_steps=2))
    dataset = shuffled(open_dataset(str(toy.data), "test", size=cascade.image_size, data_root=None))
    extractors = load_extractors(
        ExtractorRequest(dataset=toy.identity, segmenter=str(toy.segmenter), clip=toy.clip)
    )
    return cascade, dataset, extractors


def analyse(parts, folder, request=REQUEST):
    return analyze_outpainting(*parts, request, folder, progress=Silent())


def test_both_directions(parts, tmp_path):
    _, dataset, extractors = parts
    found = analyse(parts, tmp_path)
    for index, triplet in enumerate(found.real):
        assert torch.equal(triplet.image, dataset[index].image)
        assert torch.equal(found.images[index].layout, triplet.layout)
        assert torch.equal(found.layouts[index].image, triplet.image)
        assert found.images[index].caption == triplet.caption
    assert tuple(found.table.columns) == COLUMNS
    values = found.table[found.table["class"] == "all"].set_index(["direction", "source", "metric"])
    true = torch.stack([triplet.layout for triplet in found.real])
    drawn = torch.stack([found.layouts[index].layout for index in range(4)])
    for source, layouts in (("reference", drawn), (extractors.segmenters[0].name, found.segmented)):
        expected = intersection_over_union(confusion_matrix(true, layouts, 3))
        value = values.loc[(TO_LAYOUT, source, "miou"), "value"]
        assert value == pytest.approx(float(expected[expected == expected].mean()))
    assert (TO_IMAGE, "reference", "fid-hrnet") in values.index
    assert (TO_IMAGE, "real images", "miou") in values.index
    resampling = values["resampling"].to_dict()
    assert resampling[TO_IMAGE, "reference", "miou"] == 2
    assert resampling[TO_LAYOUT, "reference", "miou"] == 1
    with theme():
        figure = draw_outpainting(found, dataset.class_names)
    assert [axes.get_title() for axes in figure.axes[:5]] == list(TITLES)


@pytest.mark.slow
def test_a_rerun_draws_nothing_and_another_request_is_refused(parts, tmp_path):
    first = analyse(parts, tmp_path)
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("images/*.png")}
    assert analyse(parts, tmp_path).table.equals(first.table)
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("images/*.png")} == before
    with pytest.raises(ValueError, match="holds samples of another configuration"):
        analyse(parts, tmp_path, replace(REQUEST, seed=1))


def test_mistakes(parts, tmp_path):
    with pytest.raises(ValueError, match=r"num_samples: expected 2 to 12 .* got 13"):
        analyse(parts, tmp_path, replace(REQUEST, num_samples=13))

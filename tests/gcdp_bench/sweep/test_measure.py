"""What is read from the rows of a results folder."""

import math

import pytest

from gcdp_bench.results.schema import to_frame
from gcdp_bench.results.table import merge_rows
from gcdp_bench.sweep.records import refuse_other_reference, semantic_recall
from tests.gcdp_bench.results.test_schema import record


def test_real_images_of_one_dataset_are_the_same(tmp_path):
    refuse_other_reference(tmp_path, "d", "r")  # no results yet
    rows = [record(), record(dataset="e", reference="of e", config_hash="e")]
    merge_rows(tmp_path, to_frame(rows))
    refuse_other_reference(tmp_path, "d", "r")
    refuse_other_reference(tmp_path, "new", "another")
    with pytest.raises(ValueError, match="other real images of d"):
        refuse_other_reference(tmp_path, "d", "another")


def test_the_recall_of_a_point_is_the_first_segmenters_over_all_classes():
    rows = [
        record(metric="semantic_recall", value=0.3, extractor="second", primary=False),
        record(metric="semantic_recall", value=0.1, **{"class": "car"}),
        record(metric="semantic_precision", value=0.2),
        record(metric="semantic_recall", value=0.9),
    ]
    assert semantic_recall(to_frame(rows)) == 0.9
    assert math.isnan(semantic_recall(to_frame(rows[:3])))

"""Rows that were measured differently are refused by name."""

import pytest

from gcdp_bench.comparable import UnlikeRowsError, check_comparable, select
from gcdp_bench.rows import SPLIT, to_frame
from tests.gcdp_bench.test_rows import record


def two(**changes):
    return to_frame([record(), record(model="imagen", config_hash="other", **changes)])


def test_models_guidance_steps_and_seeds_may_differ():
    check_comparable(two(guidance=8.0, steps=50, seed=3, weights="more", git_commit="later"))


@pytest.mark.parametrize(
    ("field", "value"),
    [("resizer", "bicubic"), ("reference", "r2"), ("num_samples", 5), ("extractor", "other"),
     ("judges", "j2"), ("protocol", "paper-like"), ("num_reference", 9), ("captions", "c2"),
     ("split", "val"), ("image_size", "96x128"), ("precision", "bfloat16")],
)  # fmt: skip
def test_the_field_is_named(field, value):
    with pytest.raises(
        UnlikeRowsError, match=rf"d, miou: rows differ in {field} .*--only {field}="
    ):
        check_comparable(two(**{field: value}))


def test_other_datasets_metrics_and_second_judges_are_not_compared():
    check_comparable(two(dataset="e", reference="r2"))
    check_comparable(two(metric="fid-hrnet", resizer="bicubic"))
    check_comparable(two(primary=False, extractor="other"))
    check_comparable(two(source="real-split", num_reference=9))


def test_captions_that_name_nothing_do_not_count_as_fewer():
    rows = to_frame([record(metric="semantic_recall", num_samples=3), record(num_samples=4)])
    other = record(metric="semantic_recall", num_samples=4, model="imagen", config_hash="i")
    check_comparable(to_frame([*rows.drop(columns="schema_version").to_dict("records"), other]))


def test_select_keeps_what_was_asked_for():
    rows = to_frame([
        record(), record(model="imagen", num_samples=9, config_hash="i"),
        record(model=SPLIT, source="real-split", guidance=float("nan"), config_hash="s"),
    ])  # fmt: skip
    assert set(select(rows, ["num_samples=9"])["model"]) == {"imagen"}
    assert set(select(rows, ["guidance=2"])["model"]) == {"reference", "imagen", SPLIT}
    assert set(select(rows, ["model=imagen", "seed=0"])["model"]) == {"imagen"}
    assert len(select(rows, [])) == 3


@pytest.mark.parametrize(
    ("condition", "message"),
    [("sample=3", "expected FIELD=VALUE with a column"), ("seed", "expected FIELD=VALUE"),
     ("seed=7", "no row has it; present: 0")],
)  # fmt: skip
def test_conditions_that_cannot_hold(condition, message):
    with pytest.raises(ValueError, match=message):
        select(to_frame([record()]), [condition])

"""Rows that were measured differently are refused by name."""

import pandas as pd
import pytest

from gcdp_bench.results.compatibility import UnlikeRowsError, check_comparable, name_subsets, select
from gcdp_bench.results.schema import REAL_OWN, REAL_VS_REAL, to_frame
from tests.gcdp_bench.results.test_schema import record


def two(**changes):
    return to_frame([record(), record(model="imagen", config_hash="other", **changes)])


def test_models_parameters_steps_and_seeds_may_differ():
    check_comparable(two(param_value=8.0, steps=50, seed=3, weights="more", git_commit="later"))
    check_comparable(two(param_name="truncation psi", param_value=0.8, steps=1))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("resizer", "bicubic"),
        ("reference", "r2"),
        ("num_samples", 5),
        ("extractor", "other"),
        ("extractors", "j2"),
        ("protocol", "paper-like"),
        ("num_reference", 9),
        ("captions", "c2"),
        ("split", "val"),
        ("image_size", "96x128"),
        ("precision", "bfloat16"),
    ],
)
def test_the_field_is_named(field, value):
    with pytest.raises(
        UnlikeRowsError, match=rf"d, miou: rows differ in {field} .*--only {field}="
    ):
        check_comparable(two(**{field: value}))


def test_subsets_stand_together_only_when_allowed():
    rows = two(trained_on="d-100")
    message = (
        r"d, miou: rows differ in trained_on \(dataset that the model was trained on\): d, d-100; "
        "they do not compare. Choose with --only trained_on=d-100, show them together with "
        "--allow-subsets, or keep them"
    )
    with pytest.raises(UnlikeRowsError, match=message):
        check_comparable(rows)
    check_comparable(rows, allow_subsets=True)
    with pytest.raises(UnlikeRowsError, match="rows differ in resizer"):
        check_comparable(two(trained_on="d-100", resizer="bicubic"), allow_subsets=True)
    check_comparable(two(trained_on="d-100", dataset="e"))


def test_mixed_subsets_are_named_in_the_models():
    real = record(
        model=REAL_OWN,
        source="real",
        trained_on="none",
        param_name="none",
        param_value=float("nan"),
        config_hash="c",
    )
    mixed = [record(), record(model="imagen", trained_on="d-100", config_hash="i")]
    alone = [record(dataset="e", trained_on="e", config_hash="e")]
    named = name_subsets(to_frame([*mixed, real, *alone]))
    assert named["model"].tolist() == ["reference (d)", "imagen (d-100)", REAL_OWN, "reference"]
    assert named["trained_on"].tolist() == ["d", "d-100", "none", "e"]
    unmixed = to_frame([mixed[0], real, *alone])
    pd.testing.assert_frame_equal(name_subsets(unmixed), unmixed)


def test_other_datasets_metrics_and_second_extractors_are_not_compared():
    check_comparable(two(dataset="e", reference="r2"))
    check_comparable(two(metric="fid-hrnet", resizer="bicubic"))
    check_comparable(two(primary=False, extractor="other"))
    check_comparable(two(source="real-vs-real", num_reference=9))


def test_captions_that_name_nothing_do_not_count_as_fewer():
    rows = to_frame([record(metric="semantic_recall", num_samples=3), record(num_samples=4)])
    other = record(metric="semantic_recall", num_samples=4, model="imagen", config_hash="i")
    check_comparable(to_frame([*rows.drop(columns="schema_version").to_dict("records"), other]))


def test_select_keeps_rows_that_meet_the_condition():
    rows = to_frame(
        [
            record(),
            record(model="imagen", num_samples=9, config_hash="i"),
            record(
                model=REAL_VS_REAL, source="real-vs-real", param_value=float("nan"), config_hash="s"
            ),
        ]
    )
    assert set(select(rows, ["num_samples=9"])["model"]) == {"imagen"}
    assert set(select(rows, ["param_value=2"])["model"]) == {"reference", "imagen", REAL_VS_REAL}
    assert set(select(rows, ["model=imagen", "seed=0"])["model"]) == {"imagen"}
    assert len(select(rows, [])) == 3


def test_select_keeps_real_images_where_a_models_field_is_the_condition():
    real = {
        "model": REAL_VS_REAL,
        "source": "real-vs-real",
        "trained_on": "none",
        "param_name": "none",
        "weights": "none",
        "config_hash": "s",
    }
    gan = {
        "model": "lafite",
        "trained_on": "d-100",
        "param_name": "truncation psi",
        "config_hash": "l",
    }
    rows = to_frame([record(), record(**gan), record(**real, param_value=float("nan"))])
    for condition in ("trained_on=d-100", "param_name=truncation psi"):
        assert set(select(rows, [condition])["model"]) == {"lafite", REAL_VS_REAL}
    with pytest.raises(ValueError, match="no row has it; present: d, d-100, none"):
        select(rows, ["trained_on=d-50"])
    with pytest.raises(ValueError, match="no row has it; present: 2.0"):
        select(rows, ["param_value=7"])


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("sample=3", "expected FIELD=VALUE with a column"),
        ("seed", "expected FIELD=VALUE"),
        ("seed=7", "no row has it; present: 0"),
    ],
)
def test_conditions_that_cannot_hold(condition, message):
    with pytest.raises(ValueError, match=message):
        select(to_frame([record()]), [condition])


def test_a_long_list_of_values_is_cut():
    rows = to_frame([record(seed=seed) for seed in range(25)])
    with pytest.raises(ValueError, match=r"no row has it; present: 0, 1, .*, 19 and 5 more$"):
        select(rows, ["seed=30"])

"""Values by class: of the best setting, its seeds pooled, real images beside."""

import pytest

from gcdp_bench.analysis.named import named_values
from gcdp_bench.results.schema import REAL_OWN, to_frame
from tests.gcdp_bench.report.test_recall import point
from tests.gcdp_bench.results.test_schema import record


def by_class(rows, model):
    own = rows[rows["model"] == model]
    return own.set_index("class")["value"].to_dict()


def test_the_best_setting_with_its_seeds_pooled():
    pooled = record(
        model="reference",
        param_value=4.0,
        seed=None,
        metric="semantic_recall",
        value=0.65,
        config_hash="pooled",
        **{"class": "road"},
    )
    rows = to_frame(
        [
            *point("reference", 1.0, 9.0, {"road": 0.1}),
            *point("reference", 4.0, 5.0, {"road": 0.5}, seed=0),
            *point("reference", 4.0, 5.5, {"road": 0.8}, seed=1),
            pooled,
            *point("imagen", 2.0, 5.0, {"road": 0.3, "car": float("nan")}),
            *point(
                REAL_OWN,
                float("nan"),
                float("nan"),
                {"road": 1.0},
                source="real",
                param_name="none",
            ),
        ]
    )
    table = named_values(rows, "semantic_recall")
    assert by_class(table, "reference") == {"road": 0.65}
    assert by_class(table, "imagen") == {"road": 0.3}  # a class that is never prompted has no line
    assert by_class(table, REAL_OWN) == {"road": 1.0}
    assert table.set_index("model")["num_seeds"].to_dict() == {
        "reference": 2,
        "imagen": 1,
        REAL_OWN: 1,
    }
    assert set(table[table["model"] == "reference"]["param_value"]) == {4.0}


def test_a_metric_that_was_not_measured():
    rows = to_frame(point("reference", 1.0, 9.0, {"road": 0.1}))
    with pytest.raises(ValueError, match="d: expected rows of attribute_recall by class"):
        named_values(rows, "attribute_recall")

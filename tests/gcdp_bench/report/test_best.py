"""Where a model is shown: at its lowest mean FID, whatever its sampling parameter."""

from gcdp_bench.report.best import best_setting, settings
from gcdp_bench.results.schema import to_frame
from tests.gcdp_bench.results.test_schema import record

PSI = "truncation psi"


def fid(model, guidance, value, *, param_name="guidance scale", steps=25, seed=0):
    key = f"{model}{guidance}{steps}{seed}"
    return record(
        model=model,
        param_value=guidance,
        metric="fid-hrnet",
        value=value,
        param_name=param_name,
        steps=steps,
        seed=seed,
        config_hash=key,
    )


ROWS = to_frame(
    [
        fid("reference", 1.0, 9.0),
        fid("reference", 2.0, 7.0),
        fid("reference", 4.0, 6.0),
        fid("reference", 2.0, 7.0, seed=1),
        fid("reference", 4.0, 9.0, seed=1),  # 7 against 7.5
        fid("lafite", 1.0, 5.0, param_name=PSI, steps=1),
        fid("lafite", 0.8, 4.0, param_name=PSI, steps=1),
        fid("ldm", 2.0, 3.0),
        fid("ldm", 2.0, 2.0, steps=100),
        fid("ldm", 4.0, 8.0, steps=100),
        fid("palette", 1.0, 9.0, param_name="none", steps=1),
    ]
)


def test_the_lowest_mean_over_seeds():
    best = best_setting(ROWS, "reference")
    assert (best.param_value, best.steps, best.label) == (2.0, 25, "GCDP (reference), w 2")
    assert best.rows(ROWS)["seed"].tolist() == [0, 1]
    assert best_setting(ROWS, "lafite").label == "Lafite, ψ 0.8"


def test_steps_are_named_where_a_model_has_several():
    best = best_setting(ROWS, "ldm")
    assert best.label == "LDM, w 2, 100 steps" and best.rows(ROWS)["value"].tolist() == [2.0]
    assert [one.value for one in settings(ROWS, "ldm")] == ["w 2, 100 steps", "w 4, 100 steps"]


def test_a_model_without_a_parameter_has_one_setting():
    (only,) = settings(ROWS, "palette")
    assert (only.value, only.label) == ("", "palette")


def test_values_come_in_order():
    assert [one.value for one in settings(ROWS, "lafite")] == ["ψ 0.8", "ψ 1"]

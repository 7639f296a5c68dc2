"""Values and gaps per fraction, known by hand, and folders that do not go together."""

import pytest

from gcdp_bench.analysis.draw_scarcity import draw_scarcity
from gcdp_bench.analysis.scarcity import GAP_COLUMNS, VALUE_COLUMNS, analyze_scarcity
from gcdp_bench.report.style import theme
from gcdp_bench.results.schema import to_frame
from gcdp_bench.results.table import merge_rows
from tests.gcdp_bench.results.test_schema import record


@pytest.fixture
def fraction(write, tmp_path):
    """Results of one fraction: reference recalls `gain` more than imagen; guidance 4 is worse."""

    def build(percent, gain, *, family="synth-city", models=("reference", "imagen"), **changes):
        folder = tmp_path / f"{family}-{percent}"
        rows = []
        for model in models:
            for guidance, fid in ((1.0, 5.0), (4.0, 9.0)):
                own = gain * (model == "reference")
                point = {"trained_on": f"{family}-{percent}", "dataset": f"{family}-{percent}"}
                row = write(
                    model, guidance, 0, fid=fid, gain=own, results=folder, **point, **changes
                )
                key = row["config_hash"]
                rows += [
                    row,
                    record(
                        model=model,
                        param_value=guidance,
                        metric="semantic_recall",
                        value=0.5 + own,
                        ci_low=0.4,
                        ci_high=0.9,
                        num_samples=40,
                        config_hash=key,
                        **point,
                        **changes,
                    ),
                ]
        merge_rows(folder, to_frame(rows))
        return folder

    return build


def test_values_and_gaps_at_the_lowest_fid(fraction):
    found = analyze_scarcity([fraction(100, 0.1), fraction(25, 0.2)], "reference")
    assert tuple(found.values.columns) == VALUE_COLUMNS
    assert tuple(found.gaps.columns) == GAP_COLUMNS
    assert (found.values["param_value"] == 1.0).all()
    recall = found.values[found.values["metric"] == "semantic_recall"]
    assert recall.set_index(["fraction", "model"])["value"].to_dict() == pytest.approx(
        {(25, "reference"): 0.7, (25, "imagen"): 0.5, (100, "reference"): 0.6, (100, "imagen"): 0.5}
    )
    gaps = found.gaps[found.gaps["metric"] == "semantic_recall"]
    assert gaps[["fraction", "against"]].to_numpy().tolist() == [[25, "imagen"], [100, "imagen"]]
    assert gaps["difference"].tolist() == pytest.approx([0.2, 0.1])
    assert gaps["verdict"].tolist() == ["win", "win"]
    with theme():
        figure = draw_scarcity(found)
    assert [axes.get_title() for axes in figure.axes[:2]] == ["FID ↓", "Sem. recall % ↑"]
    labels = [label.get_text() for label in figure.axes[-1].get_xticklabels()]
    assert labels == ["25 %", "100 %"]


def test_a_model_at_one_fraction_is_in_the_tables_alone(fraction):
    found = analyze_scarcity(
        [fraction(25, 0.2, models=("reference", "imagen", "ldm")), fraction(100, 0.05)],
        "reference",
    )
    assert set(found.gaps["against"]) == {"imagen", "ldm"}
    with theme():
        (legend,) = draw_scarcity(found).legends
    shown = sorted(text.get_text() for text in legend.get_texts())
    assert shown == ["GCDP (reference)", "Imagen"]


def test_folders_that_do_not_go_together(fraction, tmp_path):
    one = fraction(25, 0.1)
    with pytest.raises(ValueError, match="at least two different fractions"):
        analyze_scarcity([one], "reference")
    with pytest.raises(ValueError, match="at least two different fractions"):
        analyze_scarcity([one, one], "reference")
    with pytest.raises(ValueError, match="of one dataset, got those of synth-city, synth-face"):
        analyze_scarcity([one, fraction(50, 0.1, family="synth-face")], "reference")
    with pytest.raises(ValueError, match="expected ldm and another model, found"):
        analyze_scarcity([one, fraction(50, 0.1)], "ldm")
    with pytest.raises(ValueError, match="differ in extractors"):
        analyze_scarcity([one, fraction(100, 0.1, extractors="others")], "reference")
    merge_rows(tmp_path / "own", to_frame([record(trained_on="my-photos")]))
    with pytest.raises(ValueError, match="one fraction, such as synth-city-25, found .* my-photos"):
        analyze_scarcity([one, tmp_path / "own"], "reference")


def test_a_fraction_with_one_model_has_no_gap(fraction):
    with pytest.raises(ValueError, match="expected reference and another model, found reference"):
        analyze_scarcity([fraction(25, 0.1), fraction(50, 0.1, models=("reference",))], "reference")

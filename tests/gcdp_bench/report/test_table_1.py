"""Table 1: which point stands for a method, what is undefined, and the printed column."""

import io
import math

import pandas as pd
import pytest

from gcdp_bench.report.table_1 import latex, markdown, readable_table_1, table_1, write_table_1
from gcdp_bench.results.published import METHODS, TABLE_1
from gcdp_bench.results.schema import REAL_OWN, REAL_VS_REAL, to_frame
from tests.gcdp_bench.results.test_schema import record

REAL = {"trained_on": "none", "param_name": "none", "param_value": math.nan, "steps": None}


def point(model, guidance, parameter, steps=10, **values):
    key = f"{model}{guidance}"
    return [
        record(
            model=model,
            param_value=guidance,
            param_name=parameter,
            steps=steps,
            metric=metric,
            value=value,
            ci_low=value - 1,
            ci_high=value + 1,
            config_hash=key,
        )
        for metric, value in values.items()
    ]


@pytest.fixture
def table():
    gan = {"fsd_predicted": 7.0}
    pairs = {"fsd_predicted": 9.0, "fsd_generated": 5.0}
    rows = to_frame(
        [
            *point("reference", 1.0, "guidance scale", **{"fid-hrnet": 4.0}, miou=0.5, **pairs),
            *point("reference", 2.0, "guidance scale", **{"fid-hrnet": 3.0}, miou=0.25, **pairs),
            *point("gansformer", 1.0, "truncation psi", 1, **{"fid-hrnet": 8.0}, **gan),
            *point("gansformer", 0.8, "truncation psi", 1, **{"fid-hrnet": 6.0}, **gan),
            *point(
                "dataset-ddpm",
                1.0,
                "none",
                **{"fid-hrnet": 5.0},
                miou=0.1,
                **pairs,
                labelled_images=50.0,
            ),
            record(
                model=REAL_VS_REAL,
                source="real-vs-real",
                **REAL,
                metric="fid-hrnet",
                value=1.0,
                config_hash="split",
            ),
            record(
                model=REAL_VS_REAL,
                source="real-vs-real",
                **REAL,
                metric="fsd_generated",
                value=2.0,
                config_hash="split",
            ),
            record(
                model=REAL_OWN,
                source="real",
                **REAL,
                metric="miou",
                value=0.75,
                config_hash="ceiling",
            ),
        ]
    )
    return table_1(rows.assign(dataset="synth-city-25"))


def test_a_method_stands_at_its_lowest_fid(table):
    lines = table.set_index("method")
    assert lines.loc["reference", ["param_value", "fid", "miou", "fsd"]].tolist() == [2, 3, 25, 5]
    assert lines.loc["gansformer", ["param_value", "fid", "steps"]].tolist() == [0.8, 6, 1]
    assert lines.loc["reference", ["miou_low", "miou_high"]].tolist() == [-75, 125]
    assert lines.loc["dataset-ddpm", "labelled_images"] == 50
    assert lines["labelled_images"].isna().sum() == len(lines) - 1


def test_intervals_stand_beside_the_corrected_distances():
    rows = point(
        "reference",
        1.0,
        "guidance scale",
        **{"fid-hrnet": 4.0},
        miou=0.5,
        fsd_generated=9.0,
        fsd_predicted=3.0,
    )
    for row in rows:
        if row["metric"].startswith("f"):
            row |= {
                "corrected": row["value"] - 2,
                "ci_low": row["value"] - 3,
                "ci_high": row["value"] - 0.5,
            }
    shown = readable_table_1(table_1(to_frame(rows))).iloc[0]
    assert (shown["FID ↓"], shown["FID, bias-corrected ↓"]) == ("4.00", "2.00 [1.00, 3.50]")
    assert (shown["FSD ↓"], shown["FSD, bias-corrected ↓"]) == ("9.00", "7.00 [6.00, 8.50]")
    assert shown["mIoU % ↑"] == "50.00 [-50.00, 150.00]"
    text = latex(table_1(to_frame(rows)))
    assert "2.00 [1.00, 3.50]" in text and "plain FID" in text


def test_miou_is_undefined_where_the_layouts_are_the_segmenters(table):
    line = table.set_index("method").loc["gansformer"]
    assert math.isnan(line["miou"]) and line["fsd"] == 7.0
    shown = readable_table_1(table).set_index("method").loc["GANformer"]
    assert shown["mIoU % ↑"] == "undefined" and shown["layouts"] == "segmenter's"
    assert readable_table_1(table)["labelled images"].tolist() == ["all", "none", "50", "–"]


def test_printed_values_stand_in_marked_columns_of_their_own(table):
    lines = table.set_index("method")
    assert lines.loc["reference", ["paper_fid", "paper_miou", "paper_fsd"]].tolist() == list(
        TABLE_1["GCDP"]
    )
    assert math.isnan(lines.loc["gansformer", "paper_miou"])
    assert lines.loc[REAL_OWN, ["paper_fid", "paper_miou", "paper_fsd"]].isna().all()
    marked = [name for name in readable_table_1(table).columns if name.endswith("paper†")]
    assert marked == ["FID, paper†", "mIoU, paper†", "FSD, paper†"]
    assert set(METHODS.values()) == set(TABLE_1)


def test_real_images_are_the_last_line(table):
    line = table.iloc[-1]
    assert line["method"] == REAL_OWN and line["layouts"] == "true"
    assert (line["fid"], line["miou"], line["fsd"]) == (1.0, 75.0, 2.0)


@pytest.mark.parametrize("missing", [REAL_OWN, REAL_VS_REAL])
def test_real_images_have_no_line_where_a_part_is_missing(missing):
    real = [
        record(
            model=REAL_VS_REAL,
            source="real-vs-real",
            **REAL,
            metric="fid-hrnet",
            value=1.0,
            config_hash="split",
        ),
        record(
            model=REAL_OWN, source="real", **REAL, metric="miou", value=0.75, config_hash="ceiling"
        ),
    ]
    rows = point("reference", 1.0, "guidance scale", **{"fid-hrnet": 4.0})
    rows += [row for row in real if row["model"] != missing]
    assert table_1(to_frame(rows))["method"].tolist() == ["reference"]


def test_files(table, tmp_path):
    files = write_table_1(table, tmp_path)
    assert [file.name for file in files] == ["table-1.csv", "table-1.md", "table-1.tex"]
    assert len(pd.read_csv(files[0])) == len(table)
    head, rule, *body = [line for line in files[1].read_text().splitlines() if line[:1] == "|"]
    assert {line.count(" | ") for line in (head, rule, *body)} == {head.count(" | ")}
    assert len(body) == len(table)
    assert "not comparable" in markdown(table) and "not comparable" in latex(table)


def test_latex_has_no_sign_that_it_would_misread(table):
    text = latex(table)
    assert r"\toprule" in text and r"\downarrow" in text and r"$^\dagger$" in text
    assert not set("↓↑†ψ–") & set(text)
    for line in io.StringIO(text):
        for place, sign in enumerate(line):
            if sign in "%#_":
                assert line[place - 1] == "\\"


def test_a_subset_in_the_name_keeps_the_printed_values(table):
    rows = to_frame(
        point(
            "reference (synth-city-25)",
            1.0,
            "guidance scale",
            **{"fid-tf1": 4.0},
            fsd_predicted=1.0,
        )
    )
    rows = rows.assign(dataset="synth-city-25")
    assert table_1(rows)["paper_fid"].tolist() == [20.36]


def test_printed_numbers_do_not_stand_beside_a_dataset_of_ones_own():
    rows = [
        row | {"dataset": "lesions"}
        for row in point("reference", 1.0, "guidance scale", **{"fid-hrnet": 4.0}, miou=0.5)
    ]
    own = table_1(to_frame(rows))
    assert own[["paper_fid", "paper_miou", "paper_fsd"]].isna().all(axis=None)
    assert not [name for name in readable_table_1(own).columns if "paper" in name]
    assert "Park et al." not in markdown(own) + latex(own)


def test_one_seed_is_a_seed(table):
    assert table["protocol"].iloc[0].endswith(", 1 sampling seed")

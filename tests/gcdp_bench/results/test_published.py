"""The pretrained numbers are the printed ones."""

from gcdp_bench.results.published import published_records

PRINTED = """
GANformer & 24.86 & - & 481.5
DatasetDDPM & 55.38 & 33.88 & 90.31
Semantic Palette & 52.13 & 53.17 & 48.29
GCDP & 20.36 & 65.80 & 42.22
"""


def test_every_number_of_table_1_and_none_for_the_dash():
    records = published_records()
    found = {(record["model"], record["metric"]): record["value"] for record in records}
    expected = {}
    for line in PRINTED.strip().splitlines():
        model, *cells = (cell.strip() for cell in line.split("&"))
        for metric, factor, cell in zip(("fid", "miou", "fsd"), (1, 0.01, 1), cells, strict=True):
            if cell != "-":
                expected[model, metric] = round(float(cell) * factor, 4)
    assert found == expected
    assert len(records) == 11


def test_every_record_says_that_its_protocol_is_not_known():
    for record in published_records():
        assert (record["source"], record["protocol"]) == ("paper", "unknown")
        assert record["dataset"] == "cityscapes"
        assert "Not stated: number of samples" in str(record["note"])

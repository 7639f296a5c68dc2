"""README.md and results/README.md say what the committed files say."""

import re

import pandas as pd
import pytest

from benchmarks import tables
from benchmarks.caption_overlap import overlap
from benchmarks.tables import (
    DOCUMENTS,
    NUMBER,
    ROOT,
    SOURCES,
    TABLE,
    TABLED,
    TABLES,
    lookup,
    rewritten,
)

TEXTS = {name: (ROOT / name).read_text(encoding="utf-8") for name in DOCUMENTS}
INTERVAL = re.compile(r"\[[+-]?[\d.]+, [+-]?[\d.]+\](?P<mark><!--=)?")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_tables_and_numbers_are_those_of_the_files(name):
    assert rewritten(TEXTS[name]) == TEXTS[name], "run `make tables`"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_marked_number_is_written_again(name):
    """A wrong digit anywhere, and an emptied table, are put right."""
    assert len(NUMBER.findall(TEXTS[name])) > {"README.md": 10}.get(name, 40)
    wrong = NUMBER.sub(
        lambda hit: re.sub(r"\d", "7", hit["text"]) + f"<!--= {hit['what']} -->", TEXTS[name]
    )
    wrong = TABLE.sub(r"\g<head>\g<tail>", wrong)
    assert wrong != TEXTS[name] and rewritten(wrong) == TEXTS[name]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_interval_in_the_prose_is_marked(name):
    prose = TABLE.sub("", TEXTS[name])
    assert [hit[0] for hit in INTERVAL.finditer(prose) if not hit["mark"]] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_no_number_of_a_table_is_written_by_hand(name):
    """Every table that has a metric stands between markers."""
    rest = TABLE.sub("", TEXTS[name])
    assert [
        line
        for line in rest.splitlines()
        if line.startswith("|") and "FID" in line and "`fid-tf1`" not in line
    ] == []


@pytest.mark.parametrize("name", TABLED)
def test_tables_of_the_documentation_are_those_of_the_files(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert rewritten(text) == text, "run `make tables`"
    assert rewritten(TABLE.sub(r"\g<head>\g<tail>", text)) == text


def test_all_tables_are_shown():
    texts = [*TEXTS.values(), *((ROOT / name).read_text(encoding="utf-8") for name in TABLED)]
    shown = {hit["name"] for text in texts for hit in TABLE.finditer(text)}
    assert shown == set(TABLES)


def test_every_mark_is_a_mark():
    """A mark that follows no number is a slip."""
    for text in TEXTS.values():
        assert text.count("<!--=") == len(NUMBER.findall(text))
        assert text.count("<!-- table:") == len(TABLE.findall(text)) == text.count("<!-- /table")


def test_differences_turn_round():
    one, other = (
        lookup(f"city-gap {points} fid")
        for points in ("imagen~@~2 reference~@~2", "reference~@~2 imagen~@~2")
    )
    assert one == tuple(-value for value in (other[0], other[2], other[1]))
    assert one[1] < one[0] < one[2]


@pytest.mark.parametrize(
    "what, message",
    [
        ("nowhere reference fid", "expected a source of city, "),
        ("city reference 3 fid", "expected one line of .*summary.csv, found 0"),
        ("city reference fid", "expected one line of .*summary.csv, found 3"),
        ("city reference 2 fib", "expected one line of .*found 1; columns: .*fid"),
    ],
)
def test_a_wrong_mark_is_refused(what, message):
    with pytest.raises(ValueError, match=message):
        rewritten(f"1.0<!--= {what} -->")


def test_an_interval_never_stands_with_the_plain_distance():
    for what in ("city reference 2 fid", "pairs gansformer fsd", "scarcity 25 imagen fid"):
        with pytest.raises(ValueError, match="the interval of a distance belongs to f.*_corrected"):
            rewritten(f"[1.0, 2.0]<!--= {what} -->")
    text = rewritten("1.00 [1.0, 2.0]<!--= city reference 2 fid_corrected -->")
    assert text.startswith("1.00 [4.0, 5.3]")


def test_corrected_values_lie_in_their_intervals_and_above_0():
    for cell in re.findall(r"[\d.]+ \[[\d.]+, [\d.]+\]", TABLES["city"]()):
        value, low, high = map(float, re.findall(r"[\d.]+", cell))
        assert 0 <= low <= value <= high


@pytest.mark.parametrize(
    "text, value, shown",
    [
        ("0.1", 2.04, "2.0"),
        ("+0.10", 2.046, "+2.05"),
        ("7", 1.6, "2"),
        ("1,000", 32000, "32,000"),
        ("0.0", -0.01, "0.0"),
        ("-1.0", 3.2, "3.2"),
        ("1.0", -3.2, "-3.2"),
    ],
)
def test_numbers_keep_their_form(text, value, shown):
    assert tables._like(text, value) == shown


def test_sources_exist():
    for source in SOURCES.values():
        assert (ROOT / "results" / source.file).is_file()
        assert set(source.keys) <= set(tables.read(source.file).columns)


def test_captions_that_stand_among_the_training_captions():
    counts = overlap(["a", "b", "b"], ["b", "c", "b", "a", "d"])
    assert counts == {
        "train": 3,
        "train_distinct": 2,
        "test": 5,
        "test_distinct": 4,
        "verbatim": 3,
        "verbatim_distinct": 2,
    }


def test_the_committed_counts_fit_together():
    table = pd.read_csv(ROOT / "results" / "captions.csv")
    assert (table["verbatim"] <= table["test"]).all()
    assert (
        table["verbatim_distinct"] <= table[["test_distinct", "train_distinct"]].min(axis=1)
    ).all()
    assert (100 * table["verbatim"] / table["test"]).tolist() == table["verbatim_percent"].tolist()


def test_calls_in_contributing_are_those_that_were_counted():
    """See `benchmarks.hops`; the numbers of a metric are the same for both metrics."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    said = re.search(
        r"the loss in (\d+) calls, a reverse step in (\d+) \(in a sweep in (\d+)\) and a metric in "
        r"(\d+) \(in a sweep in (\d+)\)",
        text,
    )
    hops = pd.read_csv(ROOT / "results/hops.csv")
    metric = hops["target"].isin(("recall_values", "frechet_values"))
    assert hops[metric].groupby("command")["calls"].nunique().eq(1).all()
    calls = hops.assign(target=hops["target"].where(~metric, "metric"))
    calls = calls.drop_duplicates(["target", "command"]).set_index(["target", "command"])["calls"]
    wanted = [("loss_terms", "train"), ("reverse_step", "sample"), ("reverse_step", "sweep")]
    wanted += [("metric", "evaluate"), ("metric", "sweep")]
    assert said is not None and [int(number) for number in said.groups()] == list(calls[wanted])
    assert (hops["functions"] == hops["chain"].str.count(" > ") + 1).all()
    assert (hops["calls"] == hops["functions"] - 1).all()

"""The report of results whose names are attacks: everything is text, and stays in its folder."""

import json
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from gcdp_bench.cli import main
from gcdp_bench.comparison.paired import COLUMNS as PAIRED
from gcdp_bench.report.costs import cost_table
from gcdp_bench.report.page import Section, Tables, render_page
from gcdp_bench.report.table_1 import table_1
from gcdp_bench.results.costs import to_frame
from gcdp_bench.results.summary import summary_table
from gcdp_bench.results.table import read_rows
from gcdp_bench.results.tradeoff import tradeoff_table
from tests.fuzz.common import command_refused

ATTACKS = {
    "script": "<script>alert(1)</script>",
    "end": "</script></style></title></td><img src=x onerror=alert(1)>",
    "attribute": "\" onmouseover='alert(1)' x=\"",
    "address": "javascript:alert(1)",
    "jinja": "{{ 4937 * 7919 }}{% raw %}{# x #}${7*7}",
    "include": "{% include '/etc/passwd' %}",
    "entity": "&lt;b&gt;&#60;script&#62;",
    "comment": "<!-- --><![CDATA[ ]]>",
    "rich": "[/bold][link=file:///etc]x[/link]",
    "formula": r"$\frac{$ and $x",
    "path": "../../../outside",
    "absolute": "/tmp/outside",
}
TAGS = frozenset(
    "html head meta title style body h1 h2 h3 p div b table thead tbody tr th td figure img "
    "figcaption dl dt dd ul li".split()
)
ATTRIBUTES = {"lang", "role", "charset", "name", "content", "class", "alt", "src"}


class Inventory(HTMLParser):
    """Tags, attributes and text of a page."""

    def __init__(self, page: str):
        super().__init__()
        self.tags, self.attributes, self.sources = set(), set(), set()
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.sources |= {value[:22] for name, value in attrs if name in ("src", "href")}

    def handle_data(self, data):
        self.text += data


def require_text_alone(page: str) -> Inventory:
    found = Inventory(page)
    assert found.tags <= TAGS and found.attributes <= ATTRIBUTES
    assert found.sources <= {"data:image/webp;base64"}
    return found


def attacked(results: Path, target: Path, attack: str) -> pd.DataFrame:
    """A copy of the results in which everything that has a name has the name of an attack."""
    shutil.copytree(results, target)
    names = {"imagen": attack, "stripes": attack, "sky": f"{attack} sky"}
    for file in ("results.parquet", "classes.parquet", "costs.parquet"):
        table = pd.read_parquet(target / file).replace(names)
        for column in ("hardware", "versions", "git_commit", "extractor"):
            if file == "results.parquet":
                told = table[column] != "none"
                table[column] = table[column].mask(told, attack)
        table.to_parquet(target / file, index=False)
    for path in target.glob("points/**/captions.jsonl"):
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        lines = [
            {**line, "caption": f"{line['caption']} {attack} " + "long " * 500} for line in lines
        ]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        classes = json.loads((path.parent / "classes.json").read_text())
        classes["classes"][0] = f"{attack} sky"
        (path.parent / "classes.json").write_text(json.dumps(classes))
    return read_rows(target)


def everything(root: Path) -> set[Path]:
    return set(root.rglob("*"))


EVERYTHING = "../../../out/" + " ".join(
    ATTACKS[name] for name in ("end", "jinja", "formula", "rich")
)


@pytest.mark.slow
@pytest.mark.parametrize("attack", [EVERYTHING, ATTACKS["absolute"]], ids=["all", "absolute"])
def test_a_report_of_attacks_is_text_inside_its_folder(attack, swept, tmp_path, request):
    folder = tmp_path / "a" / "b" / "results"
    rows = attacked(swept, folder, attack)
    if attack != EVERYTHING:
        request.getfixturevalue("undrawn")
    outside = everything(tmp_path) - everything(folder)
    printed = CliRunner().invoke(main, ["report", str(folder)])
    assert printed.exit_code == 0, printed.output
    assert attack in printed.output  # as it is: no markup of the terminal either
    found = require_text_alone((folder / "report.html").read_text())
    assert found.text.count(attack) > 5
    assert everything(tmp_path) - everything(folder) == outside
    assert not Path("/tmp/outside").exists() and len(rows)


EACH = [pytest.param(text, id=name, marks=pytest.mark.slow) for name, text in ATTACKS.items()]


@pytest.mark.parametrize("attack", [pytest.param(" ".join(ATTACKS.values()), id="all"), *EACH])
def test_a_page_of_attacks_is_text(attack, swept):
    rows = read_rows(swept)
    rows = rows[(rows["param_value"] != 3.0) & rows["seed"].fillna(0).eq(0)]
    for column in (
        "dataset",
        "model",
        "trained_on",
        "param_name",
        "class",
        "extractor",
        "hardware",
        "versions",
        "git_commit",
        "config_hash",
        "resizer",
        "precision",
    ):
        generated = rows["source"] == "generated"
        rows[column] = rows[column].mask(generated & (rows[column] != "all"), attack)
    agreement = pd.DataFrame(
        {
            "dataset": [attack],
            "metric": [attack],
            "extractor": [attack],
            "other": [attack],
            "tau": [0.1],
            "num_points": [3],
            "swapped": [attack],
        }
    )
    alarms = pd.DataFrame({"dataset": [attack], "alarm": [attack], "sentence": [attack]})
    page = render_page(rows, [Section(attack)], page_tables(rows, agreement), [attack], alarms)
    found = require_text_alone(page)
    assert attack in found.text and str(4937 * 7919) not in page


def page_tables(rows: pd.DataFrame, agreement: pd.DataFrame) -> Tables:
    return Tables(
        summary=summary_table(rows),
        table_1=table_1(rows),
        comparison=pd.DataFrame(columns=list(PAIRED)),
        tradeoff=tradeoff_table(rows),
        agreement=agreement,
        costs=cost_table(rows, to_frame([])),
    )


def test_a_row_that_leads_elsewhere_is_refused(swept, tmp_path):
    shutil.copytree(swept, tmp_path / "r")
    table = pd.read_parquet(tmp_path / "r" / "results.parquet")
    table["config_hash"] = table["config_hash"].mask(table["source"] == "generated", "../../x")
    table.to_parquet(tmp_path / "r" / "results.parquet", index=False)
    command_refused(["report", tmp_path / "r"])
    assert not (tmp_path / "r" / "report.html").exists()

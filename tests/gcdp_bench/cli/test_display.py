"""Progress for people: bars on a terminal, lines in a log."""

import io
import re
from functools import partial

import pandas as pd
import pytest
from rich.console import Console

from gcdp_bench.cli import display
from gcdp_bench.cli.display import Display, print_summary


def shown(*, terminal: bool, done: int, total: int) -> str:
    file = io.StringIO()
    bars = Display(Console(file=file, force_terminal=terminal, width=160))
    bars.start("sample", total, done=done, unit="image")
    for _ in range(done, total):
        bars.advance(values={"loss": 0.125})
    bars.finish()
    return file.getvalue()


def test_a_log_gets_a_line_per_tenth(monkeypatch):
    clock = iter(range(1000))
    monkeypatch.setattr(display.time, "monotonic", lambda: float(next(clock)))
    lines = shown(terminal=False, done=0, total=40).splitlines()
    assert lines[0] == "sample: 0/40 image" and len(lines) == 11
    # The clock ticks once at the start and once a line: 4 images after 2 s.
    assert lines[1] == "sample: 4/40 image  2.0 image/s  0:00:18 left  loss 0.125"


def test_a_resumed_job_counts_its_own_speed(monkeypatch):
    clock = iter([0.0, 0.0, 10.0, 20.0, 30.0, 40.0, 50.0])
    monkeypatch.setattr(display.time, "monotonic", lambda: next(clock))
    lines = shown(terminal=False, done=5, total=10).splitlines()
    assert lines[0] == "sample: 5/10 image"
    assert lines[1] == "sample: 6/10 image  10.0 s/image  0:00:40 left  loss 0.125"
    assert lines[-1].startswith("sample: 10/10 image  10.0 s/image  0:00:00 left")


def test_a_terminal_gets_a_bar():
    text = shown(terminal=True, done=2, total=4)
    plain = re.sub(r"\x1b\[[^a-zA-Z]*[a-zA-Z]", "", text)
    assert "4/4" in plain and "left" in plain and "loss 0.125" in plain


def test_a_table_is_not_cut_without_a_terminal(capsys):
    titles = [f"a long title of column {place}" for place in range(20)]  # 480 characters
    print_summary(pd.DataFrame({"model": ["reference"]} | {title: ["1.0"] for title in titles}))
    _, head, _, line, *_ = capsys.readouterr().out.splitlines()
    assert all(title in head for title in titles)
    assert line.split() == ["reference", *["1.0"] * 20]


@pytest.mark.parametrize("width", [80, 100])
def test_a_narrow_terminal_gets_every_cell_in_parts(monkeypatch, width):
    file = io.StringIO()
    terminal = partial(Console, file=file, force_terminal=True, width=width, no_color=True)
    monkeypatch.setattr(display, "Console", terminal)
    titles = [f"title number {place}" for place in range(20)]
    cells = {title: [f"{place}.25", f"{place}.75"] for place, title in enumerate(titles)}
    print_summary(pd.DataFrame({"dataset": ["x" * 200, "d"]} | cells))
    text = re.sub(r"\x1b\[[^a-zA-Z]*[a-zA-Z]", "", file.getvalue())
    assert "\u2026" not in text and text.count("x") == 200 and text.count("title number") == 20
    assert all(f"{place}.{part}" in text for place in range(20) for part in (25, 75))
    assert max(map(len, text.splitlines())) <= width

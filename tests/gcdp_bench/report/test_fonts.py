"""Characters that fonts lack are said in one sentence."""

from types import SimpleNamespace

import pytest
from matplotlib import font_manager
from matplotlib.figure import Figure

from gcdp_bench.report.fonts import USUAL, families
from gcdp_bench.report.style import save, theme


@pytest.fixture
def install(monkeypatch):
    """Make these families the installed ones."""

    def set_fonts(*names):
        fonts = [SimpleNamespace(name=name) for name in names]
        monkeypatch.setattr(font_manager.fontManager, "ttflist", fonts)

    return set_fonts


def write(folder, text):
    with theme():
        for name in ("one", "two"):
            figure = Figure()
            figure.subplots().set_title(text)
            save(figure, folder / name)


@pytest.fixture
def usual_alone(monkeypatch):
    monkeypatch.setattr("gcdp_bench.report.fonts.OTHERS", ())


@pytest.mark.usefixtures("usual_alone")
def test_characters_that_no_font_has_are_one_sentence(tmp_path, caplog):
    write(tmp_path, "\u8f66\u4eba")
    (record,) = caplog.records
    assert record.getMessage() == (
        "no font here has these characters of names or captions, figures show boxes: "
        "\u4eba \u8f66; install a font that has them, such as Noto Sans CJK, and draw again"
    )


@pytest.mark.usefixtures("usual_alone")
def test_characters_that_the_usual_font_has_are_not_worth_a_word(tmp_path, caplog):
    write(tmp_path, "stra\u00dfe \u03c8 \u2191\n\u0434\u043e\u043c")
    assert not caplog.records


def test_installed_families_follow_the_usual_one(install):
    install(USUAL, "Comic", "Microsoft YaHei", "Noto Sans CJK JP")
    assert families() == [USUAL, "Noto Sans CJK JP", "Microsoft YaHei"]

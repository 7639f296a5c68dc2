"""Models are told apart: by colour, without colour, and by what they were trained on."""

from itertools import combinations

import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from gcdp_bench.report.style import colour, colours, errors, marker, plain, save, title

MODELS = ("reference", "imagen", "ldm", "lafite")


def luma(name: str) -> float:
    """Rec. 601, the grey that a printer makes; 0 black, 1 white."""
    red, green, blue = to_rgb(name)
    return 0.299 * red + 0.587 * green + 0.114 * blue


def test_models_differ_in_lightness_and_marker():
    greys = [luma(colour(model)) for model in MODELS]
    assert min(abs(one - other) for one, other in combinations(greys, 2)) > 0.1
    assert max(greys) < 0.7  # seen on white
    assert len({marker(model) for model in (*MODELS, "unknown")}) == 5


def test_a_subset_keeps_the_models_look_and_is_named():
    assert title("imagen (synth-city-100)") == "Imagen (synth-city-100)"
    assert title("ldm") == "LDM" and title("own") == "own"
    assert marker("lafite (d)") == marker("lafite")
    assert colour("lafite (d)") == colour("lafite")
    assert colour("own (d)") == colour("own")


def test_two_subsets_of_one_model_differ():
    chosen = colours(["imagen (d-25)", "imagen (d-100)", "imagen (d-50)", "ldm (d-25)"])
    assert chosen["imagen (d-25)"] == colour("imagen") and chosen["ldm (d-25)"] == colour("ldm")
    first, second, third = (
        to_rgb(chosen[f"imagen ({subset})"]) for subset in ("d-25", "d-100", "d-50")
    )
    for kept, other in ((0.55, second), (0.55**2, third)):
        assert other == pytest.approx([1 - kept * (1 - part) for part in first], abs=0.005)


def test_error_bars_reach_the_ends_of_the_interval():
    values = pd.DataFrame({"value": [0.5, 0.2], "ci_low": [0.3, 0.3], "ci_high": [0.6, 0.4]})
    below, above = errors(values, "value", 100).tolist()
    assert below == pytest.approx([20.0, 0.0])  # an end on the other side is not drawn
    assert above == pytest.approx([10.0, 20.0])


def test_a_figure_is_written_as_png_and_pdf(tmp_path):
    figure = Figure(figsize=(1, 1))
    files = []
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        png = save(figure, tmp_path / folder / "fid.recall")
        assert png.name == "fid.recall.png"
        assert png.read_bytes()[1:4] == b"PNG"
        assert png.with_suffix(".pdf").read_bytes()[:4] == b"%PDF"
        files.append([png.read_bytes(), png.with_suffix(".pdf").read_bytes()])
    assert files[0] == files[1]


def test_names_of_files_are_short_and_no_formulas():
    assert plain("a $x$ b") == r"a \$x\$ b"
    assert plain("x" * 60) == "x" * 60 and plain("x" * 61) == "x" * 60 + "…"


def test_a_pdf_is_written_on_request_and_kept_up_to_date(tmp_path):
    figure = Figure(figsize=(1, 1))
    vector = tmp_path / "fid.pdf"
    save(figure, tmp_path / "fid", pdf=False)
    assert not vector.exists()
    vector.write_text("of other rows")
    save(figure, tmp_path / "fid", pdf=False)
    assert vector.read_bytes().startswith(b"%PDF")

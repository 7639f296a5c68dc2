"""Models are told apart: by colour, without colour, and by what they were trained on."""

from itertools import combinations

import pytest
from matplotlib.colors import to_rgb

from gcdp_bench.report.style import colour, colours, marker, title

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

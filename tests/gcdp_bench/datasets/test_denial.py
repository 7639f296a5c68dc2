"""What captions deny is not prompted; what only looks like a denial is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcdp_bench.datasets.captions import parse_caption

NAMES = ("person", "car", "truck", "bus", "sky", "tree", "road", "traffic light")

CASES = {
    "no cars": "",
    "no cars and trees": "",
    "a road without people or trees": "road",
    "no cars, trees": "tree",
    "no cars, trees or people": "",
    "no cars and a tree": "tree",
    "without cars, trees": "tree",
    "A road without people.": "road",
    "no people or cars, blue sky": "sky",
    "no cars, trucks or buses on the road": "road",
    "without cars, trucks and people": "",
    "no cars, trees and a blue sky": "tree sky",
    "no cars and trucks on the road": "road",
    "no cars but trees": "tree",
    "There are no people on the road": "road",
    "the road is not wet and cars pass": "road car",
    "a person not looking at the car": "person car",
    "There isn't a car. A bus stops.": "bus",
    "does not show any people or cars": "",
    "doesn’t have a single car": "",
    "not only cars but also trucks": "car truck",
    "a car-free road": "road",
    "a road free of cars": "road",
    "neither cars nor people": "",
    "cars are not visible": "",
    "no cars on the left, a car on the right": "car",
    "no sign of people": "",
    "a no-parking traffic light": "traffic light",
    "no visible parked cars or moving trucks": "",
    "without any other large trucks": "",
    "a street with no one and a car": "car",
    "a car with no driver": "car",
}


@pytest.mark.parametrize("caption", CASES)
def test_denied_classes_are_not_prompted(caption):
    found = {NAMES[i] for i in parse_caption(caption, NAMES)}
    expected = CASES[caption].replace("traffic light", "traffic_light").split()
    assert found == {name.replace("_", " ") for name in expected}


WORDS = ("no", "without", "not", "n't", "or", "and", ",", ".", "but", "a", "the", "blue", "on",
         "cars", "people", "trees")  # fmt: skip


@given(st.lists(st.sampled_from(WORDS), max_size=12))
def test_a_denial_only_takes_away_and_the_switch_counts_it(words):
    caption = " ".join(words)
    counted = parse_caption(caption, NAMES, count_denied=True)
    assert parse_caption(caption, NAMES) <= counted
    assert counted == {NAMES.index(n) for n, w in (("car", "cars"), ("person", "people"),
                                                   ("tree", "trees")) if w in words}  # fmt: skip
    if not {"no", "without", "not", "n't"} & set(words):
        assert parse_caption(caption, NAMES) == counted

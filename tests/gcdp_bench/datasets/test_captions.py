"""Captions say which classes are there, and are read back to the same set."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcdp_bench.datasets.camvid import CLASS_NAMES as CAMVID
from gcdp_bench.datasets.captions import nameable, parse_caption, plural, write_caption
from gcdp_bench.datasets.synth_city.classes import CLASS_NAMES as CITY


@pytest.mark.parametrize("names", [CITY, CAMVID])
@given(data=st.data())
def test_what_is_written_is_read_back(names, data):
    ids = data.draw(st.sets(st.sampled_from(sorted(nameable(names))), min_size=1))
    assert parse_caption(write_caption(ids, names), names) == ids


@pytest.mark.parametrize("names", [CITY, CAMVID])
@given(data=st.data())
def test_the_singular_lists_the_names_themselves(names, data):
    ids = data.draw(st.sets(st.sampled_from(sorted(nameable(names))), min_size=1))
    caption = write_caption(ids, names, plurals=False)
    listed = caption.removeprefix("An image of an urban scene with ").removesuffix(".")
    assert listed.replace(" and ", ", ").split(", ") == [names[i] for i in sorted(ids)]
    assert parse_caption(caption, names) == ids


def test_the_papers_template():
    ids = [CITY.index(name) for name in ("road", "traffic light", "person", "bus")]
    assert write_caption(ids, CITY) == (
        "An image of an urban scene with roads, traffic lights, people and buses."
    )
    assert write_caption([CITY.index("sky")], CITY) == "An image of an urban scene with sky."


def test_singular_plural_and_case_are_read():
    caption = "A PERSON and two Bicycles under a traffic light; no carpet."
    found = {CITY[i] for i in parse_caption(caption, CITY)}
    assert found == {"person", "bicycle", "traffic light"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [("car", "cars"), ("bus", "buses"), ("person", "people"), ("sky", "sky"),
     ("traffic sign", "traffic signs"), ("city", "cities"), ("church", "churches")],
)  # fmt: skip
def test_plurals(name, expected):
    assert plural(name) == expected


def test_what_cannot_be_named_is_refused():
    with pytest.raises(ValueError, match="expected at least one that can be named"):
        write_caption([CITY.index("unlabeled")], CITY)
    with pytest.raises(ValueError, match="class 99: expected 0 to 19"):
        write_caption([0, 99], CITY)

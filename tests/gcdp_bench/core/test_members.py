"""A generator defines six members; what it lacks is named, all of it at once."""

import re

import pytest

from gcdp_bench.core.members import as_generator
from gcdp_bench.core.types import Generator


class Least(Generator):
    name, trained_on, digest = "least", "stripes", "0"
    class_names, image_size = ("sky",), (4, 4)

    def sample(self, captions, *, guidance, seeds):
        raise NotImplementedError


def test_six_members_are_enough():
    made = as_generator(Least(), "least")
    assert isinstance(made, Generator)
    assert made.num_steps == 1 and made.parameter is None and dict(made.settings) == {}
    assert made.reads_captions and not made.makes_layouts


def test_all_that_is_missing_is_named():
    class Few(Generator):
        name, trained_on, image_size = "few", "stripes", (4, 4)

    with pytest.raises(ValueError, match="^x: .*Few lacks digest, class_names, sample; define"):
        as_generator(Few(), "x")


def test_a_class_without_inheritance_has_every_member():
    own = {name: value for name, value in vars(Least).items() if not name.startswith("_")}
    usual = [name for name in Generator.__annotations__ if name not in own]
    Half = type("Half", (), own)
    with pytest.raises(ValueError, match=f"Half lacks {', '.join(usual)}; define .* or inherit"):
        as_generator(Half(), "x")
    whole = type("Whole", (), own | {name: getattr(Generator, name) for name in usual})()
    assert as_generator(whole, "x") is whole


def test_properties_are_not_computed_and_attributes_of_an_instance_count():
    class Late(Least):
        def __init__(self):
            self.image_size = (8, 8)

        @property
        def digest(self):
            raise AssertionError("computed")

    assert as_generator(Late(), "x").image_size == (8, 8)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("name", "", "a text"),
        ("trained_on", None, "a text"),
        ("class_names", ["sky"], "a tuple of 1 to 255 texts"),
        ("class_names", "sky", "a tuple of 1 to 255 texts"),
        ("image_size", [4, 4], "a tuple .height, width. of whole numbers"),
        ("image_size", (4, 4.0), "a tuple .height, width. of whole numbers"),
        ("settings", [1], "a mapping"),
        ("device", None, "a text"),
        ("num_steps", 0, "a whole number from 1 on"),
        ("makes_layouts", 1, "True or False"),
        ("reads_captions", "yes", "True or False"),
        ("parameter", "guidance", "GUIDANCE or TRUNCATION of gcdp_bench.core.types, or None"),
        ("clip_digest", 3, "a text or None"),
        ("num_labelled_images", 0.5, "a whole number or None"),
    ],
)
def test_members_of_another_kind_are_refused(name, value, expected):
    made = Least()
    setattr(made, name, value)
    told = f"^x: {name}: expected {expected}, got {re.escape(repr(value))}; correct Least"
    with pytest.raises(ValueError, match=told):
        as_generator(made, "x")


def test_all_that_is_wrong_is_named():
    made = Least()
    made.image_size, made.num_steps = None, "1"
    with pytest.raises(ValueError, match="image_size: .*got None; num_steps: .*got '1'"):
        as_generator(made, "x")

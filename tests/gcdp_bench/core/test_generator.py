"""A generator defines six members; what it lacks is named, all of it at once."""

import pytest

from gcdp_bench.core.types import Generator, as_generator


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


@pytest.mark.parametrize("name", ["class_names", "image_size"])
def test_lists_are_refused(name):
    made = Least()
    setattr(made, name, [4, 4])
    with pytest.raises(ValueError, match=rf"x: {name}: expected a tuple, got \[4, 4\]"):
        as_generator(made, "x")

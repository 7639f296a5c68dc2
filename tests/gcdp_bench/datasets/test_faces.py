"""Names, captions and the reading of captions that all face datasets share."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcdp_bench.datasets.faces import (
    ATTRIBUTE_NAMES,
    CLASS_NAMES,
    named_classes,
    parse_attributes,
    write_caption,
)

SEEDS = st.integers(0, 2**32)
ATTRIBUTES = st.dictionaries(st.integers(0, 39), st.booleans())


def read(caption):
    """Claims by name."""
    return {ATTRIBUTE_NAMES[i]: value for i, value in parse_attributes(caption).items()}


def classes(caption):
    """Classes by name."""
    return {CLASS_NAMES[i] for i in named_classes(caption)}


def test_the_lists_are_the_official_ones():
    """Ids of the merge order and places in CelebA's list, as their files give them."""
    assert len(set(CLASS_NAMES)) == 19 and len(set(ATTRIBUTE_NAMES)) == 40
    ids = {"background": 0, "skin": 1, "eyeglasses": 3, "mouth": 10, "hair": 13, "clothes": 18}
    assert {name: CLASS_NAMES.index(name) for name in ids} == ids
    places = {"5_o_Clock_Shadow": 0, "Eyeglasses": 15, "Male": 20, "No_Beard": 24, "Young": 39}
    assert {name: ATTRIBUTE_NAMES.index(name) for name in places} == places
    assert ATTRIBUTE_NAMES == tuple(sorted(ATTRIBUTE_NAMES))


@given(ATTRIBUTES, SEEDS)
def test_a_caption_reads_as_nothing_but_the_truth(attributes, seed):
    caption = write_caption(attributes, seed)
    claims = parse_attributes(caption)
    assert claims.items() <= attributes.items()
    assert caption == write_caption(attributes, seed)


@given(ATTRIBUTES, SEEDS)
def test_every_claim_of_every_sentence_is_found(attributes, seed):
    """Items are counted by the commas and verbs of the sentences, not by a table of phrases."""
    caption = write_caption(attributes, seed)
    spoken = re.sub(r"\b(The|This) (man|woman|person)|\b(He|She)\b", "", caption)
    lists = re.split(r"\b(?:is|has|wears)\b", spoken)[1:]
    items = [item for part in lists for item in re.split(r",|\.| and ", part) if item.strip(" and")]
    if not caption.startswith("This is"):
        gender = 20 in attributes
        assert len(parse_attributes(caption)) == len(items) + gender


@given(st.integers(0, 39).filter(lambda i: ATTRIBUTE_NAMES[i] not in ("Male", "No_Beard")), SEEDS)
def test_each_attribute_can_be_said(index, seed):
    assert parse_attributes(write_caption({index: True}, seed)) == {index: True}
    assert parse_attributes(write_caption({index: False, 20: False}, seed)) == {20: False}


def test_seeds_choose_different_sentences():
    attributes = dict.fromkeys((5, 11, 15, 31, 34, 39), True) | {20: False}
    captions = {write_caption(attributes, seed) for seed in range(40)}
    assert len(captions) > 30
    assert len({caption.count(".") for caption in captions}) >= 3


@pytest.mark.parametrize(
    ("caption", "claims"),
    [
        (
            "The woman wears earrings. She has wavy hair. She is attractive.",
            {"Male": False, "Wearing_Earrings": True, "Wavy_Hair": True, "Attractive": True},
        ),
        (
            "The person has mouth slightly open, high cheekbones, and double chin and wears hat, "
            "and earrings.",
            {
                "Mouth_Slightly_Open": True,
                "High_Cheekbones": True,
                "Double_Chin": True,
                "Wearing_Hat": True,
                "Wearing_Earrings": True,
            },
        ),
        (
            "He does not wear a hat or eyeglasses and has brown, wavy hair",
            {
                "Male": True,
                "Wearing_Hat": False,
                "Eyeglasses": False,
                "Brown_Hair": True,
                "Wavy_Hair": True,
            },
        ),
        ("no beard or mustache", {"No_Beard": True, "Mustache": False}),
        ("a beard and a moustache", {"No_Beard": False, "Mustache": True}),
        ("no hat and earrings", {"Wearing_Hat": False, "Wearing_Earrings": True}),
        ("neither young nor bald", {"Young": False, "Bald": False}),
        (
            "An old man without a hat, glasses, or necktie and with a big, pointy nose.",
            {
                "Young": False,
                "Male": True,
                "Wearing_Hat": False,
                "Eyeglasses": False,
                "Wearing_Necktie": False,
                "Big_Nose": True,
                "Pointy_Nose": True,
            },
        ),
        (
            "She doesn\u2019t have bangs, but a SMILE; her eyebrows are arched and bushy",
            {
                "Male": False,
                "Bangs": False,
                "Smiling": True,
                "Arched_Eyebrows": True,
                "Bushy_Eyebrows": True,
            },
        ),
        ("His hair isn't black.", {"Male": True, "Black_Hair": False}),
        ("clean-shaven, 5 o'clock shadow", {"No_Beard": True, "5_o_Clock_Shadow": True}),
        ("unattractive, hatless, a cathode", {}),
        ("a bald man who is not bald", {"Male": True}),
        ("", {}),
    ],
)
def test_captions_of_people_are_read(caption, claims):
    assert read(caption) == claims


@pytest.mark.parametrize(
    ("caption", "named"),
    [
        ("The woman wears earrings and lipstick.", {"earring", "upper lip", "lower lip"}),
        ("He wears eyeglasses, a necktie and a hat.", {"eyeglasses", "clothes", "hat"}),
        (
            "bushy eyebrows, narrow eyes",
            {"left eye", "right eye", "left eyebrow", "right eyebrow"},
        ),
        (
            "She has a big nose, a necklace and her mouth is slightly open.",
            {"nose", "necklace", "mouth"},
        ),
        ("Bangs over an oval face.", {"hair", "skin"}),
        ("A bald man with no hair and a receding hairline.", set()),
        ("The left ear, no hat.", {"left ear"}),
        ("He does not wear eyeglasses.", set()),
        ("The man is young.", set()),
    ],
)
def test_the_classes_that_a_caption_names(caption, named):
    assert classes(caption) == named


def test_an_unknown_attribute_is_refused():
    with pytest.raises(ValueError, match="attribute 40: expected 0 to 39"):
        write_caption({40: True}, 0)

"""English names of classes are found in the singular and in the plural, whichever is the name."""

import pytest

from gcdp_bench.datasets.captions import parse_caption, plural
from gcdp_bench.datasets.plurals import PLURALS, forms

PAIRS = {
    "corpus": "corpora",
    "genus": "genera",
    "viscus": "viscera",
    "ovum": "ova",
    "runner up": "runners up",
    "passer by": "passers by",
    "passerby": "passersby",
    "attorney general": "attorneys general",
    "mother in law": "mothers in law",
    "vertex": "vertices",
    "nucleus": "nuclei",
    "fungus": "fungi",
    "larva": "larvae",
    "metastasis": "metastases",
    "bacterium": "bacteria",
    "alveolus": "alveoli",
    "axis": "axes",
    "child": "children",
    "knife": "knives",
    "tree": "trees",
    "traffic light": "traffic lights",
    "villus": "villi",
    "vertebra": "vertebrae",
    "diagnosis": "diagnoses",
    "ganglion": "ganglia",
    "phalanx": "phalanges",
    "foramen": "foramina",
    "stoma": "stomata",
    "calyx": "calyces",
    "cell nucleus": "cell nuclei",
    "toe": "toes",
    "shoe": "shoes",
    "hero": "heroes",
    "cave": "caves",
    "calf": "calves",
    "taxi": "taxis",
    "kiwi": "kiwis",
    "box": "boxes",
    "close up": "close ups",
    "runner-up": "runners-up",
    "lens": "lenses",
    "iris": "irises",
    "bus": "buses",
    "glass": "glasses",
    "mouse": "mice",
    "mousse": "mousses",
    "man": "men",
    "mane": "manes",
    "species": "species",
    "series": "series",
    "doberman": "dobermans",
    "axe": "axes",
    "movie": "movies",
}


@pytest.mark.parametrize("one", PAIRS)
def test_both_numbers_are_read_for_a_name_in_either(one):
    many = PAIRS[one]
    assert plural(one) == many
    names = [one] if one == "glass" else [one, many]  # glasses are no "glass"
    for name in names:
        for text in (one, many, many.upper().replace(" ", "-")):
            assert parse_caption(f"here: {text}.", [name]) == {0}, (name, text)
        assert plural(many) == many


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("staff", "staves"),
        ("staves", "a staff"),
        ("staves", "a stave"),
        ("bases", "a base"),
        ("bases", "a basis"),
        ("axes", "an axe"),
        ("people", "persons"),
        ("indices", "indexes"),
        ("index", "indices"),
        ("museum", "musea"),
        ("adenomata", "adenoma"),
        ("cacti", "cactuses"),
        ("antennae", "antennas"),
        ("scoli", "scolus"),
        ("caudices", "caudex"),
        ("stemmae", "stemma"),
        ("microcalyces", "microcalyces"),
        ("fossae (left)", "fossa (left)"),
    ],
)
def test_other_forms_are_read(name, text):
    assert parse_caption(f"with {text}.", [name]) == {0}


FALSE_FRIENDS = {
    "glass": "glas",
    "glasses": "glass",
    "bus": "bu",
    "lens": "len",
    "grass": "gras",
    "species": "specie, specy",
    "series": "serie, sery",
    "news": "new",
    "iris": "iri",
    "mouse": "mousse",
    "mousse": "mouse, mice",
    "man": "mane, manes",
    "mane": "man, men",
    "toes": "to",
    "caves": "cafe",
    "uses": "us",
    "leaves": "leave",
    "axes": "ax",
    "opera": "opus",
    "gas": "ga",
    "atlas": "atla",
    "police": "polouse",
    "data": "date",
    "specimens": "speciman",
    "plum": "pla",
    "kiwis": "kiw",
}


@pytest.mark.parametrize("name", FALSE_FRIENDS)
def test_other_words_are_not_read(name):
    texts = FALSE_FRIENDS[name].split(", ")
    assert [text for text in texts if parse_caption(f"a {text} there", [name])] == []


def test_a_name_itself_goes_before_a_form_of_another():
    assert parse_caption("a glass", ["glasses", "glass"]) == {1}
    assert parse_caption("two axes", ["axis", "axes"]) == {1}
    assert parse_caption("a base", ["bases", "base"]) == {1}


@pytest.mark.parametrize("word", PLURALS)
def test_every_irregular_word_is_read_both_ways(word):
    for many in PLURALS[word]:
        assert many in forms(word)
        assert word in forms(many)

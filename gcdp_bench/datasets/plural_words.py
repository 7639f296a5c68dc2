"""Tables of English words whose plurals rules of spelling miss."""

from __future__ import annotations

from collections.abc import Mapping

IRREGULAR: Mapping[str, tuple[str, ...]] = {
    "person": ("people", "persons"),
    "sky": ("sky", "skies"),
    "vegetation": ("vegetation", "vegetations"),
    "terrain": ("terrain", "terrains"),
    "bus": ("buses", "busses"),
    "gas": ("gases", "gasses"),
    "man": ("men",),
    "woman": ("women",),
    "child": ("children",),
    "foot": ("feet",),
    "tooth": ("teeth",),
    "goose": ("geese",),
    "mouse": ("mice",),
    "louse": ("lice",),
    "ox": ("oxen", "oxes"),
    "die": ("dice", "dies"),
    "quiz": ("quizzes",),
    "roof": ("roofs", "rooves"),
    "datum": ("data",),
    "medium": ("media", "mediums"),
    "lens": ("lenses",),
    "iris": ("irises", "irides"),
    "staff": ("staffs", "staves"),
    "stave": ("staves",),
    "up": ("ups",),
    "passerby": ("passersby",),
}
"""Plurals that the rules miss; the first is written, all are read. A mass noun is its own."""

CLASSICAL: Mapping[tuple[str, str], str] = {
    ("us", "i"): "alumn alveol bacill bronch cact calcul cocc embol fung glomerul gyr loc menisc "
    "naev nev nucle radi stimul sulc thromb vill staphylococc streptococc foc octop syllab termin",
    ("us", "era"): "gen visc",
    ("us", "ora"): "corp",
    ("um", "a"): "atri bacteri cili crani diverticul epitheli endotheli flagell ov sept spectr "
    "strat antr aquari asyl for gymnasi muse podi sanatori ser stadi stern symposi",
    ("on", "a"): "criteri gangli mitochondri phenomen",
    ("a", "ae"): "alg arteriol burs fistul foss lamin larv papill pleur pup vertebr antenn corne "
    "formul fibul maxill nebul retin scapul tibi trache uln",
    ("is", "es"): "anastomos analys ax bas cris diagnos ellips metastas neuros oas parenthes "
    "prognos prosthes stenos synaps tes thes thrombos",
    ("ex", "ices"): "ap cort vert vort ind",
    ("ix", "ices"): "append cicatr hel matr cerv",
    ("yx", "yces"): "cal",
    ("nx", "nges"): "lary meni phala phary",
    ("en", "ina"): "foram lum stam",
    ("ma", "mata"): "stig sto",
    ("au", "aux"): "bure chate plate table",
}
"""Endings of the singular and of the plural -> the words that have them, without these endings."""

ENGLISH_FIRST = frozenset(
    {
        "antenna",
        "appendix",
        "aquarium",
        "asylum",
        "bureau",
        "cervix",
        "cornea",
        "focus",
        "formula",
        "forum",
        "gymnasium",
        "index",
        "lumen",
        "museum",
        "octopus",
        "podium",
        "retina",
        "sanatorium",
        "plateau",
        "serum",
        "stadium",
        "stamen",
        "sternum",
        "syllabus",
        "terminus",
    }
)
"""Words of `CLASSICAL` that are usually written with a regular plural."""

IS = frozenset(
    {
        "taxi",
        "ski",
        "kiwi",
        "bikini",
        "safari",
        "rabbi",
        "alibi",
        "tsunami",
        "zucchini",
        "chilli",
        "deli",
        "jacuzzi",
        "graffiti",
        "spaghetti",
        "emoji",
        "sari",
        "wadi",
        "yeti",
        "khaki",
    }
)
"""Words in -i, whose plural ends like the singular "iris"."""

OE = frozenset(
    {
        "toe",
        "shoe",
        "horseshoe",
        "snowshoe",
        "canoe",
        "hoe",
        "floe",
        "foe",
        "oboe",
        "doe",
        "aloe",
        "roe",
        "sloe",
        "woe",
        "tiptoe",
        "mistletoe",
    }
)
"""Words in -oe, whose plural looks like one of -o."""

ENDINGS = ("man", "woman", "child", "person", "foot", "tooth", "mouse", "goose")
"""Words that compounds end in: policeman, grandchild, salesperson, dormouse."""

REGULAR_AFTER_ALL = frozenset(
    {
        "human",
        "german",
        "roman",
        "norman",
        "ottoman",
        "talisman",
        "shaman",
        "caiman",
        "cayman",
        "mongoose",
        "ataman",
        "brahman",
        "hetman",
        "burman",
        "doberman",
        "walkman",
    }
)
"""Words that only look like those compounds."""

VES = frozenset(
    {
        "calf",
        "half",
        "knife",
        "leaf",
        "life",
        "loaf",
        "scarf",
        "self",
        "sheaf",
        "shelf",
        "thief",
        "wife",
        "wolf",
        "elf",
        "hoof",
        "wharf",
        "dwarf",
    }
)
"""Words in -f and -fe whose plural is written with -ves, and compounds that end in them."""

OES = frozenset(
    {
        "potato",
        "tomato",
        "hero",
        "echo",
        "torpedo",
        "veto",
        "mosquito",
        "mango",
        "tornado",
        "volcano",
        "buffalo",
        "domino",
        "cargo",
        "embargo",
    }
)
"""Words in -o whose plural is written with -oes."""

HARD_CH = frozenset({"stomach", "monarch", "epoch", "loch", "eunuch", "patriarch", "matriarch"})
"""Words in -ch that take -s."""

UNCHANGED = (
    "sheep",
    "deer",
    "fish",
    "moose",
    "bison",
    "salmon",
    "trout",
    "swine",
    "squid",
    "shrimp",
    "craft",
    "series",
    "species",
    "offspring",
)
"""Words, and endings of words, whose plural is the word itself."""

ONLY_PLURAL = frozenset(
    {
        "glasses",
        "eyeglasses",
        "sunglasses",
        "clothes",
        "scissors",
        "trousers",
        "pants",
        "jeans",
        "shorts",
        "goggles",
        "news",
        "series",
        "species",
        "headquarters",
        "binoculars",
        "pliers",
        "tongs",
        "tweezers",
        "pyjamas",
        "pajamas",
        "goods",
        "means",
    }
)
"""Words in -s that have no singular: "a glass" is no glasses."""

NO_PLURAL = frozenset(
    {
        "lens",
        "canvas",
        "atlas",
        "pancreas",
        "bias",
        "alias",
        "biceps",
        "triceps",
        "chaos",
        "cosmos",
        "rhinoceros",
        "asbestos",
        "thermos",
        "specimen",
        "abdomen",
        "stamen",
        "regimen",
        "lumen",
        "foramen",
        "omen",
        "cerumen",
        "bitumen",
        "acumen",
        "semen",
        "pumice",
        "mathematics",
        "physics",
        "gymnastics",
        "athletics",
        "ramen",
        "hymen",
        "dolmen",
        "cyclamen",
        "albumen",
    }
)
"""Words that only look like plurals."""

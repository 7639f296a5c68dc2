"""The person in the picture: attributes and looks, decided before anything is drawn."""

from __future__ import annotations

from dataclasses import dataclass, field

from numpy.random import Generator

from gcdp_bench.datasets.faces import ATTRIBUTE_NAMES
from gcdp_bench.datasets.synth_face.colours import HAIR, LIPSTICK, SKIN, Colour, jitter, mix, shade

NOT_DRAWN = frozenset(
    {"Attractive", "Blurry", "Double_Chin", "Heavy_Makeup", "High_Cheekbones", "Pointy_Nose"}
)
"""Attributes of CelebA that the renderer knows nothing of."""

DRAWN = tuple(name for name in ATTRIBUTE_NAMES if name not in NOT_DRAWN)

STYLES = ("bald", "crop", "short", "updo", "bob", "long")
"""Hair from none to over the shoulders. A crop is too short to be straight or wavy."""

STYLE_CHANCES = {  # (male, young) -> chance of each style
    (True, True): (0.03, 0.32, 0.52, 0.0, 0.08, 0.05),
    (True, False): (0.14, 0.46, 0.35, 0.0, 0.04, 0.01),
    (False, True): (0.0, 0.01, 0.04, 0.15, 0.2, 0.6),
    (False, False): (0.0, 0.05, 0.2, 0.15, 0.34, 0.26),
}
BEARDS = ("none", "shadow", "goatee", "mustache", "full")
BEARD_CHANCES = (0.52, 0.22, 0.1, 0.05, 0.11)


@dataclass(frozen=True, kw_only=True)
class Person:
    """A face. Lengths are in head units: the pupils are about 0.62 apart."""

    attributes: dict[str, bool]
    style: str  # of STYLES
    beard: str  # of BEARDS
    tucked: bool  # long hair runs behind the ears
    parting: float  # where the hair parts, -0.4 to 0.4 to the right
    sunglasses: bool
    neckline: str  # "v", "round", "collar" or "high"
    skin: Colour
    hair: Colour
    lips: Colour
    iris: Colour
    shape: dict[str, float] = field(repr=False)  # factors of the parts' sizes

    @property
    def male(self) -> bool:
        """Whether this is a man."""
        return self.attributes["Male"]

    def has(self, *names: str) -> bool:
        """Whether any of these attributes is true."""
        return any(self.attributes[name] for name in names)

    @property
    def ears_show(self) -> bool:
        """Whether hair leaves the ears free."""
        return self.style in ("bald", "crop", "short", "updo") or self.tucked


def draw_person(rng: Generator) -> Person:
    """Draw attributes with about CelebA's frequencies, then looks that show them.

    Hidden attributes are false: earrings under hair, a fringe under a hat, eyes behind
    sunglasses.
    """
    is_true = dict.fromkeys(DRAWN, False)

    def chance(share: float) -> bool:
        return bool(rng.random() < share)

    male = is_true["Male"] = chance(0.43)
    young = is_true["Young"] = chance(0.76)
    tone = int(rng.choice(len(SKIN), p=[0.2, 0.24, 0.2, 0.12, 0.1, 0.08, 0.06]))
    style = str(rng.choice(STYLES, p=STYLE_CHANCES[male, young]))
    hat = is_true["Wearing_Hat"] = chance(0.08)
    style = "short" if hat and style in ("bald", "crop", "updo") else style
    tucked = style in ("bob", "long") and chance(0.4)
    ears_show = tucked or style not in ("bob", "long")

    is_true["Bald"] = style == "bald"
    hair_name = _hair_colour(is_true, tone, rng)
    top_shows = not hat and style != "bald"
    is_true["Receding_Hairline"] = top_shows and male and chance(0.07 if young else 0.4)
    fringe = top_shows and not is_true["Receding_Hairline"] and style not in ("crop", "updo")
    is_true["Bangs"] = fringe and chance(0.14 if male else 0.3)
    wavy = chance(0.28 if male else 0.52)
    textured = style in ("bob", "long") or (style == "short" and not hat)
    is_true["Wavy_Hair"] = textured and wavy
    is_true["Straight_Hair"] = textured and not wavy

    sunglasses = False
    if chance((0.09 if male else 0.045) * (1.0 if young else 2.2)):
        is_true["Eyeglasses"] = True
        sunglasses = chance(0.3)
    is_true["Wearing_Earrings"] = ears_show and chance(0.04 if male else 0.62)
    necklines = ("collar", "v", "round", "high")
    neckline = str(
        rng.choice(necklines, p=[0.5, 0.14, 0.3, 0.06] if male else [0.1, 0.45, 0.4, 0.05])
    )
    is_true["Wearing_Necktie"] = male and neckline == "collar" and chance(0.42)
    is_true["Wearing_Necklace"] = neckline in ("v", "round") and chance(0.04 if male else 0.3)

    is_true["Smiling"] = chance(0.48)
    is_true["Mouth_Slightly_Open"] = chance(0.7 if is_true["Smiling"] else 0.26)
    is_true["Wearing_Lipstick"] = not male and chance(0.8 if young else 0.6)
    is_true["Big_Lips"] = chance(0.24)
    is_true["Big_Nose"] = chance(0.4 if male else 0.12)
    is_true["Narrow_Eyes"] = not sunglasses and chance(0.13)
    is_true["Bags_Under_Eyes"] = not sunglasses and chance(0.13 if young else 0.5)
    is_true["Arched_Eyebrows"] = chance(0.06 if male else 0.42)
    is_true["Bushy_Eyebrows"] = not is_true["Arched_Eyebrows"] and chance(0.3 if male else 0.08)
    is_true["Chubby"] = chance(0.06 if young else 0.14)
    is_true["Oval_Face"] = not is_true["Chubby"] and chance(0.28)
    is_true["Pale_Skin"] = tone <= 1 and chance(0.12)
    is_true["Rosy_Cheeks"] = not male and tone <= 3 and chance(0.14)

    beard = str(rng.choice(BEARDS, p=BEARD_CHANCES)) if male else "none"
    is_true["5_o_Clock_Shadow"] = beard == "shadow"
    is_true["Goatee"] = beard == "goatee"
    is_true["Mustache"] = beard in ("mustache", "full") or (beard == "goatee" and chance(0.5))
    is_true["Sideburns"] = beard == "full" or (beard != "none" and chance(0.2))
    is_true["No_Beard"] = beard == "none"

    skin = jitter(SKIN[tone], 0.05, rng)
    if is_true["Pale_Skin"]:
        skin = mix(skin, (250, 236, 230), 0.7)
    lips = shade(mix(skin, (172, 64, 72), 0.5), 0.94)
    if is_true["Wearing_Lipstick"]:
        lips = mix(jitter(LIPSTICK[rng.integers(len(LIPSTICK))], 0.1, rng), skin, 0.1)
    irises = ((92, 58, 34), (70, 42, 26), (104, 130, 150), (96, 118, 82), (78, 104, 140))
    iris = irises[rng.integers(2 if tone > 2 or hair_name == "Black_Hair" else 5)]
    return Person(
        attributes=is_true,
        style=style,
        beard=beard,
        tucked=tucked,
        parting=float(rng.uniform(-0.36, 0.36)),
        sunglasses=sunglasses,
        neckline=neckline,
        skin=skin,
        hair=jitter(HAIR[hair_name], 0.16, rng),
        lips=lips,
        iris=jitter(iris, 0.15, rng),
        shape=_draw_shape(is_true, rng),
    )


def _hair_colour(is_true: dict[str, bool], tone: int, rng: Generator) -> str:
    """Key of HAIR; sets the attribute. Red hair, and the hair of the bald, has none."""
    names = ("Black_Hair", "Brown_Hair", "Blond_Hair", "Gray_Hair", "red")
    if tone >= 3:
        chances = [0.7, 0.26, 0.02, 0.0, 0.02]
    elif is_true["Male"]:
        chances = [0.32, 0.42, 0.15, 0.0, 0.11]
    else:
        chances = [0.22, 0.35, 0.31, 0.0, 0.12]
    if not is_true["Young"] and rng.random() < 0.5:
        chances = [0.0, 0.0, 0.0, 1.0, 0.0]
    name = str(rng.choice(names, p=chances))
    if name in is_true and not is_true["Bald"]:
        is_true[name] = True
    return name


def _draw_shape(is_true: dict[str, bool], rng: Generator) -> dict[str, float]:
    """Sizes with a gap between a true attribute and a false one, so that it can be seen."""
    male = is_true["Male"]

    def size(name: str, true: tuple[float, float], false: tuple[float, float]) -> float:
        return float(rng.uniform(*(true if is_true[name] else false)))

    jaw = rng.uniform(0.94, 1.1) if male else rng.uniform(0.82, 0.97)
    width = rng.uniform(0.97, 1.06)
    length = rng.uniform(0.96, 1.02)
    if is_true["Chubby"]:
        jaw, width = rng.uniform(1.02, 1.1), rng.uniform(1.11, 1.18)
    elif is_true["Oval_Face"]:
        jaw, width, length = (
            rng.uniform(0.76, 0.84),
            rng.uniform(0.87, 0.93),
            rng.uniform(1.05, 1.1),
        )
    return {
        "jaw": float(jaw),
        "width": float(width),
        "length": float(length),
        "nose": size("Big_Nose", (1.4, 1.7), (0.8, 1.08)),
        "lips": size("Big_Lips", (1.45, 1.75), (0.75, 1.05)),
        "eyes": size("Narrow_Eyes", (0.36, 0.5), (0.92, 1.2)),
        "brows": size("Bushy_Eyebrows", (1.75, 2.3), (0.8, 1.15) if male else (0.55, 0.85)),
        "arch": size("Arched_Eyebrows", (1.0, 1.3), (0.1, 0.4)),
        "volume": float(rng.uniform(0.0, 1.0)),
        "hairline": float(rng.uniform(-0.06, 0.06)),
        "mouth": float(rng.uniform(0.9, 1.1)),
        "eye_gap": float(rng.uniform(0.96, 1.06)),
        "gaze": float(rng.uniform(-0.35, 0.35)),
    }

"""Procedural portraits: the same every time, and what the labels say is in the pixels."""

import dataclasses
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gcdp_bench.core.palette import class_colours
from gcdp_bench.core.types import AttributedDataset, Dataset
from gcdp_bench.datasets.faces import ATTRIBUTE_NAMES, CLASS_NAMES, parse_attributes
from gcdp_bench.datasets.synth_face import DRAWN, SynthFace, render
from gcdp_bench.datasets.synth_face.canvas import smooth
from gcdp_bench.datasets.synth_face.person import draw_person
from tests.once import build_once
from tests.properties import examples

ID = {name: index for index, name in enumerate(CLASS_NAMES)}
NUM = 320


class Portraits:
    """Many small portraits, and measurements on one class of each."""

    def __init__(self, num: int):
        drawn = [render(seed, (64, 64)) for seed in range(num)]
        self.images = np.stack([image for image, _, _ in drawn]).astype(np.float64)
        self.layouts = np.stack([layout for _, layout, _ in drawn])
        self.attributes = {name: np.array([a[name] for _, _, a in drawn]) for name in DRAWN}

    def area(self, *names: str) -> np.ndarray:
        """Pixels of some classes in each portrait (N,)."""
        return np.isin(self.layouts, [ID[name] for name in names]).sum((1, 2))

    def colour(self, *names: str) -> np.ndarray:
        """Mean colour of some classes in each portrait (N, 3); NaN where there are none."""
        inside = np.isin(self.layouts, [ID[name] for name in names])[..., None]
        with np.errstate(invalid="ignore"):
            return (self.images * inside).sum((1, 2)) / inside.sum((1, 2))

    def split(self, measure: np.ndarray, name: str, among=True) -> tuple[float, float]:
        """Median of a measure where an attribute is true and where it is not."""
        true = self.attributes[name]
        return np.nanmedian(measure[true & among]), np.nanmedian(measure[~true & among])


@pytest.fixture(scope="module")
def portraits(tmp_path_factory):
    """Shared by the tests of what is visible."""

    def draw(folder):
        folder.mkdir()
        (folder / "portraits").write_bytes(pickle.dumps(Portraits(NUM)))

    folder = build_once(tmp_path_factory, "portraits", draw)
    return pickle.loads((folder / "portraits").read_bytes())


@pytest.mark.parametrize("size", [64, 128])
def test_a_seed_is_one_portrait(size):
    first, second = render(5, (size, size)), render(5, (size, size))
    assert first[0].shape == (size, size, 3) and first[0].dtype == np.uint8
    assert first[1].shape == (size, size) and first[1].dtype == np.uint8
    assert np.array_equal(first[0], second[0]) and np.array_equal(first[1], second[1])
    assert not np.array_equal(first[0], render(6, (size, size))[0])


def test_sizes_show_the_same_person():
    for seed in range(25):
        (image, layout, attributes), (large, large_layout, large_attributes) = (
            render(seed, (size, size)) for size in (64, 128)
        )
        assert attributes == large_attributes
        assert (layout == large_layout[::2, ::2]).mean() > 0.9
        halved = large.reshape(64, 2, 64, 2, 3).mean((1, 3))
        assert np.abs(halved - image).mean() < 8


@given(st.integers(0, 2**31))
@examples(200)
def test_attributes_do_not_contradict_each_other(seed):
    person = draw_person(np.random.default_rng(seed))
    assert tuple(person.attributes) == DRAWN
    hair = ("Black_Hair", "Brown_Hair", "Blond_Hair", "Gray_Hair")
    assert sum(person.attributes[name] for name in hair) <= 1
    assert not (person.has("Bald") and person.has(*hair, "Bangs", "Wavy_Hair", "Straight_Hair"))
    assert not (person.has("Wearing_Hat") and person.has("Bangs", "Bald", "Receding_Hairline"))
    assert not (person.has("Wavy_Hair") and person.has("Straight_Hair"))
    beards = ("5_o_Clock_Shadow", "Goatee", "Mustache", "Sideburns")
    assert not (person.has("No_Beard") and person.has(*beards))
    assert person.male or not person.has(*beards, "Wearing_Necktie", "Receding_Hairline")
    assert not (person.male and person.has("Wearing_Lipstick", "Rosy_Cheeks"))
    assert person.ears_show or not person.has("Wearing_Earrings")


@pytest.mark.parametrize(
    ("name", "class_name"),
    [
        ("Wearing_Hat", "hat"),
        ("Eyeglasses", "eyeglasses"),
        ("Wearing_Earrings", "earring"),
        ("Wearing_Necklace", "necklace"),
        ("Mouth_Slightly_Open", "mouth"),
    ],
)
def test_what_is_worn_has_pixels_and_nothing_else_has(portraits, name, class_name):
    assert np.array_equal(portraits.area(class_name) > 0, portraits.attributes[name])


def test_only_the_bald_have_no_hair(portraits):
    assert np.array_equal(portraits.area("hair") == 0, portraits.attributes["Bald"])


@pytest.mark.parametrize(
    ("name", "classes"),
    [
        ("Big_Nose", ("nose",)),
        ("Big_Lips", ("upper lip", "lower lip")),
        ("Bushy_Eyebrows", ("left eyebrow", "right eyebrow")),
    ],
)
def test_big_parts_take_more_of_the_face(portraits, name, classes):
    big, other = portraits.split(portraits.area(*classes) / portraits.area("skin"), name)
    assert big > 1.25 * other


def test_narrow_eyes_take_less(portraits):
    clear = ~portraits.attributes["Eyeglasses"]
    eyes = portraits.area("left eye", "right eye") / portraits.area("skin")
    narrow, other = portraits.split(eyes, "Narrow_Eyes", clear)
    assert narrow < 0.75 * other


def test_a_fringe_covers_the_forehead(portraits):
    """Hair in the row between the brows and the crown, over the brows' columns."""
    shares = []
    for layout in portraits.layouts:
        rows, columns = np.nonzero(np.isin(layout, [ID["left eyebrow"], ID["right eyebrow"]]))
        above = layout[rows.min() - 4 : rows.min() - 2, columns.min() : columns.max()]
        shares.append((above == ID["hair"]).mean())
    bangs, other = portraits.split(np.array(shares), "Bangs", ~portraits.attributes["Wearing_Hat"])
    assert bangs > 0.6 > 0.3 > other


def test_hair_has_the_colour_of_its_name(portraits):
    colour = portraits.colour("hair")
    bright, spread = colour.mean(1), np.ptp(colour, axis=1)
    black = portraits.split(bright, "Black_Hair")[0]
    brown = portraits.split(bright, "Brown_Hair")[0]
    blond = portraits.split(bright, "Blond_Hair")[0]
    assert black + 15 < brown < blond - 40
    grey, other = portraits.split(spread / bright, "Gray_Hair")
    assert grey < 0.5 * other


def test_colours_of_the_skin_show(portraits):
    pale, other = portraits.split(portraits.colour("skin").mean(1), "Pale_Skin")
    assert pale > other + 25
    red = portraits.colour("skin")[:, 0] / portraits.colour("skin")[:, 1]
    light = portraits.colour("skin").mean(1) > 110
    rosy, other = portraits.split(red, "Rosy_Cheeks", light)
    assert rosy > other
    lips = portraits.colour("upper lip", "lower lip")
    women = ~portraits.attributes["Male"]
    painted, bare = portraits.split(lips[:, 0] / lips[:, 1], "Wearing_Lipstick", women)
    assert painted > 1.25 * bare


def test_a_smile_is_wide(portraits):
    widths = []
    for layout in portraits.layouts:
        columns = np.nonzero(np.isin(layout, [ID["upper lip"], ID["lower lip"], ID["mouth"]]))[1]
        widths.append(np.ptp(columns))
    smiling, other = portraits.split(np.array(widths), "Smiling")
    assert smiling > other + 2


@pytest.mark.parametrize("beard", ["shadow", "goatee", "mustache", "full"])
def test_each_beard_darkens_the_face_where_it_grows(beard, monkeypatch):
    """The same men, shaved and not; only the lower half of the face may differ much."""
    darker_below, darker_above = [], []
    seeds = [s for s in range(60) if draw_person(np.random.default_rng(s)).beard == "none"]
    men = [s for s in seeds if draw_person(np.random.default_rng(s)).male][:8]
    for seed in men:
        shaved, layout, _ = render(seed, (64, 64))
        grown = _with_beard(draw_person(np.random.default_rng(seed)), beard)
        monkeypatch.setattr(
            "gcdp_bench.datasets.synth_face.portrait.draw_person", lambda _, g=grown: g
        )
        bearded = render(seed, (64, 64))[0]
        monkeypatch.undo()
        darker = (shaved.astype(int) - bearded).mean(-1)
        skin = layout == ID["skin"]
        mouth = np.nonzero(layout == ID["upper lip"])[0].min()
        darker_below.append(darker[mouth - 3 :][skin[mouth - 3 :]].mean())
        darker_above.append(np.abs(darker[: mouth - 12][skin[: mouth - 12]]).mean())
    assert np.mean(darker_below) > 2 * np.mean(darker_above)
    assert np.mean(darker_below) > 2


def _with_beard(person, beard):
    changed = person.attributes | {
        "No_Beard": False,
        "5_o_Clock_Shadow": beard == "shadow",
        "Goatee": beard == "goatee",
        "Mustache": beard in ("mustache", "full"),
    }
    return dataclasses.replace(person, beard=beard, attributes=changed)


def test_frequencies_are_about_celebas():
    """Shares of CelebA's list (Liu et al. 2015, list_attr_celeba), within a factor of 2."""
    dataset = SynthFace("train")
    share = torch.stack([dataset.attributes(i) for i in range(2000)]).double().mean(0)
    celeba = {
        "Male": 0.42,
        "Young": 0.77,
        "Smiling": 0.48,
        "Wearing_Lipstick": 0.47,
        "Mouth_Slightly_Open": 0.48,
        "Bangs": 0.15,
        "Eyeglasses": 0.065,
        "No_Beard": 0.83,
        "Wearing_Earrings": 0.19,
        "Wearing_Necktie": 0.073,
        "Big_Nose": 0.235,
        "Blond_Hair": 0.15,
        "Brown_Hair": 0.205,
        "Bald": 0.022,
    }
    for name, expected in celeba.items():
        assert 0.5 * expected < share[DRAWN.index(name)] < 2 * expected, name


def test_every_class_occurs_and_the_face_is_in_the_middle(portraits):
    assert set(np.unique(portraits.layouts)) == set(range(19))
    for name in ("skin", "nose", "upper lip", "lower lip", "neck", "clothes", "left eyebrow"):
        assert (portraits.area(name) > 0).all(), name
    face = np.isin(portraits.layouts[:, 20:44, 20:44], [ID["skin"], ID["nose"], ID["hair"]])
    assert face.mean() > 0.5


def test_left_is_the_persons_left(portraits):
    columns = np.arange(64)[None, None]
    for part in ("eye", "eyebrow"):
        left, right = (portraits.layouts == ID[f"{side} {part}"] for side in ("left", "right"))
        seen = left.any((1, 2)) & right.any((1, 2))
        place = [
            (part * columns)[seen].sum((1, 2)) / part[seen].sum((1, 2)) for part in (left, right)
        ]
        assert (place[0] > place[1]).all()


def test_an_image_is_not_a_recolouring_of_its_layout(portraits):
    """The best lookup from a colour (16 levels a channel) to a class misreads many pixels."""
    images, layouts = portraits.images.astype(np.uint8), portraits.layouts
    keys = (images.astype(int) // 16) @ np.array([256, 16, 1])  # (N, H, W)
    counts = np.zeros((4096, 19))
    np.add.at(counts, (keys[:200].ravel(), layouts[:200].ravel()), 1)
    accuracy = (counts.argmax(1)[keys[200:]] == layouts[200:]).mean()
    assert accuracy < 0.75
    palette = np.array(class_colours(CLASS_NAMES))
    assert np.abs(portraits.images - palette[layouts]).mean() > 20


def test_curves_pass_through_their_knots():
    knots = np.array([(0.0, 0.0), (1.0, 0.5), (2.0, -0.5), (3.0, 0.25)])
    assert np.allclose(smooth(knots, steps=5)[::5], knots)
    assert np.allclose(smooth(knots, closed=False, steps=4)[::4], knots)
    line = np.linspace((0, 0), (3, 6), 4)
    along = smooth(line, closed=False, steps=6)
    assert np.allclose(along[:, 1], 2 * along[:, 0])


def test_the_dataset_keeps_its_roles_and_tells_the_truth():
    dataset = SynthFace("test", image_size=(64, 64))
    assert isinstance(dataset, Dataset) and isinstance(dataset, AttributedDataset)
    assert set(dataset.attribute_names) < set(ATTRIBUTE_NAMES)
    for index in range(25):
        triplet = dataset[index]
        image, layout, attributes = render(2_000_000 + index, (64, 64))
        assert triplet.id == f"test-{index:06d}"
        assert np.array_equal(triplet.image.permute(1, 2, 0).numpy(), image)
        assert np.array_equal(triplet.layout.numpy(), layout)
        assert dataset.attributes(index).tolist() == list(attributes.values())
        claims = dataset.caption_attributes(triplet.caption)
        assert claims and all(dataset.attributes(index)[i] == v for i, v in claims.items())
        assert len(claims) == len(parse_attributes(triplet.caption))
        assert triplet.caption == SynthFace("test", image_size=(128, 128))[index].caption


def test_classes_named_by_captions_are_nearly_always_seen():
    """Exceptions: eyes behind sunglasses cannot be named, so there are none."""
    dataset = SynthFace("val", image_size=(64, 64))
    for index in range(40):
        triplet = dataset[index]
        assert dataset.caption_classes(triplet.caption) <= set(triplet.layout.unique().tolist())


def test_captions_of_what_is_not_drawn_are_read_without_it():
    dataset = SynthFace("val")
    claims = dataset.caption_attributes("The man is attractive, and bald. He has no beard.")
    assert {DRAWN[i]: value for i, value in claims.items()} == {
        "Male": True,
        "Bald": True,
        "No_Beard": True,
    }


def test_splits_are_disjoint_and_subsets_nested():
    sizes = {fraction: len(SynthFace("train", fraction=fraction)) for fraction in (25, 50, 100)}
    assert sizes == {25: 1500, 50: 3000, 100: 6000}
    assert len(SynthFace("val", fraction=25)) == len(SynthFace("val")) == 500
    assert len(SynthFace("test")) == 1000
    first = {s: SynthFace(s, image_size=(32, 32))[0].image for s in ("train", "val", "test")}
    assert not torch.equal(first["train"], first["val"])
    assert not torch.equal(first["val"], first["test"])
    quarter, whole = (SynthFace("train", image_size=(32, 32), fraction=f) for f in (25, 100))
    assert torch.equal(quarter[7].image, whole[7].image)


def test_wrong_requests_say_what_is_possible():
    with pytest.raises(ValueError, match="split: expected one of train, val, test, got 'dev'"):
        SynthFace("dev")
    with pytest.raises(ValueError, match="expected 25, 50 or 100, got 10"):
        SynthFace("train", fraction=10)
    with pytest.raises(ValueError, match="expected a square size of at least 16"):
        SynthFace("test", image_size=(64, 128))[0]
    with pytest.raises(IndexError, match="expected 0 to 499, got 500"):
        SynthFace("val")[500]

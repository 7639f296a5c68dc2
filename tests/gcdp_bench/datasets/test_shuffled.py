"""A fixed order: everything once, prefixes of one another, attributes carried along."""

import torch

from gcdp_bench.core.types import AttributedDataset, Triplet
from gcdp_bench.datasets.shuffled import shuffled


class Numbers:
    name, class_names, image_size = "numbers", ("a", "b"), (1, 1)

    def __init__(self, num, split="test"):
        self._num, self.split = num, split

    def __len__(self):
        return self._num

    def __getitem__(self, index):
        image = torch.zeros(3, 1, 1, dtype=torch.uint8)
        return Triplet(f"{index}", image, image[0], f"caption {index}")

    def caption_classes(self, caption):
        return frozenset({int(caption.split()[1]) % 2})


class Named(Numbers):
    attribute_names = ("Even",)

    def attributes(self, index):
        return torch.tensor([index % 2 == 0])

    def caption_attributes(self, caption):
        return {0: int(caption.split()[1]) % 2 == 0}


def ids(dataset):
    return [dataset[index].id for index in range(len(dataset))]


def test_every_item_once_in_another_order():
    found = ids(shuffled(Numbers(50)))
    assert sorted(found, key=int) == ids(Numbers(50)) and found != ids(Numbers(50))
    assert found == ids(shuffled(Numbers(50)))


def test_the_order_depends_on_split_and_length_alone():
    assert ids(shuffled(Numbers(50))) == ids(shuffled(Named(50)))
    assert ids(shuffled(Numbers(50))) != ids(shuffled(Numbers(50, "val")))


def test_first_items_are_a_fair_draw():
    """Files 0 to 199 are one sequence: a prefix of 50 takes about a fifth of itself from it."""
    head = [int(name) for name in ids(shuffled(Numbers(1000)))[:50]]
    assert 2 <= sum(index < 200 for index in head) <= 20


def test_the_description_stays():
    view = shuffled(Numbers(5))
    assert (view.name, view.split, view.class_names, len(view)) == (
        "numbers",
        "test",
        ("a", "b"),
        5,
    )
    assert view.caption_classes("caption 3") == frozenset({1})
    assert not isinstance(view, AttributedDataset)


def test_attributes_belong_to_their_image():
    view = shuffled(Named(30))
    assert isinstance(view, AttributedDataset)
    for index in range(30):
        assert bool(view.attributes(index)[0]) == (int(view[index].id) % 2 == 0)
        assert view.caption_attributes(view[index].caption)[0] == bool(view.attributes(index)[0])


def test_the_order_is_that_of_committed_results():
    """Other captions would be prompted, and no result would be comparable with an older one."""
    assert ids(shuffled(Numbers(10))) == list("0913867425")

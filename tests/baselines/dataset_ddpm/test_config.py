"""What a configuration of the classifiers may be."""

from dataclasses import replace

import pytest

from baselines.dataset_ddpm.config import paper_hidden

from .small import LABELS


def test_more_classes_need_wider_classifiers():
    assert paper_hidden(20) == paper_hidden(29) == (128, 32)
    assert paper_hidden(30) == paper_hidden(34) == (256, 128)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_images": 0}, "num_images: expected at least 1, or null for all, got 0"),
        ({"class_names": ("sky",)}, "class_names: expected 2 to 254 classes, got 1"),
        ({"timesteps": ()}, r"timesteps: expected one or more, each once, got \[\]"),
        ({"blocks": ("final", "final")}, "blocks: expected one or more, each once"),
        ({"members": 0}, "members and hidden: expected at least 1, got 0"),
        ({"hidden": (8, 0)}, "members and hidden: expected at least 1"),
        ({"min_pixels": -1}, "min_pixels: expected 0 or more, got -1"),
    ],
)
def test_what_makes_no_sense_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        replace(LABELS, **change)

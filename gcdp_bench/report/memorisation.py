"""Gallery of the samples that are nearest to training images."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from gcdp_bench.core.types import Dataset
from gcdp_bench.metrics.memorisation import Neighbours

NUM_SHOWN = 12
PER_LINE = 2
PICTURE_WIDTH_INCH = 1.7
KINDS = ("sample", "nearest in training", "nearest to that one")


def draw_memorised(
    samples: Dataset, training: Dataset, neighbours: Neighbours, extractor: str
) -> Figure:
    """Sample, nearest training image, and the training image nearest to that one.

    The lowest ratio of distances comes first: below 1 the sample is nearer to the training image
    than any other training image is, at 0 it is a copy.

    Args:
        samples: of the generator.
        training: what it was trained on.
        neighbours: of all samples.
        extractor: name of the network whose features are compared.
    """
    order = np.argsort(neighbours.ratio, kind="stable")[:NUM_SHOWN]
    height, width = samples.image_size
    num_lines = -(-len(order) // PER_LINE)
    line_height = PICTURE_WIDTH_INCH * height / width + 0.3
    figure = Figure(
        figsize=(PER_LINE * len(KINDS) * PICTURE_WIDTH_INCH, 0.6 + line_height * num_lines)
    )
    groups = figure.subfigures(num_lines, PER_LINE, squeeze=False, wspace=0.03)
    for place, group in enumerate(groups.flat):
        if place >= len(order):
            continue
        index = int(order[place])
        near, other = int(neighbours.index[index]), int(neighbours.other[index])
        shown = (samples[index], training[near], training[other])
        panels = group.subplots(1, len(KINDS))
        for panel, kind, triplet in zip(panels, KINDS, shown, strict=True):
            panel.imshow(triplet.image.permute(1, 2, 0).numpy(), interpolation="nearest")
            panel.set_axis_off()
            panel.set_title(f"{kind}: {triplet.id}", fontsize=6, loc="left")
        mark = "memorised" if neighbours.memorised[index] else "not memorised"
        group.suptitle(
            f"ratio {neighbours.ratio[index]:.2f}, {mark}",
            fontsize=8,
            x=0.02,
            ha="left",
            fontweight="bold",
        )
    figure.suptitle(
        f"Samples nearest to training images of {training.name} ({len(training)} images, "
        f"distances in {extractor})",
        fontsize=9,
    )
    return figure

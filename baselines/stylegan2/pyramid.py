"""Levels of doubled size, and what an image of such a network starts from."""

from __future__ import annotations

from gcdp_bench.core.images import Size

FEW_ROWS = 5  # a level of so many rows is not halved further
MOST_START_ROWS = 8  # of a start whose sides cannot be halved further


class Pyramid:
    """Level sizes of a configuration with a start size and the convolutions of each level."""

    start_size: Size
    convs: tuple[int, ...]  # one per level; 1 at the start, where nothing is resized

    @property
    def z_shape(self) -> tuple[int, ...]:
        """Shape of the latent z of one image."""
        raise NotImplementedError

    @property
    def level_sizes(self) -> tuple[Size, ...]:
        """(height, width) of each level, from `start_size` to the image's."""
        height, width = self.start_size
        return tuple((height * 2**level, width * 2**level) for level in range(len(self.convs)))

    @property
    def noise_sizes(self) -> list[Size]:
        """(height, width) of the noise of every convolution."""
        levels = zip(self.level_sizes, self.convs, strict=True)
        return [size for size, count in levels for _ in range(count)]

    @property
    def num_ws(self) -> int:
        """Sets of styles w of one image: one per convolution, and one for the last colours."""
        return sum(self.convs) + 1


def halved(image_size: Size) -> tuple[Size, tuple[int, ...]]:
    """Size of the start level, and the rows of every level: the image halved to few rows.

    Raises:
        ValueError: a side becomes odd before.
    """
    height, width = image_size
    rows = [height]
    while height > FEW_ROWS and height % 2 == 0 and width % 2 == 0:
        height, width = height // 2, width // 2
        rows.insert(0, height)
    if height > MOST_START_ROWS:
        raise ValueError(
            f"expected image_size to be at most {MOST_START_ROWS} rows doubled some times (sides "
            f"that can be halved until so few rows are left), got {image_size}; choose another "
            "--size"
        )
    return (height, width), tuple(rows)

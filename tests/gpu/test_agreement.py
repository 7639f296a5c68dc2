"""What holds on a GPU: the same command draws the same bytes, other batches nearly the same."""

import numpy as np
import pytest

from gcdp_bench.core.images import read_image, read_layout

NUM = 32


@pytest.fixture(scope="module")
def drawn(gcdp_bench, tmp_path_factory):
    """Draws 32 samples; images uint8 (N, 3, H, W), layouts (N, H, W)."""

    def draw(name, *settings):
        folder = tmp_path_factory.mktemp(name) / "out"
        code, text = gcdp_bench(
            "sample",
            "reference",
            "--dataset",
            "synth-city-25",
            "--out",
            folder,
            "--num-samples",
            NUM,
            "--steps",
            25,
            "--sr-steps",
            10,
            *settings,
        )
        assert code == 0, text
        names = sorted(path.name for path in (folder / "images").iterdir())
        return (
            np.stack([read_image(folder / "images" / name).numpy() for name in names]),
            np.stack([read_layout(folder / "layouts" / name).numpy() for name in names]),
        )

    return draw


@pytest.fixture(scope="module")
def together(drawn):
    return drawn("together", "--device", "cuda", "--batch-size", NUM)


def test_the_same_command_draws_the_same(together, drawn):
    again = drawn("again", "--device", "cuda", "--batch-size", NUM)
    for one, other in zip(together, again, strict=True):
        assert np.array_equal(one, other)


@pytest.mark.parametrize(
    "settings", [("--device", "cuda", "--batch-size", 1), ("--device", "cpu")], ids=["1", "cpu"]
)
def test_another_batch_or_machine_draws_nearly_the_same(together, drawn, settings):
    images, layouts = drawn("other", *settings)
    far = np.abs(images.astype(int) - together[0].astype(int)).mean()
    same = (layouts == together[1]).mean()
    print(f"mean difference of images {far:.3f} levels, same label in {100 * same:.2f} % of pixels")
    assert far < 4 and same > 0.97

"""What discriminators are built of: the statistic of a batch, and residual blocks."""

import numpy as np
import pytest
import torch

from baselines.stylegan2.discriminator import Block, with_minibatch_std
from tests.baselines.lafite.small import normal


def test_minibatch_std_is_numpys():
    x = normal(6, 5, 2, 3)
    came = with_minibatch_std(x, 3)
    assert torch.equal(came[:, :5], x)
    for group in (slice(3), slice(3, 6)):
        spread = np.std(x[group].numpy(), axis=0).mean()  # (C, h, w) to a number
        np.testing.assert_allclose(came[group, 5], spread, rtol=1e-6)


def test_minibatch_std_of_a_small_and_of_an_odd_batch():
    x = normal(6, 5, 2, 3)
    torch.testing.assert_close(with_minibatch_std(x[:3], 4), with_minibatch_std(x[:3], 3))
    with pytest.raises(ValueError, match="multiple of minibatch_std_group=4 images, got 6"):
        with_minibatch_std(x, 4)


@torch.no_grad()
def test_a_block_is_a_residual():
    """With silent convolutions the skip remains, halved in variance."""
    torch.manual_seed(0)
    block = Block(4, 6, convs=2, low_pass=True).double()
    for parameter in block.down.parameters():
        torch.nn.init.zeros_(parameter)
    x = normal(2, 4, 8, 8)
    small = block.resampler.down(x)
    expected = torch.einsum("oi,bihw->bohw", block.skip.weight[:, :, 0, 0], small) / 2 / 2**0.5
    torch.testing.assert_close(block(x), expected)

"""Counted FLOPs against closed forms; 2 per multiply-add."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from gcdp_bench.profiling.flops import FlopCounter

B = 3


def count_flops(function):
    with FlopCounter() as counter:
        function()
    return counter.flops


def draw(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def test_linear_forward_and_backward():
    network, x = nn.Linear(5, 7), draw(B, 4, 5)
    forward = 2 * B * 4 * 5 * 7
    assert count_flops(lambda: network(x)) == forward
    # The gradient of the weight; that of an input which is no parameter is not computed.
    assert count_flops(lambda: network(x).sum().backward()) == 2 * forward
    x.requires_grad_()
    assert count_flops(lambda: network(x).sum().backward()) == 3 * forward


@pytest.mark.parametrize("groups", [1, 5])
@pytest.mark.parametrize("transposed", [False, True])
def test_convolution_forward_and_backward(groups, transposed):
    kind = nn.ConvTranspose2d if transposed else nn.Conv2d
    network, x = kind(5, 10, 3, stride=2, padding=1, groups=groups), draw(B, 5, 8, 12)
    # The kernel lies at every place of the output; of the input where it is transposed.
    places = 8 * 12 if transposed else 4 * 6
    forward = 2 * B * places * 9 * 5 * 10 // groups
    assert count_flops(lambda: network(x)) == forward
    assert count_flops(lambda: network(x).sum().backward()) == 2 * forward
    x.requires_grad_()
    assert count_flops(lambda: network(x).sum().backward()) == 3 * forward


@pytest.mark.parametrize("is_masked", [False, True])
def test_attention_forward_and_backward(is_masked):
    query, key, value = draw(B, 2, 6, 8), draw(B, 2, 9, 8), draw(B, 2, 9, 8)
    mask = torch.ones(B, 1, 6, 9, dtype=torch.bool) if is_masked else None
    product = 2 * B * 2 * 6 * 9 * 8

    def attend():
        return F.scaled_dot_product_attention(query, key, value, mask)

    assert count_flops(attend) == 2 * product  # scores, and what they pick
    for part in (query, key, value):
        part.requires_grad_()
    # Backward: the scores again, and the gradients of scores, values, queries and keys.
    assert count_flops(lambda: attend().sum().backward()) == (2 + 5) * product


@pytest.mark.parametrize("num_keys", [6, 9])
def test_the_fused_attention_of_networks_without_gradients_is_counted(num_keys):
    network = nn.MultiheadAttention(8, 2, batch_first=True).eval().requires_grad_(False)
    query = draw(B, 6, 8)
    key = query if num_keys == 6 else draw(B, num_keys, 8)
    projections = 2 * B * (6 + num_keys + num_keys + 6) * 8 * 8
    expected = projections + 2 * (2 * B * 6 * num_keys * 8)
    assert count_flops(lambda: network(query, key, key, need_weights=False)) == expected
    with torch.inference_mode():
        assert count_flops(lambda: network(query, key, key, need_weights=False)) == expected


def test_gradient_penalty_of_a_convolution():
    network = nn.Conv2d(5, 10, 3, padding=1)
    x = draw(B, 5, 8, 12).requires_grad_()
    forward = 2 * B * 8 * 12 * 9 * 5 * 10

    def penalty():
        (gradient,) = torch.autograd.grad(network(x).square().sum(), x, create_graph=True)
        gradient.square().sum().backward()

    # y = W x; g = W' y; then the gradients of g's W and y, and of y's W and x.
    assert count_flops(penalty) == (1 + 1 + 2 + 2) * forward


def test_operations_of_single_elements_do_not_count():
    x = draw(B, 8, 4, 4)
    assert count_flops(lambda: F.silu(F.group_norm(x, 2)).softmax(1).add(1.0).sum()) == 0


def test_composite_operations_are_counted_by_their_parts():
    left, right, network = draw(B, 4, 5), draw(B, 5, 6), nn.Linear(5, 7)
    with torch.inference_mode():
        assert count_flops(lambda: torch.einsum("bij,bjk->bik", left, right)) == 2 * B * 4 * 5 * 6
        assert count_flops(lambda: left @ right) == 2 * B * 4 * 5 * 6
        assert count_flops(lambda: network(left)) == 2 * B * 4 * 5 * 7


def test_parameters_that_take_part_count_once():
    network = nn.ModuleDict({"used": nn.Linear(5, 7), "other": nn.Linear(7, 7)})
    with torch.inference_mode(), FlopCounter() as counter:
        network["used"](network["used"](draw(B, 5))[:, :5])
    assert counter.num_parameters == 5 * 7 + 7
    with FlopCounter() as counter:
        network["other"](network["used"](draw(B, 5))).sum().backward()
    assert counter.num_parameters == 5 * 7 + 7 + 7 * 7 + 7


def test_results_do_not_change():
    def gradients():
        torch.manual_seed(0)
        network = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1),
            nn.GroupNorm(2, 8),
            nn.Dropout(0.5),
            nn.SiLU(),
            nn.Conv2d(8, 3, 3),
        )
        network(draw(B, 3, 8, 8)).square().mean().backward()
        return torch.cat([_gradient(parameter) for parameter in network.parameters()])

    plain = gradients()
    with FlopCounter():
        counted = gradients()
    assert plain.abs().min() > 0.0 and torch.equal(plain, counted)


def _gradient(parameter):
    assert parameter.grad is not None
    return parameter.grad.flatten()

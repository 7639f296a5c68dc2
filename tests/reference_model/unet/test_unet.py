"""The U-Net: its size, its conditions, and that ignored pixels say nothing."""

from dataclasses import replace

import pytest
import torch

from reference_model.gaussian import predict_x_0
from reference_model.unet import (
    LowRes,
    RawText,
    TextCondition,
    UNet,
    UNetConfig,
    paper_base,
    paper_sr,
)
from tests.reference_model.conftest import BASE_UNET


def count(config: UNetConfig) -> int:
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in UNet(config).parameters())


@pytest.fixture
def network():
    torch.manual_seed(0)
    network = UNet(BASE_UNET)
    for parameter in network.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.1)
    return network.eval()


def inputs(num=2):
    random = torch.Generator().manual_seed(1)
    return {
        "image": torch.randn(num, 3, 8, 8, generator=random),
        "layout": torch.randint(0, 3, (num, 8, 8), generator=random),
        "log_snr": torch.randn(num, generator=random),
        "text": torch.randn(num, 5, 16, generator=random),
        "mask": torch.tensor([[True] * 5, [True, True, True, False, False]])[:num],
    }


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (paper_base(19), 697_351_941),
        (paper_base(20), 697_353_097),
        (paper_sr(19), 717_240_298),
        (paper_sr(20), 717_241_511),
        # Without layouts: Unet(dim=128, text_embed_dim=1024, ...) of imagen-pytorch 1.11.14.
        (paper_base(None), 697_301_945),
        (paper_sr(None), 717_161_106),
    ],
)
def test_paper_networks_have_the_authors_number_of_parameters(config, expected):
    assert count(config) == expected


@pytest.mark.parametrize(
    "config",
    [
        BASE_UNET,
        replace(BASE_UNET, low_res=True, timed_detail=True),
        replace(BASE_UNET, patch=2, stem_skip=True, noise_skip=True, timed_detail=True),
    ],
)
@torch.no_grad()
def test_two_conditions_of_a_sample_are_two_calls(config):
    torch.manual_seed(0)
    network = UNet(config).eval()
    for parameter in network.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.1)
    given = inputs()
    image, layout = (torch.cat([given[name]] * 2, -1) for name in ("image", "layout"))
    image, layout = torch.cat([image] * 2, -2), torch.cat([layout] * 2, -2)  # sides of 16
    low_res = LowRes(image + 1.0, layout, given["log_snr"] / 2) if config.low_res else None
    texts = [network.encode_text(given["text"], given["mask"]), network.null_text(2)]

    def run(text):
        return network(image, layout, given["log_snr"], text, low_res=low_res)

    together, alone = run(TextCondition.cat(texts)), [run(text) for text in texts]
    for part in ("noise", "logits"):
        expected = torch.cat([getattr(output, part) for output in alone])
        torch.testing.assert_close(getattr(together, part), expected, rtol=0, atol=1e-5)


@torch.no_grad()
def test_padding_tokens_do_not_matter(network):
    given = inputs()
    other = given["text"].clone()
    other[1, 3:] = 99.0  # masked out
    outputs = [
        network(
            given["image"],
            given["layout"],
            given["log_snr"],
            network.encode_text(text, given["mask"]),
        )
        for text in (given["text"], other)
    ]
    assert torch.equal(outputs[0].noise, outputs[1].noise)


@torch.no_grad()
def test_with_noise_skip_the_head_is_the_velocity(network):
    given = inputs()
    image, layout, log_snr = given["image"], given["layout"], given["log_snr"]
    text = network.encode_text(given["text"], given["mask"])
    skipping = UNet(replace(BASE_UNET, noise_skip=True)).eval()
    skipping.load_state_dict(network.state_dict())
    v = network(image, layout, log_snr, text).noise
    noise = skipping(image, layout, log_snr, text).noise
    alpha_bar = torch.sigmoid(log_snr.double())[:, None, None, None]  # (B, 1, 1, 1)
    x_0 = predict_x_0(image, noise, alpha_bar)
    expected = alpha_bar.sqrt() * image - (1 - alpha_bar).sqrt() * v  # Salimans and Ho 2022, app. D
    assert torch.allclose(x_0.double(), expected, atol=1e-5)


@torch.no_grad()
def test_with_timed_detail_the_head_scales_the_pixels_by_the_time(network):
    """A head that sees pixels alone is then a denoiser whose gain follows the level of noise."""
    given = inputs()
    torch.manual_seed(0)
    scaling = UNet(replace(BASE_UNET, patch=2, timed_detail=True)).eval()
    head, (_, gain) = scaling.final_conv, scaling.detail_gain
    assert not gain.weight.any() and not gain.bias.any()  # the head starts without scaling
    for pixel in range(12):  # of a patch: 3 x 2 x 2
        head.weight[pixel, BASE_UNET.dim + pixel, 1, 1] = 1.0
    text = scaling.encode_text(given["text"], given["mask"])
    arguments = given["image"], given["layout"], given["log_snr"], text
    torch.testing.assert_close(scaling(*arguments).noise, given["image"])
    torch.nn.init.normal_(gain.weight)
    factors = scaling(*arguments).noise / given["image"]  # (B, 3, H, W)
    patches = torch.nn.functional.pixel_unshuffle(factors, 2)  # (B, 12, H / 2, W / 2)
    assert patches.std((2, 3)).max() < 1e-3  # the same for every patch of an image
    assert patches.mean((2, 3)).std(0).max() > 1e-3  # another for another time


def test_timed_detail_needs_pixels_at_the_head():
    with pytest.raises(ValueError, match="timed_detail: expected patch > 1 or a super-resolution"):
        replace(BASE_UNET, timed_detail=True)


@torch.no_grad()
def test_a_dropped_caption_is_the_null_text(network):
    given = inputs()
    keep = torch.tensor([True, False])
    text = network.encode_text(given["text"], given["mask"], keep)
    null = network.null_text(2)
    assert torch.allclose(text.tokens[1], null.tokens[1], atol=1e-6)
    assert torch.allclose(text.pooled[1], null.pooled[1], atol=1e-6)
    assert not torch.allclose(text.pooled[0], null.pooled[0], atol=1e-3)


@torch.no_grad()
def test_examples_of_a_batch_do_not_see_each_other(network):
    given = inputs()
    text = RawText(given["text"], given["mask"])
    whole = network(given["image"], given["layout"], given["log_snr"], text)
    alone = network(
        given["image"][1:],
        given["layout"][1:],
        given["log_snr"][1:],
        RawText(given["text"][1:], given["mask"][1:]),
    )
    assert torch.allclose(whole.noise[1:], alone.noise, atol=1e-5)
    assert torch.allclose(whole.logits[1:], alone.logits, atol=1e-5)


@torch.no_grad()
def test_every_input_matters(network):
    given = inputs()
    text = network.encode_text(given["text"], given["mask"])
    base = network(given["image"], given["layout"], given["log_snr"], text)
    changed = [
        network(given["image"] + 1, given["layout"], given["log_snr"], text),
        network(given["image"], 2 - given["layout"], given["log_snr"], text),
        network(given["image"], given["layout"], given["log_snr"] + 1, text),
        network(given["image"], given["layout"], given["log_snr"], network.null_text(2)),
    ]
    for output in changed:
        assert (output.noise - base.noise).abs().max() > 1e-4
        assert (output.logits - base.logits).abs().max() > 1e-4


@torch.no_grad()
def test_an_ignored_pixel_is_no_class(network):
    given = inputs(1)
    embedded = network.init_emb_seg(torch.full((1, 8, 8), 255))
    assert embedded.shape == (1, 3, 8, 8)
    assert not embedded.any()
    assert network.init_emb_seg(given["layout"]).any()


@pytest.mark.parametrize("patch", [1, 2])
def test_gradient_checkpointing_changes_no_gradient(patch):
    gradients = []
    for checkpointing in (False, True):
        torch.manual_seed(0)
        config = replace(BASE_UNET, patch=patch, gradient_checkpointing=checkpointing)
        network = UNet(config).train()
        given = inputs()
        output = network(
            given["image"], given["layout"], given["log_snr"], RawText(given["text"], given["mask"])
        )
        (output.noise.square().sum() + output.logits.square().sum()).backward()
        gradients.append([p.grad for p in network.parameters() if p.grad is not None])
    for plain, recomputed in zip(*gradients, strict=True):
        assert torch.allclose(plain, recomputed, atol=1e-5)


def test_settings_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="num_blocks: expected 2 values, one per level"):
        replace(BASE_UNET, num_blocks=(1,))
    with pytest.raises(ValueError, match="dim: expected a multiple of groups=4, got 10"):
        replace(BASE_UNET, dim=10)
    with pytest.raises(ValueError, match="odd init_kernels"):
        replace(BASE_UNET, init_kernels=(4,))

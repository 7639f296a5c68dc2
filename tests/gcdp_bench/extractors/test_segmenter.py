"""The segmenter's network, its files, and that it can learn."""

import warnings
from dataclasses import replace

import pytest
import torch

from gcdp_bench.core.config import to_dict, write_json
from gcdp_bench.core.finite import NotFinite
from gcdp_bench.core.rng import generator
from gcdp_bench.core.types import Triplet
from gcdp_bench.extractors.hrnet import TINY, W18_SMALL, HRNetSegmenter, quiet_mmseg
from gcdp_bench.extractors.segmenter import SegmenterConfig, TrainedSegmenter
from gcdp_bench.extractors.segmenter_training import SEGMENTER_PRESETS, SegmenterTask
from gcdp_bench.training.checkpoint import save_weights

NARROW = replace(TINY, width=4, first_channels=4, head_channels=8)
NAMES = ("left", "right")


class Halves:
    """Dark left, bright right: a layout that any segmenter can learn."""

    name, split, class_names, image_size = "halves", "train", NAMES, (32, 64)

    def __len__(self):
        return 8

    def __getitem__(self, index):
        edge = 16 + 4 * index
        layout = torch.zeros(32, 64, dtype=torch.uint8)
        layout[:, edge:] = 1
        image = (layout * 180 + 30).expand(3, -1, -1).contiguous()
        return Triplet(f"{index}", image, layout, "halves")

    def caption_classes(self, caption):
        return frozenset({0, 1})


def config(**changes):
    base = SegmenterConfig(
        dataset="halves", class_names=NAMES, image_size=(32, 64), network=NARROW, variant="tiny"
    )
    return replace(base, **changes)


@pytest.fixture
def folder(tmp_path):
    torch.manual_seed(0)
    network = HRNetSegmenter(NARROW, 2)
    weights = {
        name: value.half() if value.is_floating_point() else value
        for name, value in network.state_dict().items()
    }
    save_weights(tmp_path / "model.safetensors", weights)
    write_json(tmp_path / "config.json", {"task": {"segmenter": to_dict(config())}})
    return tmp_path


def test_shapes_and_independence_of_the_batch(folder):
    segmenter = TrainedSegmenter.load(folder)
    images = torch.randint(0, 256, (3, 3, 32, 64), dtype=torch.uint8, generator=generator(0))
    together = segmenter.predict(images)
    alone = segmenter.predict(images[1:2])
    assert together.layouts.shape == (3, 32, 64) and together.layouts.dtype == torch.uint8
    assert together.features.shape == (3, 15 * 4)
    assert torch.equal(together.layouts[1:2], alone.layouts)
    assert torch.allclose(together.features[1:2], alone.features, atol=1e-5)
    assert segmenter.name == "hrnet-tiny-x2-halves"


def test_another_size_is_refused(folder):
    with pytest.raises(ValueError, match=r"expected images of \(32, 64\), got \(16, 32\)"):
        TrainedSegmenter.load(folder).predict(torch.zeros(1, 3, 16, 32, dtype=torch.uint8))


def test_weights_of_another_configuration_are_refused(folder):
    record = {"task": {"segmenter": to_dict(config(class_names=("a", "b", "c")))}}
    write_json(folder / "config.json", record)
    with pytest.raises(ValueError, match="of another configuration"):
        TrainedSegmenter.load(folder)


def test_w18_small_is_mmsegs():
    """Same backbone tensors as mmseg's own fcn_hr18s configuration."""
    with quiet_mmseg():
        from mmseg.models.backbones import HRNet
    extra = {
        "stage1": dict(
            num_modules=1, num_branches=1, block="BOTTLENECK", num_blocks=(2,), num_channels=(64,)
        ),
        "stage2": dict(
            num_modules=1, num_branches=2, block="BASIC", num_blocks=(2, 2), num_channels=(18, 36)
        ),
        "stage3": dict(
            num_modules=3,
            num_branches=3,
            block="BASIC",
            num_blocks=(2, 2, 2),
            num_channels=(18, 36, 72),
        ),
        "stage4": dict(
            num_modules=2,
            num_branches=4,
            block="BASIC",
            num_blocks=(2, 2, 2, 2),
            num_channels=(18, 36, 72, 144),
        ),
    }
    expected = {
        n: p.shape for n, p in HRNet(extra=extra, norm_cfg={"type": "BN"}).named_parameters()
    }
    ours = HRNetSegmenter(W18_SMALL, 19)
    assert {n: p.shape for n, p in ours.backbone.named_parameters()} == expected
    assert ours.decode_head.conv_seg.out_channels == 19


def test_it_learns_the_halves():
    task = SegmenterTask(config(balance=0.0), Halves(), Halves())
    torch.manual_seed(0)
    network = task.build()
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    for step in range(12):
        loss = task.losses(network, task.batch(range(8), generator(step)))["cross_entropy"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert float(loss.detach()) < 0.25
    assert task.preview(network.eval()).shape[0] == 3


def test_mirrored_faces_keep_their_sides():
    class Faces(Halves):
        class_names = ("left eye", "right eye", "skin")

    names = Faces.class_names
    task = SegmenterTask(replace(config(balance=0.0), class_names=names), Faces(), Faces())
    batch = task.batch(range(8), generator(3))
    plain = torch.stack([Faces()[i].layout for i in range(8)]).long()
    turned = (batch["layout"] != plain).flatten(1).any(1)
    assert turned.any() and not turned.all()
    swapped = torch.tensor([1, 0, 2])[plain.flip(-1)]
    assert torch.equal(batch["layout"][turned], swapped[turned])


@pytest.mark.parametrize("package", ["mmseg", "mmcv.cnn", "mmengine.utils.misc"])
def test_only_the_own_warnings_of_mmseg_are_dropped(package):
    with quiet_mmseg():
        warnings.warn_explicit("in vain", UserWarning, "misc.py", 1, module=package)
        with pytest.raises(UserWarning, match="heard"):
            warnings.warn_explicit("heard", UserWarning, "mmcvish.py", 1, module="mmcvish")
    with pytest.raises(UserWarning, match="afterwards"):
        warnings.warn_explicit("afterwards", UserWarning, "misc.py", 1, module=package)


def test_rare_classes_weigh_more_and_the_mean_is_one():
    class Rare(Halves):
        def __getitem__(self, index):
            triplet = super().__getitem__(0)
            triplet.layout.fill_(0)
            triplet.layout[0, :] = 1
            return triplet

    weights = SegmenterTask(config(balance=0.5), Rare(), Rare())._weights
    assert weights[1] > 4 * weights[0]
    frequency = torch.tensor([1984.0, 64.0]) / 2048
    assert float((weights * frequency).sum()) == pytest.approx(1.0, abs=0.03)


def test_presets_resolve():
    run = SEGMENTER_PRESETS["tiny"].resolve(Halves())
    assert run.config.class_names == NAMES and run.config.network == TINY


def test_logits_that_are_not_finite_are_no_class(folder):
    segmenter = TrainedSegmenter.load(folder)
    images = torch.zeros(3, 3, 32, 64, dtype=torch.uint8)

    def spoil(_module, _inputs, output):
        output[0][2, 1, 5, 7] = torch.inf

    segmenter.network.register_forward_hook(spoil)
    with pytest.raises(NotFinite, match=r"label logits of hrnet-tiny\S* in 1 of 3 .*--segmenter"):
        segmenter.predict(images)

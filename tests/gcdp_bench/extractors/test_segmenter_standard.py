"""HRNet-W48 against mmseg's own model, built from mmseg's own configuration file."""

import sys
import types
import warnings
from collections import OrderedDict
from pathlib import Path

import pytest
import torch

from gcdp_bench.core.finite import NotFinite
from gcdp_bench.core.rng import generator
from gcdp_bench.extractors.hrnet import HRNetSegmenter
from gcdp_bench.extractors.segmenter_standard import (
    CITYSCAPES_CLASSES,
    StandardSegmenter,
    openmmlab_weights,
    parse_resize,
)
from gcdp_bench.training.checkpoint import load_into
from tests.gcdp_bench.extractors.test_segmenter import NARROW, Halves

CONFIG = ".mim/configs/hrnet/fcn_hr48_4xb2-160k_cityscapes-512x1024.py"
CPU_BATCH_NORM = {"type": "BN", "requires_grad": True}  # SyncBN's tensors, without a process group


@pytest.fixture(scope="module")
def mmseg_model():
    """mmseg's segmentor with random weights."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mmseg
        from mmengine import Config
        from mmengine.registry import DefaultScope
        from mmseg.registry import MODELS
        from mmseg.utils import register_all_modules

        register_all_modules(init_default_scope=False)
        config = Config.fromfile(Path(mmseg.__file__).parent / CONFIG).model
        config.backbone.norm_cfg = config.decode_head.norm_cfg = CPU_BATCH_NORM
        config.pretrained = None
        torch.manual_seed(0)
        with DefaultScope.overwrite_default_scope("mmseg"):
            model = MODELS.build(config).eval()
    _calibrate(model)
    return model


def _calibrate(model):
    """Statistics of batch norm as after training; else the signal dies on its way."""
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    torch.nn.init.normal_(model.decode_head.conv_seg.weight, std=0.02)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        noise = torch.randn(2, 3, 64, 64, generator=generator("calibration"))
        model.train().decode_head(model.backbone(noise))
    model.eval()


@pytest.fixture(scope="module")
def checkpoint(mmseg_model, tmp_path_factory):
    """The same weights in OpenMMLab's format."""
    path = tmp_path_factory.mktemp("mmseg") / "fcn_hr48.pth"
    meta = {"mmseg_version": "0.5.0+", "CLASSES": list(CITYSCAPES_CLASSES), "epoch": 1}
    torch.save({"meta": meta, "state_dict": OrderedDict(mmseg_model.state_dict())}, path)
    return path


@pytest.fixture(scope="module")
def images():
    return torch.randint(0, 256, (2, 3, 40, 72), dtype=torch.uint8, generator=generator("images"))


@pytest.fixture(scope="module")
def native(checkpoint):
    return StandardSegmenter.load(checkpoint, resize="native")


def close(found, expected):
    """Within 1e-3 of the spread: 306 random layers amplify rounding, in both programs alike."""
    return torch.allclose(found, expected, rtol=0, atol=1e-3 * float(expected.std()))


def mmseg_logits(model, images, size=None):
    """mmseg's test-time path: resize of its pipeline, normalisation, network, resize back."""
    from mmcv.transforms import Resize

    inputs = []
    for image in images:
        bgr = image.flip(0).permute(1, 2, 0).numpy()
        if size is not None:
            bgr = Resize(scale=size[::-1], keep_ratio=True)({"img": bgr})["img"]
        inputs.append(torch.from_numpy(bgr.copy()).permute(2, 0, 1))
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = model.data_preprocessor({"inputs": inputs})["inputs"]
        seen = tuple(data.shape[-2:])
        metas = [{"img_shape": seen, "ori_shape": tuple(images.shape[-2:])}] * len(images)
        logits = model.encode_decode(data, metas)
        results = model.postprocess_result(logits, [Sample(meta) for meta in metas])
    return logits, torch.stack([result.seg_logits.data for result in results])


def Sample(meta):
    from mmseg.structures import SegDataSample

    return SegDataSample(metainfo={**meta, "padding_size": [0] * 4})


def test_native_logits_are_mmsegs(mmseg_model, native, images):
    expected, _ = mmseg_logits(mmseg_model, images)
    logits, features = native.logits(images)
    assert logits.shape == (2, 19, 40, 72) and features.shape == (2, 48 * 15)
    assert float(expected.std((2, 3)).mean()) > 0.1  # pixels differ
    assert close(logits, expected)


def test_resized_logits_are_those_of_mmsegs_pipeline(mmseg_model, native, images):
    segmenter = StandardSegmenter(native.network, digest="x", resize="64x128")
    _, expected = mmseg_logits(mmseg_model, images, (64, 128))
    logits, _ = segmenter.logits(images)
    assert close(logits, expected)
    assert not torch.allclose(logits, native.logits(images)[0], atol=0.1)
    assert torch.equal(segmenter.predict(images).layouts, expected.argmax(1).to(torch.uint8))


def test_the_size_is_part_of_the_name_and_of_the_digest(native):
    assert native.name == "hrnet-w48-cityscapes@native" and native.resizer == "native"
    other = StandardSegmenter(native.network, digest=native.digest.partition("@")[0])
    assert other.name == "hrnet-w48-cityscapes@1024x2048"
    assert other.digest != native.digest


def test_predictions_do_not_depend_on_the_batch(native, images):
    together, alone = native.predict(images), native.predict(images[1:])
    assert together.layouts.dtype == torch.uint8 and together.features.dtype == torch.float32
    assert torch.equal(together.layouts[1:], alone.layouts)
    assert close(together.features[1:], alone.features)


@pytest.mark.parametrize("change", ["renamed", "missing", "shape"])
def test_another_network_is_refused(tmp_path, change):
    network = HRNetSegmenter(NARROW, len(CITYSCAPES_CLASSES))
    state = OrderedDict(network.state_dict())
    value = state.pop("decode_head.conv_seg.bias")
    if change == "renamed":
        state["decode_head.conv_seg.offset"] = value
    if change == "shape":
        state["decode_head.conv_seg.bias"] = value[:7]
    path = tmp_path / "broken.pth"
    torch.save({"state_dict": state}, path)
    with pytest.raises(ValueError, match=r"decode_head\.conv_seg\.bias"):
        load_into(network, openmmlab_weights(path), source=path)


def test_a_second_head_and_the_optimizer_are_allowed(tmp_path):
    path = tmp_path / "extras.pth"
    state = {"backbone.a": torch.ones(1), "auxiliary_head.b": torch.ones(1)}
    torch.save({"state_dict": state, "optimizer": {"lr": 0.1}, "meta": {}}, path)
    assert list(openmmlab_weights(path)) == ["backbone.a"]


def test_files_of_other_formats_are_refused(tmp_path):
    path = tmp_path / "file.pth"
    torch.save({"backbone.a": torch.ones(1)}, path)
    with pytest.raises(ValueError, match=r"expected an OpenMMLab checkpoint .* got backbone\.a"):
        openmmlab_weights(path)
    path.write_bytes(b"no checkpoint")
    with pytest.raises(ValueError, match="expected an OpenMMLab checkpoint, which holds tensors"):
        openmmlab_weights(path)


@pytest.mark.parametrize("key", ["CLASSES", "classes"])
def test_a_network_of_other_classes_is_refused(tmp_path, key):
    """As many classes in another order: the shapes of the weights would fit."""
    path = tmp_path / "other.pth"

    def saved(classes):
        meta = {key: classes} if key == "CLASSES" else {"dataset_meta": {key: classes}}
        torch.save({"state_dict": {"backbone.a": torch.ones(1)}, "meta": meta}, path)
        return openmmlab_weights(path)

    assert list(saved(CITYSCAPES_CLASSES)) == ["backbone.a"]
    with pytest.raises(ValueError, match="got one of 19 classes, 'bicycle, motorcycle"):
        saved(CITYSCAPES_CLASSES[::-1])


def test_a_small_network_is_told_from_the_expected_one(tmp_path):
    path = tmp_path / "small.pth"
    torch.save({"state_dict": {"conv.weight": torch.ones(1)}}, path)
    with pytest.raises(
        ValueError, match=r"unexpected|missing .* expected mmsegmentation's fcn_hr48"
    ):
        StandardSegmenter.load(path)


def test_the_log_that_mmengine_pickles_is_named_with_a_remedy(tmp_path, monkeypatch):
    names = ("mmengine_of_a_test", "mmengine_of_a_test.logging")
    modules = {name: types.ModuleType(name) for name in names}
    buffer = type("HistoryBuffer", (), {"__module__": names[-1]})
    vars(modules[names[-1]])["HistoryBuffer"] = buffer
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    path = tmp_path / "own.pth"
    torch.save({"state_dict": {}, "message_hub": {"loss": buffer()}}, path)
    with pytest.raises(ValueError, match="HistoryBuffer; restore the file, or save its") as raised:
        openmmlab_weights(path)
    command = str(raised.value).partition("python -c ")[2].strip('"')
    target = tmp_path / "TENSORS.pth"
    exec(command.replace("FILE", str(path)).replace("TENSORS.pth", str(target)))
    assert openmmlab_weights(target) == {}


def test_pickled_code_is_not_run(tmp_path):
    ran = tmp_path / "ran"

    class Evil:
        def __reduce__(self):
            return (Path.touch, (ran,))

    torch.save({"state_dict": {}, "meta": Evil()}, tmp_path / "evil.pth")
    with pytest.raises(ValueError, match="save its tensors alone"):
        openmmlab_weights(tmp_path / "evil.pth")
    assert not ran.exists()


def test_weights_that_are_not_there_say_where_to_get_them(tmp_path):
    with pytest.raises(FileNotFoundError, match="hrnet-w48-cityscapes: expected a weights file"):
        StandardSegmenter.load(tmp_path / "none.pth")


def test_classes_are_mmsegs():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mmseg.datasets import CityscapesDataset

    assert CityscapesDataset.METAINFO["classes"] == CITYSCAPES_CLASSES


def test_the_first_classes_of_the_dataset_have_to_fit(native):
    class Streets(Halves):
        class_names = (*CITYSCAPES_CLASSES, "unlabeled")

    native.check(Streets())
    Streets.class_names = CITYSCAPES_CLASSES
    native.check(Streets())
    Streets.class_names = CITYSCAPES_CLASSES[:-1]
    with pytest.raises(ValueError, match="expected the 19 training classes of Cityscapes first"):
        native.check(Streets())
    Streets.class_names = ("road", "pavement", *CITYSCAPES_CLASSES[2:])
    with pytest.raises(ValueError, match="differing at 1 'pavement'"):
        native.check(Streets())


@pytest.mark.parametrize(
    ("text", "box"), [("native", None), ("1024x2048", (1024, 2048)), ("8x16", (8, 16))]
)
def test_sizes_are_read(text, box):
    assert parse_resize(text) == box


@pytest.mark.parametrize("text", ["", "big", "0x4", "4x", "-1x4"])
def test_other_sizes_are_refused(text):
    with pytest.raises(ValueError, match="expected 'native' or HEIGHTxWIDTH"):
        parse_resize(text)


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_logits_that_are_not_finite_are_no_class(native, images, monkeypatch, value):
    logits = native.logits

    def spoilt(chunk):
        found, features = logits(chunk)
        found[-1, 3, 5, 7] = value
        return found, features

    monkeypatch.setattr(native, "logits", spoilt)
    shown = (
        r"label logits of hrnet-w48-cityscapes@native, in 1 of \d images \(float32 on cpu\); give"
    )
    with pytest.raises(NotFinite, match=shown):
        native.predict(images)

"""Which extractors are loaded, how they are told apart, and what is said when one is missing."""

from dataclasses import replace

import pytest
import torch

from gcdp_bench.core.config import to_dict, write_json
from gcdp_bench.core.finite import NotFinite
from gcdp_bench.core.rng import generator
from gcdp_bench.extractors.bundle import (
    ExtractorRequest,
    Extractors,
    load_extractors,
    load_segmenter,
)
from gcdp_bench.extractors.clip_standard import StandardClip
from gcdp_bench.extractors.hrnet import HRNetSegmenter
from gcdp_bench.extractors.inception import Inception, InceptionNetwork
from gcdp_bench.extractors.segmenter import SegmenterConfig, SegmenterFeatures, TrainedSegmenter
from gcdp_bench.extractors.segmenter_standard import StandardSegmenter
from gcdp_bench.training.checkpoint import save_weights
from tests.gcdp_bench.extractors.test_clip_standard import tiny_network
from tests.gcdp_bench.extractors.test_segmenter import NARROW
from tests.reference_model.conftest import Stripes
from tests.toy import named


@pytest.fixture(scope="module")
def request_(toy):
    return ExtractorRequest(dataset=toy.identity, segmenter=str(toy.segmenter), clip=toy.clip)


@pytest.fixture(scope="module")
def extractors(request_):
    return load_extractors(request_)


@pytest.fixture
def other_segmenter(toy, tmp_path):
    """A second opinion: other weights, trained on something of another name."""
    torch.manual_seed(1)
    names = Stripes().class_names
    config = SegmenterConfig(
        dataset="others", class_names=names, image_size=(16, 16), network=NARROW, variant="tiny"
    )
    network = HRNetSegmenter(NARROW, len(names))
    save_weights(tmp_path / "model.safetensors", network.state_dict())
    write_json(tmp_path / "config.json", {"task": {"segmenter": to_dict(config)}})
    return str(tmp_path)


def pictures(num):
    return torch.randint(0, 256, (num, 3, 16, 16), dtype=torch.uint8, generator=generator("p"))


def test_the_pretrained_extractors(extractors):
    assert [extractor.protocol for extractor in extractors.features] == ["hrnet"]
    assert extractors.segmenters == (extractors.segmenter,)
    assert set(extractors.digests) == {
        f"segmenter {extractors.segmenter.name}",
        "clip",
        "features hrnet",
    }
    extractors.check(Stripes())


def test_a_segmenters_features_are_taken_from_its_prediction(extractors):
    class Counting:
        def __init__(self, inner):
            self.inner, self.calls, self.name = inner, 0, inner.name

        def predict(self, images):
            self.calls += 1
            return self.inner.predict(images)

    counting = Counting(extractors.segmenter)
    extractor, images = SegmenterFeatures(counting), pictures(3)
    predictions = {counting.name: counting.predict(images)}
    features = extractors.features_of(extractor, images, predictions)
    assert counting.calls == 1
    assert torch.equal(features, extractor.features(images))
    assert counting.calls == 2
    assert torch.equal(extractors.features_of(extractor, images, {}), features)


def test_two_segmenters(request_, other_segmenter, extractors):
    both = load_extractors(replace(request_, other_segmenters=(other_segmenter,)))
    assert [extractor.name for extractor in both.segmenters] == [
        extractors.segmenter.name,
        "hrnet-tiny-x2-others",
    ]
    assert both.features[0].digest == both.segmenter.digest
    assert both.identity != extractors.identity
    with pytest.raises(ValueError, match="expected each segmenter once"):
        load_extractors(replace(request_, other_segmenters=(request_.segmenter,)))


def test_every_segmenter_is_asked_whether_the_dataset_fits(extractors):
    class Other(TrainedSegmenter):
        """Same network, trained for another size."""

        def __init__(self, inner):
            self.config = replace(inner.config, image_size=(32, 16), dataset="others")

    both = replace(extractors, other_segmenters=(Other(extractors.segmenter),))
    extractors.check(Stripes())
    with pytest.raises(ValueError, match=r"others: image size .* do not fit.* give --segmenter"):
        both.check(Stripes())


def test_identity_follows_weights_resizes_and_protocols(extractors):
    class Extractor:
        name, digest, resizer = "net", "aaa", "tf1"
        protocol = "tf1"

    def identity(**changes):
        extractor = Extractor()
        for name, value in changes.items():
            setattr(extractor, name, value)
        return replace(extractors, features=(extractor,)).identity

    assert identity() == identity()
    changes = [{}, {"digest": "bbb"}, {"resizer": "clean"}, {"name": "other"}, {"protocol": "x"}]
    assert len({identity(**change) for change in changes}) == len(changes)


def test_repeated_protocols_are_refused(extractors):
    feature = extractors.features[0]
    with pytest.raises(ValueError, match="expected each feature protocol once, got hrnet"):
        Extractors(extractors.segmenter, extractors.clip, (feature, feature))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"features": ("fid",)}, "expected some of hrnet, tf1, .* got fid"),
        ({"features": ()}, "got none"),
        ({"features": ("cmmd",)}, "cmmd needs the standard CLIP"),
    ],
)
def test_wrong_protocols_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        ExtractorRequest(dataset=named("stripes"), **changes)


def test_a_file_that_nothing_reads_is_refused(request_, tmp_path):
    with pytest.raises(ValueError, match="--inception: none of the features hrnet uses it"):
        load_extractors(replace(request_, inception=tmp_path))
    with pytest.raises(ValueError, match="add --features dinov2"):
        load_extractors(replace(request_, dinov2=tmp_path))


def test_all_missing_weights_are_named_at_once(tmp_path, monkeypatch):
    monkeypatch.setenv("GCDP_WEIGHTS", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    request = ExtractorRequest(
        dataset=named("nowhere"), kind="standard", features=("clean", "dinov2"), use_attributes=True
    )
    with pytest.raises(FileNotFoundError) as raised:
        load_extractors(request)
    message = str(raised.value)
    for name in (
        "no trained segmenter",
        "clip-vit-l-14-336",
        "inception-v3",
        "dinov2-vit-l-14",
        "no trained attributes",
    ):
        assert name in message
    assert len(message.splitlines()) == 5


def test_standard_means_hrnet_on_cityscapes(tmp_path, monkeypatch):
    monkeypatch.setenv("GCDP_WEIGHTS", str(tmp_path))
    for dataset in ("cityscapes", "cityscapes-25"):
        with pytest.raises(FileNotFoundError, match="^hrnet-w48-cityscapes: expected"):
            load_segmenter(None, ExtractorRequest(dataset=named(dataset), kind="standard"))


@pytest.mark.parametrize(
    ("given", "path", "resize"),
    [
        ("hrnet-w48-cityscapes", None, "1024x2048"),
        ("hrnet-w48-cityscapes@native", None, "native"),
        ("FILE", "FILE", "1024x2048"),
        ("FILE@native", "FILE", "native"),
        ("FILE@512x1024", "FILE", "512x1024"),
    ],
)
def test_how_hrnet_is_named(given, path, resize, tmp_path, monkeypatch):
    file = tmp_path / "fcn_hr48.pth"
    file.touch()
    monkeypatch.setattr("gcdp_bench.extractors.specs.find_weights", lambda *_: file)
    prompted = []
    monkeypatch.setattr(StandardSegmenter, "load", lambda *a, **kw: prompted.append((a, kw)))
    request = ExtractorRequest(dataset=named("cityscapes"), device="cuda")
    load_segmenter(given.replace("FILE", str(file)), request)
    assert prompted == [((file,), {"resize": resize, "device": "cuda"})]


def test_a_folder_with_an_at_sign(toy, tmp_path):
    folder = tmp_path / "run@2"
    folder.symlink_to(toy.segmenter)
    extractor = load_segmenter(str(folder), ExtractorRequest(dataset=named("stripes")))
    assert isinstance(extractor, TrainedSegmenter)


def test_the_standard_extractors_share_their_networks(request_, tmp_path, monkeypatch):
    """One Inception for three protocols, one CLIP for the score and CMMD."""
    file = tmp_path / "weights"
    file.touch()
    loads = []

    def load_network(self, path, *, device):
        loads.append(("inception", path, device))
        self.digest = "1"

    def load_clip(path, *, device):
        loads.append(("clip", path, device))
        return StandardClip(tiny_network(), name="tiny", digest="0")

    monkeypatch.setattr(InceptionNetwork, "__init__", load_network)
    monkeypatch.setattr(StandardClip, "load", load_clip)
    names = ("tf1", "cmmd", "clean", "hrnet", "torch")
    extractors = load_extractors(
        replace(request_, kind="standard", clip=file, inception=file, features=names, device="meta")
    )
    assert tuple(extractor.protocol for extractor in extractors.features) == names
    assert sorted(loads) == [("clip", file, "meta"), ("inception", file, "meta")]
    assert all(isinstance(extractors.features[place], Inception) for place in (0, 2, 4))
    assert extractors.features[1].features(pictures(2)).shape == (2, 16)


def test_features_that_are_not_finite_are_refused(extractors, monkeypatch):
    extractor = extractors.features[0]
    images = pictures(2)
    predictions = {extractors.segmenter.name: extractors.segmenter.predict(images)}
    predictions[extractors.segmenter.name].features[1, 0] = torch.nan
    with pytest.raises(NotFinite, match=f"features of {extractor.name}, in 1 of 2"):
        extractors.features_of(extractor, images, predictions)
    monkeypatch.setattr(type(extractor), "features", lambda *_: torch.full((2, 3), torch.inf))
    with pytest.raises(NotFinite, match="in 2 of 2"):
        extractors.features_of(extractor, images, {})

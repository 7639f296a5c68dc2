"""Inception-v3 against torch-fidelity and pytorch-fid, with random weights in their format."""

import socket
import warnings

import pytest
import torch

from gcdp_bench.core.images import read_image, write_image
from gcdp_bench.core.rng import generator
from gcdp_bench.extractors.inception import INPUTS, Inception, InceptionNetwork
from gcdp_bench.extractors.resizers import clean_bicubic
from gcdp_bench.metrics.frechet import frechet_distance
from gcdp_bench.metrics.kid import kid_values
from gcdp_bench.metrics.prdc import prdc_values

NUM = 6  # images a side
ROUNDING = 1e-3
"""Of features, where theirs and ours are both 3e-4 of the spread from float64."""


def blocks(name, num, low, high, size=(24, 40)):
    """Pictures of 4x4 blocks with grey levels from `low` to `high`, uint8 (num, 3, *size)."""
    shape = (num, 3, size[0] // 4, size[1] // 4)
    small = torch.randint(low, high, shape, generator=generator("blocks", name))
    return small.repeat_interleave(4, 2).repeat_interleave(4, 3).to(torch.uint8)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A file as torch-fidelity's: torchvision's tensors for 1008 classes."""
    from torchvision.models import inception_v3

    torch.manual_seed(0)
    network = inception_v3(weights=None, aux_logits=False, num_classes=1008, init_weights=False)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0  # so that one batch sets the statistics
    pixels = (clean_bicubic(blocks("weights", 4, 0, 256)) - 128) / 128
    with torch.no_grad():
        network.train()(pixels)
    path = tmp_path_factory.mktemp("inception") / "weights-inception.pth"
    torch.save(network.state_dict(), path)
    return path


@pytest.fixture(scope="module")
def network(weights):
    return InceptionNetwork(weights)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Two folders of PNG files."""
    root = tmp_path_factory.mktemp("images")
    for name, low, high in (("real", 0, 250), ("fake", 6, 256)):
        (root / name).mkdir()
        for index, image in enumerate(blocks(name, NUM, low, high)):
            write_image(root / name / f"{index:02d}.png", image)
    return root / "real", root / "fake"


def spread(features):
    return float(features.std())


def stacked(folder):
    return torch.stack([read_image(path) for path in sorted(folder.glob("*.png"))])


@pytest.fixture(scope="module")
def features(network, folders):
    extractor = Inception(network, "tf1")
    return [extractor.features(stacked(folder)) for folder in folders]


@pytest.fixture(scope="module")
def sample():
    return blocks("sample", 2, 0, 256)


@pytest.fixture(scope="module")
def torch_fidelitys(weights, folders):
    """Its own numbers for the same files, by the names of its options."""
    from torch_fidelity import calculate_metrics

    def numbers(**metrics):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return calculate_metrics(
                input1=str(folders[0]),
                input2=str(folders[1]),
                **metrics,
                feature_extractor="inception-v3-compat",
                kid_subset_size=NUM,
                kid_subsets=1,
                prc_neighborhood=3,
                cuda=False,
                cache=False,
                save_cpu_ram=True,
                verbose=False,
                feature_extractor_weights_path=str(weights),
                batch_size=NUM,
            )

    return numbers


@pytest.mark.slow
def test_fid_is_torch_fidelitys(features, torch_fidelitys):
    ours = frechet_distance(features[0].numpy(), features[1].numpy())
    expected = torch_fidelitys(fid=True)["frechet_inception_distance"]
    assert ours.total == pytest.approx(expected, rel=1e-6)
    assert ours.covariance_term > 0.1 * expected  # not a comparison of means alone


def test_features_are_torch_fidelitys(weights, folders, features):
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    extractor = FeatureExtractorInceptionV3(
        "inception-v3-compat", ["2048"], feature_extractor_weights_path=str(weights)
    )
    expected = extractor(stacked(folders[0])[:3])[0]
    assert features[0].shape == (NUM, 2048) and features[0].dtype == torch.float32
    assert torch.allclose(
        features[0][:3], expected, rtol=ROUNDING, atol=ROUNDING * spread(expected)
    )


def test_kid_precision_and_recall_are_torch_fidelitys(features, torch_fidelitys):
    x, y = (part.numpy() for part in features)
    theirs = torch_fidelitys(kid=True, prc=True)
    (kid,) = kid_values("tf1", x, y)
    assert kid.value == pytest.approx(theirs["kernel_inception_distance_mean"], rel=1e-4)
    values = {value.metric: value.value for value in prdc_values("tf1", x, y)}  # x is evaluated
    for name in ("precision", "recall"):
        assert values[f"{name}-tf1"] == pytest.approx(theirs[name], rel=1e-6)
    assert 0 < values["precision-tf1"] < 1


def test_torch_is_pytorch_fids(network, weights, sample, monkeypatch):
    from pytorch_fid import inception

    monkeypatch.setattr(inception, "load_state_dict_from_url", lambda *_, **__: torch.load(weights))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reference = inception.InceptionV3([3], resize_input=True, normalize_input=True).eval()
    with torch.no_grad():
        expected = reference(sample.float() / 255)[0].flatten(1)
    got = Inception(network, "torch").features(sample)
    assert torch.allclose(got, expected, rtol=ROUNDING, atol=ROUNDING * spread(expected))


def test_clean_is_the_network_behind_clean_fids_resize(weights, network, sample):
    """Resized beforehand, the network's own resize does nothing: float pixels at 299x299."""
    from torch_fidelity import feature_extractor_inceptionv3 as module

    extractor = module.FeatureExtractorInceptionV3(
        "inception-v3-compat", ["2048"], feature_extractor_weights_path=str(weights)
    )
    rounded = clean_bicubic(sample).round()
    expected = extractor(rounded.to(torch.uint8))[0]
    scale = spread(expected)
    seen = network.features((rounded - 128) / 128)
    assert torch.allclose(seen, expected, rtol=ROUNDING, atol=ROUNDING * scale)
    got = Inception(network, "clean").features(sample)
    assert torch.allclose(got, network.features((clean_bicubic(sample) - 128) / 128))
    assert float((got - expected).abs().max()) > 1e-3 * scale  # nothing was rounded


def test_protocols_differ_and_say_so(network, sample):
    extractors = {protocol: Inception(network, protocol) for protocol in INPUTS}
    seen = {protocol: extractor.features(sample[:1]) for protocol, extractor in extractors.items()}
    assert not torch.allclose(seen["tf1"], seen["clean"], rtol=1e-2)
    assert not torch.allclose(seen["tf1"], seen["torch"], rtol=1e-2)
    assert len({extractor.resizer for extractor in extractors.values()}) == 3
    assert len({extractor.digest for extractor in extractors.values()}) == 1


def test_features_do_not_depend_on_the_batch(network, features, folders):
    alone = Inception(network, "tf1").features(stacked(folders[1])[NUM - 1 :])
    assert torch.allclose(alone, features[1][-1:], rtol=1e-4, atol=1e-5 * float(features[1].std()))


def test_float_images_are_refused(network):
    with pytest.raises(ValueError, match=r"expected dtype uint8, got torch\.float32"):
        Inception(network, "tf1").features(torch.zeros(1, 3, 8, 8))


def test_no_socket_is_opened(weights, tmp_path, monkeypatch):
    def refuse(*_):
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setenv("GCDP_WEIGHTS", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="inception-v3: expected a weights file"):
        InceptionNetwork()
    assert InceptionNetwork(weights).digest


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "weights.pth"
    path.write_bytes(b"damaged")
    with pytest.raises(ValueError, match=r"expected torch-fidelity's Inception-v3 weights"):
        InceptionNetwork(path)
    torch.save({"fc.weight": torch.zeros(1008, 2048)}, path)
    with pytest.raises(ValueError, match=r"Missing key.*Conv2d_1a_3x3\.conv\.weight"):
        InceptionNetwork(path)
    torch.save([1, 2], path)
    with pytest.raises(ValueError, match="expected torch-fidelity's Inception-v3 weights, got"):
        InceptionNetwork(path)

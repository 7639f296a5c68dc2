"""Networks that evaluate: one table, where they run, and those of installed packages."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from gcdp_bench.core.plugins import EXTRACTORS
from gcdp_bench.core.progress import Silent
from gcdp_bench.datasets.folder import Folder
from gcdp_bench.evaluation import EvalOptions, extract_features
from gcdp_bench.extractors.bundle import ExtractorRequest, load_extractors
from gcdp_bench.extractors.names import FEATURE_PROTOCOLS
from gcdp_bench.extractors.specs import PROVIDED, SPECS, arrays_of
from tests.packages import install
from tests.toy import named

BRIGHTNESS = """
from pathlib import Path
from gcdp_bench.extractors.specs import ExtractorSpec
from gcdp_bench.training.runs import Run


class Brightness:
    name, digest, resizer, protocol = "brightness-net", "b1", "native", "brightness"

    def features(self, images):
        return images.float().mean((2, 3))


SPEC = ExtractorSpec(
    name="brightness",
    find=lambda request: [Run(network="x", folder=Path("x"), origin="published", records={})],
    load=lambda runs, request: [("features brightness", Brightness())],
    provides=("features brightness",),
)
OTHER = ExtractorSpec(name="x", find=None, load=None, provides=("features tf1",))
"""


@pytest.fixture
def request_(toy):
    return ExtractorRequest(dataset=toy.identity, segmenter=str(toy.segmenter), clip=toy.clip)


def install_brightness(folder, monkeypatch, attribute="SPEC"):
    install(
        folder,
        monkeypatch,
        group=EXTRACTORS,
        entries={"brightness": f"brightness_of_tests:{attribute}"},
        module="brightness_of_tests",
        code=BRIGHTNESS,
    )


def test_every_role_and_every_feature_protocol_is_in_the_table():
    roles = [role for spec in SPECS for role in spec.provides]
    assert {role.partition(" ")[0] for role in roles} == set(PROVIDED)
    features = {role.partition(" ")[2] for role in roles if role.startswith("features ")}
    assert features == set(FEATURE_PROTOCOLS)
    assert arrays_of("segmenter a b") == ("counts a b", "confusions a b")


def test_the_small_networks_run_where_they_are_told_to(request_):
    for device in ("cpu", "meta"):
        extractors = load_extractors(replace(request_, device=device))
        for network in (extractors.segmenter.network, extractors.clip.network):
            assert {tensor.device.type for tensor in network.parameters()} == {device}
    assert load_extractors(request_).identity == extractors.identity


def test_an_extractor_of_an_installed_package_provides_features(
    toy, request_, tmp_path, monkeypatch
):
    with pytest.raises(ValueError, match="features: expected some of hrnet, .* got brightness"):
        replace(request_, features=("hrnet", "brightness"))
    install_brightness(tmp_path / "a", monkeypatch)
    monkeypatch.delitem(sys.modules, "brightness_of_tests", raising=False)
    own = load_extractors(request_)
    assert "brightness_of_tests" not in sys.modules
    both = load_extractors(replace(request_, features=("hrnet", "brightness")))
    assert list(both.networks)[-1] == "features brightness" and both.identity != own.identity
    data = Folder(toy.data, "test")
    seen = extract_features(data, both, EvalOptions(), progress=Silent(), task="look")
    expected = [data[index].image.float().mean((1, 2)).numpy() for index in range(len(data))]
    assert np.allclose(seen.features["brightness"], expected)


def test_an_extractor_of_another_role_is_refused(tmp_path, monkeypatch):
    install_brightness(tmp_path / "a", monkeypatch, "OTHER")
    request = ExtractorRequest(dataset=named("stripes"), features=("hrnet", "brightness"))
    with pytest.raises(
        ValueError, match=r"their-package 1.0 .*provides \('features brightness',\)"
    ):
        load_extractors(request)

"""One pass: each extractor sees each image once, and what it saw survives the disk."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gcdp_bench.core.images import read_layout
from gcdp_bench.core.progress import Silent
from gcdp_bench.datasets.folder import Folder
from gcdp_bench.evaluation import EvalOptions, FeatureCache, extract_features, rescore_captions
from gcdp_bench.extractors.bundle import ExtractorRequest, load_extractors


@pytest.fixture(scope="module")
def extractors(toy):
    return load_extractors(
        ExtractorRequest(dataset=toy.identity, segmenter=str(toy.segmenter), clip=toy.clip)
    )


@pytest.fixture(scope="module")
def data(toy):
    return Folder(toy.data, "test")


def equal(a: FeatureCache, b: FeatureCache) -> bool:
    same = (a.ids, a.captions, a.num_pixels) == (b.ids, b.captions, b.num_pixels)
    return (
        same
        and {*a.arrays} == {*b.arrays}
        and all(
            np.allclose(array, b.arrays[name], atol=1e-5, equal_nan=True)
            for name, array in a.arrays.items()
        )
    )


def test_every_extractor_sees_every_image_once(data, extractors, monkeypatch):
    shown = []
    plain = type(extractors.segmenter).predict

    def counted(self, images):
        shown.append(len(images))
        return plain(self, images)

    monkeypatch.setattr(type(extractors.segmenter), "predict", counted)
    extract_features(data, extractors, EvalOptions(), progress=Silent(), task="look")
    assert sum(shown) == len(data)  # layouts and features from one call


def test_batches_do_not_matter(data, extractors, monkeypatch):
    whole = extract_features(data, extractors, EvalOptions(), progress=Silent(), task="look")
    monkeypatch.setattr("gcdp_bench.evaluation.features.BATCH", 5)
    assert equal(
        whole, extract_features(data, extractors, EvalOptions(), progress=Silent(), task="look")
    )


def test_it_survives_the_disk(data, extractors, tmp_path):
    seen = extract_features(data, extractors, EvalOptions(num=7), progress=Silent(), task="look")
    seen.save(tmp_path / "seen.npz")
    assert equal(seen, FeatureCache.load(tmp_path / "seen.npz"))
    (tmp_path / "torn.npz").write_bytes((tmp_path / "seen.npz").read_bytes()[:200])
    with pytest.raises(ValueError, match=r"expected arrays \(.npz\), got: .*rerun the sweep"):
        FeatureCache.load(tmp_path / "torn.npz")
    with pytest.raises(FileNotFoundError):
        FeatureCache.load(tmp_path / "nothing.npz")


def test_parts_are_cut_by_image(data, extractors):
    seen = extract_features(data, extractors, EvalOptions(), progress=Silent(), task="look")
    first = extract_features(data, extractors, EvalOptions(num=4), progress=Silent(), task="look")
    assert equal(seen.part(0, 4), first)
    assert seen.take(np.array([3, 1])).ids == (seen.ids[3], seen.ids[1])
    assert len(seen.part(4, None)) == len(seen) - 4


def test_predicted_layouts_are_written(data, extractors, tmp_path):
    eval_options = EvalOptions(num=3, predicted_dir=tmp_path)
    extract_features(data, extractors, eval_options, progress=Silent(), task="look")
    expected = extractors.segmenter.predict(torch.stack([data[i].image for i in range(3)])).layouts
    for index in range(3):
        assert torch.equal(read_layout(tmp_path / f"{data[index].id}.png"), expected[index])


def test_other_captions_are_matched_with_the_same_images(data, extractors, monkeypatch):
    seen = extract_features(data, extractors, EvalOptions(num=5), progress=Silent(), task="look")
    captions = ["sky", "road", "cars", " ".join(["sky and road and cars"] * 5), "cars and road"]
    monkeypatch.setattr("gcdp_bench.evaluation.features.BATCH", 2)
    again = rescore_captions(data, seen, captions, extractors)
    alone = [
        extractors.clip.cosines(data[index].image[None], [caption]).cosines[0]
        for index, caption in enumerate(captions)
    ]
    assert again.cosines == pytest.approx(alone, abs=1e-6)
    assert np.abs(again.cosines - seen.cosines).min() > 1e-4, "or this test could not fail"
    assert again.too_long.tolist() == [False, False, False, True, False]
    assert again.captions == tuple(captions)
    own = {name: seen.arrays[name] for name in ("cosines", "too_long")}
    assert equal(replace(again, captions=seen.captions).with_arrays(own), seen)


def test_any_array_is_taken_joined_and_stored_under_the_names_of_old_files(tmp_path):
    arrays = {
        "counts a b": np.arange(6).reshape(3, 2),
        "confusions a b": np.zeros((3, 2, 2), np.int64),
        "features tf1": np.ones((3, 4), np.float32),
        "cosines": np.zeros(3, np.float32),
        "too_long": np.zeros(3, bool),
        "theirs": np.arange(3.0),
    }
    seen = FeatureCache(("0", "1", "2"), ("x", "y", "z"), 4, arrays)
    turned = FeatureCache.concat([seen.take(np.array([2])), seen.part(0, 2)])
    assert turned.ids == ("2", "0", "1") and turned.captions == ("z", "x", "y")
    assert turned.arrays["theirs"].tolist() == [2.0, 0.0, 1.0]
    turned.save(tmp_path / "seen.npz")
    with np.load(tmp_path / "seen.npz") as stored:
        assert {"counts-0", "confusions-0", "features-tf1", "cosines", "theirs"} < {*stored.files}
        assert stored["segmenters"].tolist() == ["a b"]
    assert equal(FeatureCache.load(tmp_path / "seen.npz"), turned)
    with pytest.raises(ValueError, match="theirs: expected 3 images, got shape"):
        seen.with_arrays({"theirs": np.zeros(2)})

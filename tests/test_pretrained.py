"""The generators that ship draw what their datasets show, and are small."""

import pytest
import torch

from gcdp_bench.core.sampling_config import SamplingConfig
from gcdp_bench.datasets.identities import dataset_identity
from gcdp_bench.datasets.registry import image_size_of, open_dataset
from gcdp_bench.generators.registry import GENERATORS
from gcdp_bench.training.networks import PROJECT
from gcdp_bench.training.runs import PRETRAINED, find_run

WIDTH, NUM = 128, 24  # so many, because the means of two sets of 8 portraits differ much
MAX_BYTES = 100e6
NETWORKS = [
    (name, folder.name)
    for name in GENERATORS
    for pattern in GENERATORS[name].pretrained
    for folder in sorted(PROJECT.glob(pattern.format(dataset="*")))
    if folder.is_dir()
]


@pytest.mark.parametrize("dataset", ["synth-city-25", "synth-face-25"])
def test_every_generator_of_captions_ships(dataset):
    expected = {name for name, spec in GENERATORS.items() if spec.reads_captions}
    assert {name for name, found in NETWORKS if found == dataset} == expected


@pytest.mark.slow
@pytest.mark.parametrize(("name", "dataset"), NETWORKS)
def test_the_mean_sample_looks_like_the_mean_image(name, dataset):
    size = image_size_of(dataset, WIDTH)
    real = open_dataset(dataset, "test", size=size, data_root=None)
    triplets = [real[index] for index in range(NUM)]
    images = torch.stack([triplet.image for triplet in triplets])  # (B, 3, H, W)
    run = find_run(GENERATORS[name], dataset_identity(dataset), PRETRAINED)
    generator = GENERATORS[name].load(name, run.folder, SamplingConfig(steps=8, sr_steps=2))
    assert generator.trained_on == dataset
    captions = [triplet.caption for triplet in triplets]
    samples = generator.sample(captions, guidance=1.0, seeds=range(NUM)).images  # (B, 3, H, W)
    assert samples.shape == images.shape
    means = torch.stack([samples.float().mean(0).flatten(), images.float().mean(0).flatten()])
    assert torch.corrcoef(means)[0, 1] > 0.5


def test_all_weights_together_are_small():
    folders = (PROJECT / part for part in ("gcdp_bench", "baselines", "reference_model"))
    files = [path for folder in folders for path in folder.rglob("pretrained/**/*.safetensors")]
    assert len(files) > len(NETWORKS)  # extractors too
    assert sum(path.stat().st_size for path in files) < MAX_BYTES

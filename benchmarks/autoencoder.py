"""Upper bound of latent diffusion: test images after its autoencoder.

    python -m benchmarks.autoencoder [--dataset synth-city-25] [--num-samples 500]

Encodes each image to the mean of its posterior and decodes it. Prints one JSON line: the peak
signal-to-noise ratio averaged over images, and FID and Semantic Recall of the reconstructions,
evaluated like samples of a generator. The real images that FID compares with include the same
ones, as
reconstruction FID is defined (Rombach et al. 2022, Table 8).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from baselines.ldm.autoencoder import load_autoencoder
from baselines.ldm.sampler import decode
from benchmarks.scoring import score_folder
from gcdp_bench.core.images import to_float
from gcdp_bench.core.progress import Silent
from gcdp_bench.datasets.folder_writer import FolderWriter
from gcdp_bench.datasets.identities import dataset_identity
from gcdp_bench.datasets.registry import image_size_of, open_dataset
from gcdp_bench.datasets.shuffled import shuffled
from gcdp_bench.evaluation import reference_statistics
from gcdp_bench.extractors.bundle import ExtractorRequest, load_extractors
from gcdp_bench.generators.registry import AUTOENCODER
from gcdp_bench.io.cache import UserCache
from gcdp_bench.metrics.definitions.features import frechet_name
from gcdp_bench.training.runs import find_run

BATCH = 16
WHITE = 255.0


@torch.no_grad()
def main() -> None:
    """Evaluate reconstructions."""
    parser = argparse.ArgumentParser(description="Reconstructions of the autoencoder, evaluated.")
    parser.add_argument("--dataset", default="synth-city-25")
    parser.add_argument("--num-samples", type=int, default=500)
    parser.add_argument("--width", type=int, default=128, help="of the images, in pixels")
    parser.add_argument("--autoencoder", type=Path, help="folder [that of the dataset]")
    options = parser.parse_args()
    autoencoder = load_autoencoder(
        find_run(AUTOENCODER, dataset_identity(options.dataset), options.autoencoder).folder
    )
    scale = autoencoder.config["scaling_factor"]
    extractors = load_extractors(ExtractorRequest(dataset=dataset_identity(options.dataset)))
    size = image_size_of(options.dataset, options.width)
    dataset = shuffled(open_dataset(options.dataset, "test", size=size, data_root=None))
    num = min(options.num_samples, len(dataset))
    psnr = []
    with TemporaryDirectory() as folder:
        samples = Path(folder) / "reconstructions"
        writer = FolderWriter(
            samples, class_names=dataset.class_names, dataset=options.dataset, split="test"
        )
        for start in range(0, num, BATCH):
            triplets = [dataset[index] for index in range(start, min(start + BATCH, num))]
            images = torch.stack([triplet.image for triplet in triplets])  # (B, 3, H, W)
            posterior = autoencoder.encode(to_float(images), return_dict=False)[0]
            latents = posterior.mean * scale  # (B, Z, h, w)
            found = decode(autoencoder, latents)  # (B, 3, H, W)
            error = (found.float() - images.float()).square().mean((1, 2, 3))  # (B,)
            psnr.append(10.0 * torch.log10(WHITE**2 / error))
            for place, triplet in enumerate(triplets):
                writer.write(f"{start + place:06d}", found[place], None, triplet.caption)
        reference = reference_statistics(dataset, extractors, UserCache(), Silent())
        totals = score_folder(samples, reference, extractors, has_layouts=False)
    name = frechet_name(extractors.features[0].protocol)
    case = {
        "dataset": options.dataset,
        "samples": num,
        "psnr_db": round(float(torch.cat(psnr).mean()), 2),
        name: round(totals[name], 3),
        "semantic_recall": round(totals["semantic_recall"], 4),
    }
    print(json.dumps(case))


if __name__ == "__main__":
    main()

"""Expected cost of a sweep, before anything is loaded."""

from __future__ import annotations

from gcdp_bench.core.config import read_table
from gcdp_bench.core.images import Size
from gcdp_bench.datasets.identities import dataset_identity
from gcdp_bench.datasets.identity import DatasetIdentity
from gcdp_bench.datasets.outlines import require_shapes
from gcdp_bench.datasets.registry import image_size_of, protocol_split
from gcdp_bench.generators.registry import find_generators, generator_spec
from gcdp_bench.metrics.lookup import all_metrics
from gcdp_bench.sweep.config import GUIDANCE_LADDER, Paths, SweepConfig
from gcdp_bench.sweep.estimate import Estimate, estimate

TINY_WIDTH = 128  # px, of images at the tiny preset


def expected(config: SweepConfig, paths: Paths) -> Estimate:
    """See `gcdp_bench.sweep.estimate.estimate`.

    Raises:
        ValueError: real images cannot be used at the size of the samples, or a metric of an
            installed package cannot be used, as in the sweep.
    """
    all_metrics()
    dataset = dataset_identity(config.dataset, data_root=paths.data_root)
    sampling = config.sampling
    size = _size(config, paths, dataset)
    require_shapes(
        config.dataset,
        size,
        splits=(protocol_split(config.dataset, config.protocol),),
        exclude=paths.exclude,
        resize=paths.resize,
    )
    given = dict(paths.weights)
    return estimate(
        [generator_spec(name, given.get(name)) for name in config.model_names],
        values={"guidance": config.guidance, "truncation": config.truncation, "none": (1.0,)},
        num_seeds=len(config.seeds),
        num_samples=config.num_samples,
        steps=sampling.steps,
        sr_steps=sampling.sr_steps,
        size=size,
        ladder=GUIDANCE_LADDER,
        device=sampling.device,
        results=paths.results,
        dataset=dataset.name,
    )


def _size(config: SweepConfig, paths: Paths, dataset: DatasetIdentity) -> Size:
    """Of the first trained generator's images, else that of the tiny preset."""
    given = dict(paths.weights)
    for name in config.model_names:
        try:
            folder = find_generators([name], given, dataset)[name].folder
        except (FileNotFoundError, ValueError):
            continue
        found = [
            tuple(table["image_size"])
            for path in (*folder.glob("config.json"), *folder.glob("*/config.json"))
            for table in read_table(path).get("task", {}).values()
            if isinstance(table, dict) and isinstance(table.get("image_size"), list)
        ]
        if found:
            height, width = max(found)
            return height, width
    return image_size_of(config.dataset, TINY_WIDTH)

"""The only map from names to code: datasets, generators, and what can be trained."""

from gcdp_bench.catalog.datasets import (
    DATA_ROOT_VARIABLE,
    DATASETS,
    DatasetSpec,
    check_dataset,
    dataset_identity,
    has_attributes,
    image_size_of,
    open_dataset,
    open_faulty,
    protocol_split,
    resolve_data_root,
    splits_on_disk,
)
from gcdp_bench.catalog.generators import (
    CASCADE_STAGES,
    CASCADES,
    GENERATORS,
    PROJECT,
    TASKS,
    GeneratorSpec,
    generator_folder,
    recorded_seed,
    trained_parts,
)
from gcdp_bench.catalog.names import lookup

__all__ = [
    "CASCADES",
    "CASCADE_STAGES",
    "DATASETS",
    "DATA_ROOT_VARIABLE",
    "GENERATORS",
    "PROJECT",
    "TASKS",
    "DatasetSpec",
    "GeneratorSpec",
    "check_dataset",
    "dataset_identity",
    "generator_folder",
    "has_attributes",
    "image_size_of",
    "lookup",
    "open_dataset",
    "open_faulty",
    "protocol_split",
    "recorded_seed",
    "resolve_data_root",
    "splits_on_disk",
    "trained_parts",
]

"""The only map from names to code: datasets, generators, and what can be trained."""

from gcdp_bench.catalog.datasets import (
    DATA_ROOT_VARIABLE,
    DATASETS,
    DatasetSpec,
    check_dataset,
    check_quarantine,
    has_attributes,
    image_size_of,
    is_folder,
    native_size_of,
    num_items,
    open_dataset,
    open_faulty,
    protocol_split,
    resolve_data_root,
    splits_on_disk,
)
from gcdp_bench.catalog.generators import (
    CASCADES,
    GENERATORS,
    TASKS,
    GeneratorSpec,
    trained_parts,
)
from gcdp_bench.catalog.identities import dataset_identity
from gcdp_bench.catalog.names import lookup
from gcdp_bench.catalog.outlines import outline, require_shapes
from gcdp_bench.catalog.presets import PRESET_NAMES, check_training

__all__ = [
    "CASCADES",
    "DATASETS",
    "DATA_ROOT_VARIABLE",
    "GENERATORS",
    "TASKS",
    "PRESET_NAMES",
    "DatasetSpec",
    "GeneratorSpec",
    "check_dataset",
    "check_quarantine",
    "check_training",
    "dataset_identity",
    "has_attributes",
    "image_size_of",
    "is_folder",
    "native_size_of",
    "num_items",
    "lookup",
    "open_dataset",
    "open_faulty",
    "outline",
    "protocol_split",
    "require_shapes",
    "resolve_data_root",
    "splits_on_disk",
    "trained_parts",
]

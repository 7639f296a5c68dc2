"""Costs of a sweep's generators: one line per trained network, and per value of the sampling
parameter one line of what a sample costs, in `RESULTS/costs.parquet`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from gcdp_bench.core.config import to_dict
from gcdp_bench.core.types import Generator
from gcdp_bench.io.atomic import replacing
from gcdp_bench.io.locks import exclusive
from gcdp_bench.io.parquet import open_parquet, typed
from gcdp_bench.profiling.flops import FlopCounter
from gcdp_bench.profiling.training_cost import generator_costs
from gcdp_bench.results.schema import renamed

if TYPE_CHECKING:
    import pandas as pd

SAMPLING = "sampling"
"""Value of `part` in lines of what one sample costs."""

NEUTRAL = 1.0
"""Value of every sampling parameter that means none of it."""

COLUMNS = {
    "dataset": "string",  # of the sweep
    "model": "string",
    "trained_on": "string",  # the generator's dataset
    "weights": "string",  # as in the rows: digest of the generator's weights and sampling settings
    "part": "string",  # a trained network of the generator, or SAMPLING
    "part_trained_on": "string",  # the network's dataset; missing: not recorded, or SAMPLING
    "param_value": "float64",  # SAMPLING: value of the parameter; NaN: a trained network
    "steps": "Int64",  # of the optimizer; missing: not recorded, or SAMPLING; so all below
    "examples_seen": "Int64",
    "wall_sec": "float64",
    "cpu_sec": "float64",
    "gpu_sec": "float64",
    "num_parameters": "Int64",  # that were trained; SAMPLING: in use, frozen ones too
    "flops": "float64",  # of one training example; SAMPLING: of one sample
    "hardware": "string",
    "threads": "Int64",
}
KEY = ["dataset", "model", "weights", "part", "param_value"]
"""Columns that identify a line: recording the same thing again replaces it."""


@dataclass(frozen=True, kw_only=True)
class SamplingCost:
    """Cost of one sample: text encoder, every step of every stage, decoder."""

    param_value: float  # value of the parameter
    flops: int
    num_parameters: int  # of every network that takes part


def sampling_cost(generator: Generator, caption: str, param_value: float) -> SamplingCost:
    """Draw one sample and count.

    Args:
        generator: sampled as it is set.
        caption: any; the count hardly depends on it.
        param_value: of the sampling parameter; a guided step asks the network twice.
    """
    with torch.compiler.set_stance("force_eager"), FlopCounter() as counter:
        generator.sample([caption], guidance=param_value, seeds=[0])
    return SamplingCost(
        param_value=param_value, flops=counter.flops, num_parameters=counter.num_parameters
    )


def record_costs(
    results: Path,
    generator: Generator,
    folder: Path,
    *,
    parts: Sequence[str],
    context: Mapping[str, str],
    values: Iterable[float],
    caption: str,
) -> Path:
    """Add what the parts of a generator cost, and what a sample costs at values of its parameter.

    The parameter's value 1 means none of it, and every other value asks the networks alike: two
    samples at most are drawn, and none whose count is in the table already.

    Args:
        results: folder of the sweep.
        generator: as the sweep samples it.
        folder: that it was loaded from.
        parts: networks that were trained for it; one without a record gets a line without numbers.
        context: columns "dataset", "trained_on" and "weights", as in the rows.
        values: of the sampling parameter.
        caption: to sample.

    Returns:
        The table's file.
    """
    shared = {"model": generator.name, **context}
    names = {generator.trained_on: context["trained_on"]}  # of data in the records -> in rows
    records = [shared | record for record in _training_records(folder, parts, names)]
    held = read_costs(results)
    held = held[(held["dataset"] == context["dataset"]) & (held["weights"] == context["weights"])]
    held = held.loc[held["part"] == SAMPLING, ["param_value", "flops", "num_parameters"]]
    known = {
        value == NEUTRAL: SamplingCost(
            param_value=value, flops=int(flops), num_parameters=int(num_parameters)
        )
        for value, flops, num_parameters in held.itertuples(index=False, name=None)
    }
    for value in sorted(set(values) - set(held["param_value"])):
        kind = value == NEUTRAL
        known[kind] = (
            replace(known[kind], param_value=value)
            if kind in known
            else sampling_cost(generator, caption, value)
        )
        records.append(shared | {"part": SAMPLING, **to_dict(known[kind])})
    merge_costs(results, to_frame(records))
    return results / "costs.parquet"


def to_frame(records: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Lines with the columns and types of the table; what a record lacks is missing.

    Raises:
        ValueError: a record has something that is no column.
    """
    import pandas as pd

    for record in records:
        if unknown := record.keys() - COLUMNS.keys():
            raise ValueError(f"cost: expected of {', '.join(COLUMNS)}, got {', '.join(unknown)}")
    return pd.DataFrame(list(records), columns=list(COLUMNS)).astype(COLUMNS)


def read_costs(results: Path) -> pd.DataFrame:
    """Lines of a results folder; none where nobody recorded any.

    Raises:
        ValueError: the file is damaged or lacks columns.
    """
    path = results / "costs.parquet"
    if not path.exists():
        return to_frame([])
    return read_table(path)


def read_table(path: Path) -> pd.DataFrame:
    """Lines of one file, of an older version too.

    Raises:
        FileNotFoundError: no such file.
        ValueError: as `read_costs`.
    """
    remedy = "remove it and rerun the sweep"
    return typed(renamed(open_parquet(path, remedy=remedy)), path, COLUMNS, remedy=remedy)


def merge_costs(results: Path, new: pd.DataFrame) -> pd.DataFrame:
    """Add lines to `costs.parquet`; equal keys take the new line."""
    import pandas as pd

    path = results / "costs.parquet"
    with exclusive(path):
        held = read_costs(results)
        merged = pd.concat([held, new], ignore_index=True) if len(held) else new
        merged = merged.drop_duplicates(KEY, keep="last")
        merged = merged.sort_values(KEY, ignore_index=True, na_position="first")
        with replacing(path) as temporary:
            merged.to_parquet(temporary, index=False)
    return merged


def _training_records(
    folder: Path, parts: Sequence[str], names: Mapping[str, str]
) -> list[dict[str, Any]]:
    costs = {cost.part: cost for cost in generator_costs(folder)}
    records = [{"part": part} for part in parts if part not in costs]
    for cost in costs.values():
        record = to_dict(cost)
        data = record.pop("dataset")
        record["part_trained_on"] = names.get(data, data)
        record["flops"] = record.pop("flops_per_example")
        records.append(record)
    return records

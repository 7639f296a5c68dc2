"""The table of costs: one line per network and per sampled sampling parameter value, each measured
once."""

from dataclasses import replace

import pandas as pd
import pytest
import torch
from torch import nn

from gcdp_bench.core.types import GUIDANCE, Batch
from gcdp_bench.profiling.training_cost import TrainingCost, write_cost
from gcdp_bench.results.costs import (
    COLUMNS,
    SAMPLING,
    merge_costs,
    read_costs,
    record_costs,
    sampling_cost,
    to_frame,
)

COST = TrainingCost(
    part="base",
    dataset="d",
    steps=5,
    examples_seen=40,
    num_parameters=7,
    wall_sec=2.0,
    cpu_sec=None,
    gpu_sec=0.0,
    flops_per_example=9.5,
    hardware="a machine",
    threads=1,
)


class Guided:
    """Asks a linear network `num_steps` times, twice as often when it is guided."""

    name, trained_on, digest, settings, num_steps = "guided", "d", "abc", {}, 3
    device = "cpu"
    parameter, makes_layouts, class_names, image_size = GUIDANCE, False, ("a",), (2, 2)

    def __init__(self):
        self.network = nn.Linear(6, 6)
        self.unused = nn.Linear(6, 6)
        self.num_calls = 0

    def sample(self, captions, *, guidance, seeds):
        self.num_calls += 1
        x = torch.zeros(len(captions), 6)
        with torch.inference_mode():
            for _ in range(self.num_steps * (1 if guidance == 1.0 else 2)):
                x = self.network(x)
        images = torch.zeros(len(captions), 3, 2, 2, dtype=torch.uint8)
        return Batch(tuple(map(str, seeds)), images, None, tuple(captions))


@pytest.fixture
def folder(tmp_path):
    write_cost(tmp_path / "model" / "base", COST)
    return tmp_path / "model"


def record(results, generator, folder, guidance, weights="w", trained_on="d"):
    context = {"dataset": "d", "trained_on": trained_on, "weights": weights}
    record_costs(
        results, generator, folder, parts=("base",), context=context, values=[guidance], caption="a"
    )


def test_a_sample_costs_what_its_network_calls_cost():
    plain, guided = (sampling_cost(Guided(), "a", guidance) for guidance in (1.0, 2.0))
    assert plain.flops == 3 * 2 * 6 * 6 and guided.flops == 2 * plain.flops
    assert plain.num_parameters == 6 * 6 + 6


def test_parts_and_samples_are_lines(tmp_path, folder):
    record(tmp_path, Guided(), folder, 2.0)
    table = read_costs(tmp_path)
    assert list(table.columns) == list(COLUMNS) and table["part"].tolist() == ["base", SAMPLING]
    base, sampling = table.iloc[0], table.iloc[1]
    assert base["part_trained_on"] == "d" and base["flops"] == 9.5 and base["gpu_sec"] == 0.0
    assert pd.isna(base["cpu_sec"]) and pd.isna(base["param_value"])
    assert sampling["flops"] == 6 * 2 * 6 * 6 and sampling["param_value"] == 2.0
    assert pd.isna(sampling["examples_seen"]) and pd.isna(sampling["wall_sec"])


def test_lines_tell_other_data_of_the_same_name(tmp_path, folder):
    record(tmp_path, Guided(), folder, 2.0, trained_on="d@0123")
    table = read_costs(tmp_path).set_index("part")
    assert set(table["trained_on"]) == {"d@0123"}
    assert table.at["base", "part_trained_on"] == "d@0123"


def test_every_parameter_value_is_sampled_once(tmp_path, folder):
    generator = Guided()
    for guidance in (1.0, 2.0, 1.0, 2.0):
        record(tmp_path, generator, folder, guidance)
    assert generator.num_calls == 2 and len(read_costs(tmp_path)) == 3
    record(tmp_path, generator, folder, 1.0, weights="other")
    assert generator.num_calls == 3 and len(read_costs(tmp_path)) == 5


def test_values_that_ask_alike_are_sampled_once(tmp_path, folder):
    generator = Guided()
    context = {"dataset": "d", "trained_on": "d", "weights": "w"}
    record_costs(
        tmp_path, generator, folder, parts=(), context=context, values=[4, 1, 2, 8], caption="a"
    )
    assert generator.num_calls == 2
    record(tmp_path, generator, folder, 3.0)
    assert generator.num_calls == 2
    table = read_costs(tmp_path)
    flops = table[table["part"] == SAMPLING].set_index("param_value")["flops"]
    assert (flops[[2.0, 3.0, 4.0, 8.0]] == sampling_cost(Guided(), "a", 5.0).flops).all()
    assert flops[1.0] == flops[2.0] / 2


def test_a_part_without_a_record_has_a_line_without_numbers(tmp_path, folder):
    context = {"dataset": "d", "trained_on": "d", "weights": "w"}
    record_costs(
        tmp_path, Guided(), folder, parts=("sr", "base"), context=context, values=[1.0], caption="a"
    )
    table = read_costs(tmp_path).set_index("part")
    assert set(table.index) == {"base", "sr", SAMPLING}
    known = table.loc["sr"].dropna()
    assert list(known.index) == ["dataset", "model", "trained_on", "weights"]
    write_cost(folder / "sr", replace(COST, part="sr"))
    record(tmp_path, Guided(), folder, 1.0)
    assert read_costs(tmp_path).set_index("part").at["sr", "examples_seen"] == 40


def test_equal_keys_take_the_new_line(tmp_path):
    line = {"dataset": "d", "model": "m", "trained_on": "d", "weights": "w", "part": "base"}
    merge_costs(tmp_path, to_frame([line | {"flops": 1.0}, line | {"part": "sr", "flops": 2.0}]))
    merge_costs(tmp_path, to_frame([line | {"flops": 3.0}]))
    table = read_costs(tmp_path)
    assert dict(zip(table["part"], table["flops"], strict=True)) == {"base": 3.0, "sr": 2.0}


def test_no_record_is_an_empty_table(tmp_path):
    table = read_costs(tmp_path)
    assert len(table) == 0 and list(table.columns) == list(COLUMNS)


def test_faults_are_named(tmp_path):
    with pytest.raises(ValueError, match="cost: expected of dataset, .*, got speed"):
        to_frame([{"speed": 1.0}])
    pd.DataFrame({"dataset": ["d"]}).to_parquet(tmp_path / "costs.parquet")
    with pytest.raises(ValueError, match="lacks cpu_sec, examples_seen.*rerun the sweep"):
        read_costs(tmp_path)

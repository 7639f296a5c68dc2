"""What a training cost: added up over steps and resumes, missing where unknown."""

import time
from dataclasses import replace

import pytest
import torch
from torch import nn

from gcdp_bench.core.config import from_dict, to_dict
from gcdp_bench.profiling.training_cost import (
    COUNT_EVERY,
    COUNTED_STEPS,
    Meter,
    Spent,
    TrainingCost,
    generator_costs,
    read_cost,
    write_cost,
)

CPU = torch.device("cpu")
COST = TrainingCost(
    part="base",
    dataset="d",
    steps=5,
    examples_seen=40,
    num_parameters=7,
    wall_sec=2.0,
    cpu_sec=3.0,
    gpu_sec=0.0,
    flops_per_example=9.5,
    hardware="a machine",
    threads=1,
)


def finish(meter):
    return meter.cost(part="base", dataset="d", steps=2, examples_seen=8, num_parameters=1)


def test_time_is_added_up_over_steps():
    meter = Meter(Spent(), device=CPU)
    wall, cpu = time.perf_counter(), time.process_time()
    for number in range(2):
        with meter.step(number, 4):
            time.sleep(0.05)
            until = time.process_time() + 0.05
            while time.process_time() < until:
                pass
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    cost = finish(meter)
    assert cost.wall_sec is not None and cost.cpu_sec is not None
    assert 0.2 <= cost.wall_sec <= wall and 0.1 <= cost.cpu_sec <= cpu
    assert cost.cpu_sec < cost.wall_sec - 0.09  # to sleep takes no processor
    assert cost.gpu_sec == 0.0


def test_flops_are_those_of_an_average_step():
    network, x = nn.Linear(3, 5), torch.ones(4, 3)
    meter = Meter(Spent(), device=CPU)
    for step in range(COUNTED_STEPS + 4):
        with meter.step(step, 4):
            for _ in range(2 if step % 8 == 0 else 1):  # every 8th step costs twice as much
                network(x).sum().backward()
    per_example = 2 * (2 * 3 * 5)  # forward, and the gradient of the weight
    assert finish(meter).flops_per_example == per_example * (1 + 1 / 8)


def test_a_network_that_grows_is_counted_again_and_again():
    network = nn.Linear(3, 5)
    meter = Meter(Spent(), device=CPU)
    for number in (*range(COUNTED_STEPS), *range(COUNT_EVERY, COUNT_EVERY + COUNTED_STEPS)):
        with meter.step(number, 4):
            network(torch.ones(4 if number < COUNT_EVERY else 12, 3))
    with meter.step(COUNT_EVERY - 1, 4):
        network(torch.ones(400, 3))
    assert finish(meter).flops_per_example == 2 * 3 * 5 * 2  # the mean of 1 and 3


def test_a_resumed_training_goes_on_where_it_was():
    network, x = nn.Linear(3, 5), torch.ones(4, 3)
    whole, first = Meter(Spent(), device=CPU), Meter(Spent(), device=CPU)
    for meter, number, repeats in ((whole, 0, 1), (first, 0, 1), (whole, 1, 3)):
        with meter.step(number, 4):
            for _ in range(repeats):
                network(x)
    stored = from_dict(Spent, to_dict(first.spent))
    second = Meter(replace(stored, wall_sec=10.0), device=CPU)
    with second.step(1, 4):
        for _ in range(3):
            network(x)
    assert finish(second).flops_per_example == finish(whole).flops_per_example == 2 * 2 * 3 * 5
    assert 10.0 < (finish(second).wall_sec or 0.0) < 11.0


def test_what_was_not_recorded_stays_missing():
    meter = Meter(Spent(wall_sec=5.0, cpu_sec=None, gpu_sec=None), device=CPU)
    with meter.step(COUNTED_STEPS, 4):
        pass
    cost = finish(meter)
    assert cost.cpu_sec is None and cost.gpu_sec is None and cost.flops_per_example is None
    assert cost.wall_sec is not None and cost.wall_sec > 5.0


def test_several_processes_hold_several_gpus(monkeypatch):
    monkeypatch.setattr(
        "gcdp_bench.profiling.training_cost.hardware", lambda device: f"a machine with {device}"
    )
    meter = Meter(Spent(), device=torch.device("cuda"), num_processes=3)
    network, x = nn.Linear(3, 5), torch.ones(4, 3)
    with meter.step(0, 12):
        network(x)
    cost = finish(meter)
    assert cost.gpu_sec == pytest.approx(3 * (cost.wall_sec or 0.0)) and cost.cpu_sec is None
    assert cost.flops_per_example == 2 * 3 * 5
    assert cost.hardware == "a machine with cuda"


def test_a_step_that_fails_adds_nothing():
    meter = Meter(Spent(), device=CPU)
    with pytest.raises(FloatingPointError), meter.step(0, 4):
        raise FloatingPointError
    assert meter.spent == Spent()


def test_costs_lie_beside_weights(tmp_path):
    assert read_cost(tmp_path) is None and generator_costs(tmp_path) == []
    unknown = replace(
        COST,
        part="ldm",
        wall_sec=None,
        cpu_sec=None,
        gpu_sec=None,
        flops_per_example=None,
        threads=None,
    )
    write_cost(tmp_path, unknown)
    write_cost(tmp_path / "vae", replace(COST, part="autoencoder"))
    assert read_cost(tmp_path) == unknown
    assert [cost.part for cost in generator_costs(tmp_path)] == ["ldm", "autoencoder"]


def test_a_damaged_record_is_named(tmp_path):
    write_cost(tmp_path, COST)
    path = tmp_path / "cost.json"
    path.write_text(path.read_text().replace('"steps": 5', '"stops": 5'))
    with pytest.raises(ValueError, match=r"cost\.json: unknown key 'stops'; did you mean 'steps'"):
        read_cost(tmp_path)

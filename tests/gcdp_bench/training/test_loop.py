"""The loop on a regression whose answer is known."""

import dataclasses
import json
import math
import re

import pytest
import torch
from torch import nn

from gcdp_bench.core.images import to_uint8
from gcdp_bench.core.progress import Silent
from gcdp_bench.profiling.training_cost import read_cost
from gcdp_bench.training import checkpoint
from gcdp_bench.training.failures import Diverged, enough_memory
from gcdp_bench.training.loop import TrainingConfig, train
from gcdp_bench.training.steps import step_indices
from gcdp_bench.training.task import AdversarialTask, Task

CONFIG = TrainingConfig(steps=12, batch_size=4, warmup_steps=3, checkpoint_every=4)


class Regression:
    """y = x . (1, -2, 3), drawn anew in every batch."""

    num_examples = 10
    loss_weights = {"fit": 1.0, "size": 0.0}

    def __init__(self, fails_at: int | None = None, name: str = "regression"):
        self.fails_at = fails_at
        self.name = name
        self.calls = 0

    def build(self) -> nn.Module:
        return nn.Linear(3, 1)

    def batch(self, indices, generator):
        x = torch.randn(len(indices), 3, generator=generator)
        return {"x": x, "y": x @ torch.tensor([[1.0], [-2.0], [3.0]])}

    def losses(self, network, batch):
        self.calls += 1
        fit = ((network(batch["x"]) - batch["y"]) ** 2).mean()
        return {
            "fit": fit * math.nan if self.calls == self.fails_at else fit,
            "size": network(batch["x"]).square().mean(),
        }

    def validation(self, network):
        return {"bias": float(network.bias.detach())}

    def preview(self, network):
        return torch.zeros(3, 4, 4, dtype=torch.uint8)

    def metadata(self):
        return {"name": self.name}


def run(task: Task | AdversarialTask, folder, config=CONFIG, resume=False):
    return train(task, config, folder, resume=resume, progress=Silent(), part="fit", dataset="toy")


def files(folder):
    last = checkpoint.checkpoints(folder)[-1]
    return {path.name: path.read_bytes() for path in last.glob("*.safetensors")}


def test_it_learns(tmp_path):
    config = TrainingConfig(
        steps=400,
        batch_size=16,
        warmup_steps=0,
        learning_rate=0.05,
        decay="cosine",
        ema_max_decay=0.9,
        checkpoint_every=400,
    )
    run(Regression(), tmp_path, config)
    weight = checkpoint.load_weights(tmp_path / "model.safetensors")["weight"]
    assert torch.allclose(weight, torch.tensor([[1.0, -2.0, 3.0]]), atol=0.02)


def test_resume_equals_an_uninterrupted_run(tmp_path):
    run(Regression(), tmp_path / "whole")
    run(Regression(), tmp_path / "parts", dataclasses.replace(CONFIG, steps=8))
    run(Regression(), tmp_path / "parts", resume=True)
    assert files(tmp_path / "whole") == files(tmp_path / "parts")


def test_accumulated_micro_batches_equal_one_batch(tmp_path):
    """With fixed data the gradient of 2 x 4 examples is that of 8."""

    class Fixed(Regression):
        def batch(self, indices, generator):
            x = torch.linspace(-1, 1, 3 * self.num_examples).reshape(-1, 3)[list(indices)]
            return {"x": x, "y": x @ torch.tensor([[1.0], [-2.0], [3.0]])}

    big = dataclasses.replace(CONFIG, batch_size=8, steps=5)
    small = dataclasses.replace(CONFIG, batch_size=4, accumulation=2, steps=5)
    run(Fixed(), tmp_path / "big", big)
    run(Fixed(), tmp_path / "small", small)
    one, two = (
        checkpoint.load_weights(tmp_path / name / "model.safetensors")["weight"]
        for name in ("big", "small")
    )
    assert torch.allclose(one, two, atol=1e-6)


def test_a_run_is_not_overwritten(tmp_path):
    run(Regression(), tmp_path)
    with pytest.raises(FileExistsError, match="--resume"):
        run(Regression(), tmp_path)


def test_resume_refuses_another_configuration(tmp_path):
    run(Regression(), tmp_path)
    with pytest.raises(ValueError, match="training.learning_rate"):
        run(Regression(), tmp_path, dataclasses.replace(CONFIG, learning_rate=1.0), resume=True)
    with pytest.raises(ValueError, match="task.name"):
        run(Regression(name="other"), tmp_path, resume=True)


def test_a_loss_that_is_not_finite_stops_with_the_last_checkpoint(tmp_path):
    with pytest.raises(Diverged, match=r"step 7: .*step-00000004") as caught:
        run(Regression(fails_at=7), tmp_path)
    assert list(caught.value.examples) == step_indices(6, 4, 10, seed=0)
    assert f"examples of the batch: {', '.join(map(str, caught.value.examples))};" in str(
        caught.value
    )


def test_the_examples_of_all_micro_batches_are_named(tmp_path):
    """The 8th loss is of the second step's second micro-batch."""
    config = dataclasses.replace(CONFIG, batch_size=2, accumulation=4)
    with pytest.raises(Diverged, match="step 2") as caught:
        run(Regression(fails_at=8), tmp_path, config)
    assert list(caught.value.examples) == [
        index for number in range(4, 8) for index in step_indices(number, 2, 10, seed=0)
    ]


def test_no_memory_left_says_what_to_change_and_keeps_the_checkpoint(tmp_path):
    class Large(Regression):
        def losses(self, network, batch):
            if self.calls == 6:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
            return super().losses(network, batch)

    run(Regression(), tmp_path / "whole")
    with pytest.raises(MemoryError) as caught:
        run(Large(), tmp_path / "large")
    message = str(caught.value)
    assert message.startswith("out of memory at step 7: 4 examples at a time")
    for hint in (
        "CUDA out of memory",
        "step-00000004",
        "--set batch_size=2 --set accumulation=2",
        "--set precision=bf16",
        "gradient_checkpointing=true",
    ):
        assert hint in message
    run(Regression(), tmp_path / "large", resume=True)
    assert files(tmp_path / "whole") == files(tmp_path / "large")


@pytest.mark.parametrize(
    ("batch_size", "num_processes", "hint"), [(8, 2, (4, 4)), (6, 2, (2, 6)), (1, 1, None)]
)
def test_smaller_batches_are_of_as_many_examples_a_step(tmp_path, batch_size, num_processes, hint):
    """Each process has 4, 3 and 1 examples at a time; an odd number is taken one by one."""
    config = dataclasses.replace(CONFIG, batch_size=batch_size, accumulation=2)
    with (
        pytest.raises(MemoryError) as caught,
        enough_memory(tmp_path, 1, config, num_processes),
    ):
        raise torch.OutOfMemoryError("CUDA out of memory.")
    found = re.search(r"batch_size=(\d+) --set accumulation=(\d+)", str(caught.value))
    assert (found and tuple(map(int, found.groups()))) == hint


def test_a_preview_that_is_not_finite_stops_with_the_last_checkpoint(tmp_path):
    class Overflowing(Regression):
        def preview(self, network):
            return to_uint8(torch.full((1, 3, 4, 4), torch.inf))[0]

    with pytest.raises(Diverged, match=r"step 6: preview: .*infinite ones in the images.*step-000"):
        run(Overflowing(), tmp_path, dataclasses.replace(CONFIG, preview_every=6))


def test_weights_that_are_not_finite_are_not_saved(tmp_path):
    """Step 8 has a finite loss and leaves an infinite weight: the last checkpoint is of step 4."""

    class Explodes(Regression):
        def losses(self, network, batch):
            terms = super().losses(network, batch)
            if self.calls == 8:
                with torch.no_grad():
                    network.weight.fill_(math.inf)
                terms = {
                    name: term.detach() + 0.0 * network.bias.sum() for name, term in terms.items()
                }
            return terms

    with pytest.raises(FloatingPointError, match=r"step 8: weight is not finite.*step-00000004"):
        run(Explodes(), tmp_path)
    assert [path.name for path in checkpoint.checkpoints(tmp_path)] == ["step-00000004"]


class Duel:
    """min over x, max over y of x y + x: the game's value has the gradients y + 1 and x."""

    num_examples = 4
    phases = ("y", "x")
    loss_weights = {"gain": 1.0, "loss": 1.0}

    def __init__(self):
        self.num_batches = 0

    def build(self):
        class Point(nn.Module):
            def __init__(self, value):
                super().__init__()
                self.at = nn.Parameter(torch.tensor(value))

        network = nn.Module()
        network.x, network.y = Point(1.0), Point(0.0)
        return network

    def batch(self, indices, generator):
        self.num_batches += 1
        return {"draw": torch.rand(len(indices), generator=generator)}

    def phase_losses(self, network, batch, phase, step):
        x, y = network.x.at, network.y.at
        if phase == "x":
            return {"loss": x * y + x}
        return {} if step % 2 else {"gain": -x * y}

    def validation(self, network):
        return {}

    def preview(self, network):
        return None

    def metadata(self):
        return {"name": "duel"}

    def export(self, network, folder):
        checkpoint.save_weights(folder / "point.safetensors", {"x": network.x.at})


def test_turns_move_their_own_part_and_may_rest(tmp_path):
    """Adam's first steps have the length of the rate: y rises on even steps, x falls on all."""
    config = TrainingConfig(
        steps=1,
        batch_size=2,
        warmup_steps=0,
        learning_rate=0.1,
        max_grad_norm=None,
        checkpoint_every=1,
    )
    places = []
    for steps in (1, 2, 3):
        run(Duel(), tmp_path, dataclasses.replace(config, steps=steps), resume=steps > 1)
        last = checkpoint.load_weights(checkpoint.checkpoints(tmp_path)[-1] / "network.safetensors")
        places.append((float(last["x.at"]), float(last["y.at"])))
    (x1, y1), (x2, y2), (x3, y3) = places
    assert (x1, y1) == pytest.approx((0.9, 0.1), abs=1e-5)
    assert x2 < x1 and y2 == y1
    assert x3 < x2 and y3 > y2
    assert (tmp_path / "point.safetensors").exists()
    assert not (tmp_path / "model.safetensors").exists()


def test_the_turns_of_a_step_share_its_batch(tmp_path):
    duel = Duel()
    run(duel, tmp_path)
    assert duel.num_batches == CONFIG.steps


def test_turns_resume_like_an_uninterrupted_run(tmp_path):
    run(Duel(), tmp_path / "whole")
    run(Duel(), tmp_path / "parts", dataclasses.replace(CONFIG, steps=8))
    run(Duel(), tmp_path / "parts", resume=True)
    assert files(tmp_path / "whole") == files(tmp_path / "parts")


def test_what_it_cost_lies_beside_the_weights_and_survives_a_resume(tmp_path):
    """Per example: five products of 3 numbers, in the data, two passes and their two gradients."""
    run(Regression(), tmp_path, dataclasses.replace(CONFIG, steps=8))
    half = read_cost(tmp_path)
    run(Regression(), tmp_path, resume=True)
    cost = read_cost(tmp_path)
    assert half is not None and cost is not None
    assert (cost.part, cost.dataset, cost.steps, cost.examples_seen) == ("fit", "toy", 12, 48)
    assert cost.num_parameters == 4
    assert cost.flops_per_example == 5 * 2 * 3
    assert half.cpu_sec is not None and cost.cpu_sec is not None
    assert 0 < half.cpu_sec < cost.cpu_sec


def test_old_checkpoints_are_dropped_and_none_is_partial(tmp_path):
    run(Regression(), tmp_path)
    names = [path.name for path in (tmp_path / "checkpoints").iterdir()]
    assert sorted(names) == ["step-00000008", "step-00000012"]


def test_every_example_is_seen_once_an_epoch():
    seen = [i for step in range(5) for i in step_indices(step, 4, 10, seed=0)]
    assert sorted(seen[:10]) == list(range(10))
    assert sorted(seen[10:]) == list(range(10))
    assert seen[:10] != seen[10:]


def test_warm_up_and_cosine():
    config = TrainingConfig(steps=110, learning_rate=1.0, warmup_steps=10, decay="cosine")
    rates = [config.learning_rate_at(step) for step in (0, 9, 10, 60, 110)]
    assert rates == pytest.approx([0.1, 1.0, 1.0, 0.5, 0.0])


def test_turns_are_not_compiled(tmp_path):
    with pytest.raises(ValueError, match="--compile: .* learns in turns"):
        train(
            Duel(),
            CONFIG,
            tmp_path,
            resume=False,
            progress=Silent(),
            part="fit",
            dataset="toy",
            compiled=True,
        )


@pytest.mark.slow
def test_a_compiled_run_is_continued_without_compiling(tmp_path):
    """Its weights keep their names, and agree with those of a run that was never compiled."""
    half = dataclasses.replace(CONFIG, steps=8)
    run(Regression(), tmp_path / "whole")
    train(
        Regression(),
        half,
        tmp_path / "parts",
        resume=False,
        progress=Silent(),
        part="fit",
        dataset="toy",
        compiled=True,
    )
    assert json.loads((tmp_path / "parts" / "config.json").read_text())["compile"] is True
    run(Regression(), tmp_path / "parts", resume=True)
    whole, parts = (
        checkpoint.load_weights(tmp_path / name / "model.safetensors")
        for name in ("whole", "parts")
    )
    assert whole.keys() == parts.keys() == {"weight", "bias"}
    assert all(torch.allclose(whole[name], parts[name], atol=1e-5) for name in whole)

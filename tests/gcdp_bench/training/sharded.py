"""Run by a test in two processes: weights split by FSDP 2 against one process with all of them."""

import os
import sys
from copy import deepcopy
from pathlib import Path

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor

from gcdp_bench.training import checkpoint, sharding
from gcdp_bench.training.ema import MovingAverage

NUM_STEPS = 3


def build() -> nn.Module:
    return nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 1))


class Training:
    """A network, its average and its optimizer, as the loop has them."""

    def __init__(self, network: nn.Module, average: nn.Module, rank: int, num: int):
        self.network, self.average, self.rank, self.num = network, average, rank, num
        self.optimizer = torch.optim.AdamW(network.parameters(), lr=0.05, fused=True)

    def run(self, first: int) -> "Training":
        for step in range(first, first + NUM_STEPS):
            x = torch.randn(8, 5, generator=torch.Generator().manual_seed(step))  # (B, 5)
            part = x[self.rank :: self.num]  # (B / N, 5)
            (self.network(part) - part.sum(1, keepdim=True)).square().mean().backward()
            self.optimizer.step()
            self.optimizer.zero_grad()
            self.average.update_parameters(self.network)  # pyright: ignore
        return self

    def tensors(self) -> dict[str, dict[str, torch.Tensor]]:
        return {
            "network": sharding.full(self.network.state_dict()),
            "averaged": sharding.full(self.average.state_dict()),
            "optimizer": sharding.full(checkpoint.optimizer_tensors(self.optimizer)),
        }


def split(network: nn.Module, average: nn.Module, mesh, rank: int) -> Training:
    fully_shard(network, mesh=mesh)
    sharding.shard_like(average.module, network)  # pyright: ignore
    assert all(isinstance(weight, DTensor) for weight in average.parameters())
    return Training(network, average, rank, 2)


def assert_close(found: Training, expected: Training) -> None:
    one, other = found.tensors(), expected.tensors()
    for part, tensors in other.items():
        assert one[part].keys() == tensors.keys()
        for name, value in tensors.items():
            assert not isinstance(one[part][name], DTensor)
            torch.testing.assert_close(one[part][name], value, rtol=1e-5, atol=1e-6)


def main(folder: Path) -> None:
    dist.init_process_group("gloo")
    rank, mesh = dist.get_rank(), init_device_mesh("cpu", (2,))
    torch.manual_seed(0)
    start = build()
    whole = Training(network := deepcopy(start), MovingAverage(network, 0.9), 0, 1).run(0)
    parts = split(network := deepcopy(start), MovingAverage(network, 0.9), mesh, rank).run(0)
    assert_close(parts, whole)

    viewed = sharding.whole(parts.average.module, build)  # pyright: ignore
    for name, value in sharding.full(whole.average.module.state_dict()).items():  # pyright: ignore
        torch.testing.assert_close(viewed.state_dict()[name], value, rtol=1e-5, atol=1e-6)

    tensors = parts.tensors()
    if rank == 0:
        checkpoint.save_checkpoint(folder, NUM_STEPS, tensors, {})
    dist.barrier()
    last = checkpoint.checkpoints(folder)[-1]
    network, average = (fresh := build()), MovingAverage(fresh, 0.9)
    checkpoint.load_networks(last, network=network, averaged=average)
    resumed = split(network, average, mesh, rank)
    checkpoint.load_optimizer(last, resumed.optimizer)
    assert_close(resumed.run(NUM_STEPS), whole.run(NUM_STEPS))
    (folder / f"{rank}.txt").write_text("as one")
    dist.barrier()
    os._exit(0)  # a thread of gloo that asks for the interpreter while it ends would abort it


if __name__ == "__main__":
    main(Path(sys.argv[1]))

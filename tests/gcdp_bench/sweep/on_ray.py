"""Run by a test: the same sweep in this process and on Ray, where workers and a machine die.

    python -m tests.gcdp_bench.sweep.on_ray FOLDER STORE

FOLDER holds the toy (`tests.toy.build`) in `toy/`. Sweeps in process; then on a cluster of two
nodes that share no results folder but the object store STORE; on the same two nodes, of which one
is lost while it works; on the one that is left; and on two workers of this machine, of which one is
killed (`kill -9`) while it works. The results lie in `FOLDER/{alone,node,one,killed}` and in STORE,
whose local copies are `FOLDER/stores/{head,first,second}`. Every process has one thread. Prints
what happened.
"""

import logging
import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import torch

from gcdp_bench.core.progress import Silent
from gcdp_bench.core.sampling_config import SamplingConfig
from gcdp_bench.extractors.bundle import ExtractorRequest, load_extractors
from gcdp_bench.results.object_store import open_store
from gcdp_bench.results.table import read_rows
from gcdp_bench.sweep import Paths, SweepConfig, run_sweep
from gcdp_bench.sweep.cluster import run_on_cluster
from gcdp_bench.sweep.worker import Resources
from tests import toy as toys


class Watch(Silent):
    """Lets jobs begin slowly until two workers are there, so that both do some.

    Calls `act` once with a process that is at a job, when two jobs or more are done.
    """

    def __init__(self, act=None):
        self._act = act

    def advance(self, amount: int = 1, *, values: Mapping[str, float] | None = None) -> None:
        """See `Progress.advance`."""
        if not values:
            return
        if values["of"] > 1 and values["workers"] < 2:
            time.sleep(2.0)
            return
        if values["jobs done"] < 2 or self._act is None:
            return
        pid = busy_worker()
        if pid is not None:
            print(
                f"  {values['jobs done']:g} jobs of {values['of']:g} done, "
                f"{values['workers']:g} workers:",
                end=" ",
            )
            act, self._act = self._act, None
            act(pid)


def busy_worker() -> int | None:
    """A process of Ray's that is doing a job; Ray writes it into the process's title."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            title = path.read_bytes()
        except OSError:
            continue
        if title.startswith(b"ray::Worker.do"):
            return int(path.parent.name)
    return None


def parent(pid: int) -> int:
    """The process that started it."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    print("kill -9 of a worker at work")


def main(folder: Path, store: str) -> None:
    torch.set_num_threads(1)
    logging.basicConfig(format="  %(message)s", stream=sys.stdout)
    os.environ["GCDP_STORES"] = str(folder / "stores" / "head")
    toy = toys.at(folder / "toy")
    config = SweepConfig(
        dataset=str(toy.data),
        models=("reference", "imagen"),
        guidance=(1.0, 2.0),
        num_samples=12,
        shard_size=4,
        sampling=SamplingConfig(steps=3, sr_steps=2),
    )
    weights = (("reference", toy.reference), ("imagen", toy.imagen))
    extractors = ExtractorRequest(dataset=toy.identity, segmenter=str(toy.segmenter), clip=toy.clip)

    def on_ray(results: Path, address: str, progress) -> None:
        print(f"{results.name}:")
        started = time.monotonic()
        places = Paths(results=results, weights=weights)
        rows = run_on_cluster(address, config, places, extractors, Resources(), progress=progress)
        print(f"  {len(rows)} rows, {time.monotonic() - started:.0f} s")

    alone = Paths(results=folder / "alone", weights=weights)
    rows = run_sweep(config, alone, load_extractors(extractors), progress=Silent())
    print(f"alone:\n  {len(rows)} rows")

    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    nodes = {
        name: cluster.add_node(num_cpus=1, env_vars={"GCDP_STORES": str(folder / "stores" / name)})
        for name in ("first", "second")
    }
    cluster.wait_for_nodes()

    def lose(pid: int) -> None:
        raylet = parent(pid)
        for name, node in nodes.items():
            if raylet in [entry.process.pid for entry in node.all_processes["raylet"]]:
                cluster.remove_node(node, allow_graceful=False)
                print(f"the {name} of two nodes is lost while it works")
                return
        raise AssertionError("the worker is of no node")

    on_ray(open_store(store).path, cluster.address, Watch())
    on_ray(folder / "node", cluster.address, Watch(lose))
    on_ray(folder / "one", cluster.address, Silent())
    cluster.shutdown()
    on_ray(folder / "killed", "local", Watch(kill))
    print(f"rows of {len(read_rows(folder / 'node').groupby('config_hash'))} points")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])

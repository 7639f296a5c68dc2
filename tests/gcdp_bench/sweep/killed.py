"""Run by a test: commands are killed again and again, and given again.

    python -m tests.gcdp_bench.sweep.killed FOLDER SEED NUM

FOLDER holds the toy (`tests.toy.build`) in `toy/`. Runs `sample`, `score`, `sweep` and `report`
undisturbed in `FOLDER/whole` and with NUM kills (`kill -9`) in `FOLDER/killed`: every other one
after a random time, the others at a random one of the moments at which a file is complete but not
yet in its place. A command that had finished before its moment does not count. Prints a line per
try: what it met, and how many samples and points were there before and after. Each command is a
process of its own; they are forked, so that the time goes into the work and not into imports.
"""

import os
import random
import signal
import sys
import time
from pathlib import Path

import torch
import torch._dynamo  # noqa: F401  (what the commands import)

import gcdp_bench.report
import gcdp_bench.sweep  # noqa: F401
import reference_model.generator  # noqa: F401
from gcdp_bench.results.layout import read_point
from gcdp_bench.results.table import read_rows
from tests import toy as toys
from tests.kills import finished, fork, killed_at

VERBS = ("sample", "score", "sweep", "report")
FAST = ["--steps", "3", "--sr-steps", "2"]


def commands(toy: toys.Toy, folder: Path) -> dict[str, list[str]]:
    """What a user gives, in this order."""
    data = ["--dataset", str(toy.data)]
    return {
        "sample": [
            "sample",
            "imagen",
            *data,
            *FAST,
            "--weights",
            str(toy.imagen),
            "--num-samples",
            "12",
            "--out",
            str(folder / "samples"),
        ],
        "score": [
            "evaluate",
            str(folder / "samples"),
            *data,
            *toy.extractors(),
            "--out",
            str(folder / "scores" / "values.csv"),
        ],
        "sweep": [
            "sweep",
            *data,
            *FAST,
            *toy.extractors(),
            "--num-samples",
            "10",
            "--guidance",
            "1,3",
            "--shard-size",
            "4",
            "--models",
            "reference",
            "--weights",
            f"reference={toy.reference}",
            "--results",
            str(folder / "results"),
        ],
        "report": ["report", str(folder / "results")],
    }


def there(folder: Path) -> tuple[int, int]:
    """Samples and points that are complete; every file of a point must be readable."""
    manifests = [path.read_bytes() for path in folder.rglob("captions.jsonl")]
    samples = sum(content.count(b"\n") for content in manifests)
    if not (folder / "results" / "results.parquet").exists():
        return samples, 0
    points = set(read_rows(folder / "results")["config_hash"])
    for point in points:
        read_point(folder / "results", point).per_sample()
    return samples, len(points)


class Moments:
    """When to kill a command that is given again and again, and has less to do each time."""

    def __init__(self, source: random.Random, length_sec: float, num_waits: int):
        self._source = source
        self._length_sec, self._num_waits = length_sec, num_waits
        self._by_time = False

    def start_and_kill(self, arguments: list[str], log: Path) -> tuple[str, bool]:
        """The moment in words, and whether the command was at work then."""
        self._by_time = not self._by_time
        if self._by_time:
            delay_sec = self._source.uniform(0.0, 0.9 * self._length_sec)
            pid = fork(arguments, log)
            time.sleep(delay_sec)
            os.kill(pid, signal.SIGKILL)
            moment = f"after {delay_sec:.2f} s"
            if not finished(pid):
                return moment, True
            self._length_sec = delay_sec
            return moment, False
        number = self._source.randint(1, self._num_waits)
        moment = f"at wait {number} for the disk"
        if not finished(fork(arguments, log, killed_at(number))):
            return moment, True
        self._num_waits = max(1, number - 1)
        return moment, False


def main(folder: Path, seed: int, num: int) -> None:
    toy = toys.at(folder / "toy")
    source, log = random.Random(seed), folder / "log.txt"
    moments, num_written = {}, 0
    for verb, arguments in commands(toy, folder / "whole").items():
        started = time.monotonic()
        assert finished(fork(arguments, log))
        length_sec = time.monotonic() - started
        written = sum(path.stat().st_size > 0 for path in (folder / "whole").rglob("[!.]*.*"))
        moments[verb] = Moments(source, length_sec, max(2, written - num_written))
        num_written = written
    number, before = 0, (0, 0)
    for place, (verb, arguments) in enumerate(commands(toy, folder / "killed").items()):
        while number < num * (place + 1) // len(VERBS):
            moment, met = moments[verb].start_and_kill(arguments, log)
            now = there(folder / "killed")
            assert now >= before, "a kill lost samples or points"
            hidden = len([*(folder / "killed").rglob(".*.tmp")])
            number += met
            print(
                f"{f'{number}:' if met else '  '} {verb} {moment}: "
                f"{'killed' if met else 'it had finished'}; samples {before[0]} -> {now[0]}, "
                f"points {before[1]} -> {now[1]}; unfinished files left: {hidden}"
            )
            before = now
        assert finished(fork(arguments, log))
        before = there(folder / "killed")
    print(f"then undisturbed: {before[0]} samples, {before[1]} points")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))

"""Run by a test in two processes: the second one's loss is NaN at the third step."""

import sys
from dataclasses import replace
from pathlib import Path

from accelerate import PartialState

from gcdp_bench.training import processes
from gcdp_bench.training.failures import Diverged
from tests.gcdp_bench.training.test_loop import CONFIG, Regression, run


def main(folder: Path) -> None:
    rank = PartialState(cpu=True).process_index
    try:
        run(
            Regression(fails_at=3 if rank == 1 else None),
            folder / "run",
            replace(CONFIG, checkpoint_every=2),
        )
    except Diverged as error:
        (folder / f"{rank}.txt").write_text(str(error))
    processes.leave()
    processes.end(SystemExit(0))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

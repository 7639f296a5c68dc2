"""Models over guidance scales and seeds: sampled, scored, written down as rows.

config      what is measured
generators  where the trained generators are
jobs        the work, in pieces that several processes can share
measure     one piece of work, and the table on disk
bench       everything a process needs to do a job; checks before any work
run         the sweep
cluster     the same on Ray
connection  the way to a Ray cluster
worker      what runs in its other processes
"""

from gcdp_bench.sweep.config import Paths, SweepConfig
from gcdp_bench.sweep.generators import find_generators, pinned
from gcdp_bench.sweep.run import run_sweep, saturated

__all__ = ["Paths", "SweepConfig", "find_generators", "pinned", "run_sweep", "saturated"]

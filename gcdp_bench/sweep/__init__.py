"""Models over guidance scales and seeds: sampled, scored, written down as rows.

config      what is measured
generators  where the trained generators are
jobs        the work, in pieces that several processes can share
shared      what the jobs of a process share, loaded when it is first asked for
checks      what is refused before any work
points      the work: one function per kind of job, and the claim of a job
rows        what rows say of a point
plan        which jobs there are
run         the sweep
cluster     the same on Ray
connection  the way to a Ray cluster
worker      what runs in its other processes
"""

from gcdp_bench.sweep.config import Paths, SweepConfig
from gcdp_bench.sweep.generators import find_generators, pinned
from gcdp_bench.sweep.plan import saturated
from gcdp_bench.sweep.run import run_sweep

__all__ = ["Paths", "SweepConfig", "find_generators", "pinned", "run_sweep", "saturated"]

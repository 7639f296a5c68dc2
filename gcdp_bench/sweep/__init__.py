"""Models over guidance scales and seeds: sampled, scored, written down as rows.

config      what is measured
jobs        the work, in pieces that several processes can share
measure     one piece of work, and the table on disk
bench       everything a process needs to do a job; checks before any work
run         the sweep
cluster     the same on Ray
connection  the way to a Ray cluster
worker      what runs in its other processes
"""

from gcdp_bench.sweep.config import Places, SweepConfig
from gcdp_bench.sweep.run import run_sweep, saturated

__all__ = ["Places", "SweepConfig", "run_sweep", "saturated"]

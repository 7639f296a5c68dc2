"""Cores that this process may use, and threads that leave the others their own."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
OWN_GROUPS = Path("/proc/self/cgroup")
"""Control groups of Linux, and the list of those that this process is in."""


def share_cores() -> None:
    """Choose threads and their way of waiting for a machine that others use too.

    Call it before torch is imported. OpenMP's threads otherwise spin while they wait, and two
    processes of two threads on two cores take each other's time; and there would be one per core of
    the host, however few a container may use. Values that the user set are kept.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if usable_cores() < all_cores():
        os.environ.setdefault("OMP_NUM_THREADS", str(usable_cores()))


def usable_cores() -> int:
    """Cores that this process may use, at least 1: by its affinity and its groups' quotas."""
    return max(1, min(all_cores(), math.ceil(min([*_quotas(), all_cores()]))))


def all_cores() -> int:
    """Cores of the machine that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _quotas() -> Iterator[float]:
    """Cores whose time each group of this process, and each above it, may use; where limited."""
    for folder in _groups():
        with suppress(OSError, ValueError):  # version 2: "max 100000" has no limit
            quota, period = (folder / "cpu.max").read_text().split()
            yield int(quota) / int(period)
        with suppress(OSError, ValueError):  # version 1: -1 has no limit
            quota = int((folder / "cpu.cfs_quota_us").read_text())
            if quota > 0:
                yield quota / int((folder / "cpu.cfs_period_us").read_text())


def _groups() -> Iterator[Path]:
    """Folders of the groups; in a container its own group may be mounted as the root."""
    try:
        lines = OWN_GROUPS.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, place = rest.partition(":")
        if not controllers or "cpu" in controllers.split(","):
            root = CGROUPS / "cpu" if controllers else CGROUPS
            own = root / place.strip("/")
            yield own
            yield from (above for above in own.parents if above.is_relative_to(root))

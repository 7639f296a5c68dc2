"""The way to a Ray cluster."""

from __future__ import annotations

import logging
import os
import socket
from typing import Any

from gcdp_bench.core.cores import usable_cores
from gcdp_bench.io.validation import reason

CONNECT_SEC = 5.0


def connect(address: str) -> Any:
    """Ray, connected to a cluster.

    Args:
        address: "local": a cluster of this machine's processors, for this process; "auto": the one
            that this machine is part of; HOST:PORT: of its head.

    Raises:
        ValueError: Ray is not installed, or the address is not one that is understood.
        OSError: there is no cluster at the address.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # tells nobody about this run
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
    except ImportError as error:
        raise ValueError(
            "--cluster: expected Ray, which is not installed; pip install 'gcdp-bench[cluster]'"
        ) from error
    if address.startswith("ray://"):
        raise ValueError(
            f"--cluster: expected local, auto or HOST:PORT, got {address!r}; run the command on a "
            "machine of the cluster"
        )
    if address not in ("local", "auto"):
        _check_reachable(address)
    quiet: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
    try:
        if address == "local":
            cores = usable_cores()
            ray.init(address="local", num_cpus=cores, include_dashboard=False, **quiet)
        else:
            ray.init(address=address, **quiet)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise OSError(
            f"--cluster {address}: expected a Ray cluster, got: {reason(error)}; start one "
            "with `ray start --head`, or use --cluster local. A head that asks for a token wants "
            "RAY_AUTH_MODE=token here, and its ~/.ray/auth_token"
        ) from error
    return ray


def _check_reachable(address: str) -> None:
    """See that somebody listens; Ray itself would wait for minutes.

    Raises:
        ValueError, OSError: as `connect`.
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise ValueError(f"--cluster: expected local, auto or HOST:PORT, got {address!r}")
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_SEC).close()
    except (OSError, OverflowError) as error:
        raise OSError(
            f"--cluster {address}: expected the head of a Ray cluster, got: "
            f"{reason(error)}; see its "
            "address in what `ray start --head` printed"
        ) from error

"""Trainings in processes of their own: on the toy's images, with a network of a few thousand
weights, as a user starts them.
"""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

ROOT = Path(__file__).resolve().parents[3]
SMALL = (
    "stage.unet.dim=8",
    "stage.unet.dim_mults=[1]",
    "stage.unet.num_blocks=[1]",
    "stage.unet.self_attention=[false]",
    "stage.unet.cross_attention=[true]",
    "stage.unet.attention_heads=1",
    "stage.unet.attention_head_dim=8",
    "stage.unet.cond_dim=8",
    "stage.unet.num_text_latents=2",
    "stage.image_size=[8,8]",
    "stage.text.dim=16",
    "stage.unet.text_dim=16",
)
TOGETHER = ("-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port")


def several_processes(test: Callable) -> Callable:
    """Mark a test that starts launchers: they follow each other, as they choose free ports."""
    return pytest.mark.slow(pytest.mark.xdist_group("launchers")(test))


def arguments(data: Path, out: Path, *settings: str, resume: bool = False) -> list[str]:
    """Of the command line, for the base stage of the reference model."""
    pairs = [part for setting in (*SMALL, *settings) for part in ("--set", setting)]
    return [
        "train",
        "reference",
        "--dataset",
        str(data),
        "--stage",
        "base",
        "--out",
        str(out),
        *pairs,
        *(["--resume"] if resume else []),
    ]


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def environment() -> dict[str, str]:
    """One thread, no GPU, warnings as errors, no launcher around."""
    own = {k: v for k, v in os.environ.items() if k not in ("RANK", "WORLD_SIZE", "LOCAL_RANK")}
    return own | {
        "OMP_NUM_THREADS": "1",
        "CUDA_VISIBLE_DEVICES": "",
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "error",
        "GLOO_SOCKET_IFNAME": "lo",
    }


def python(
    *command: str, timeout_sec: int = 900, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess:
    """Run an interpreter to its end; after `timeout_sec`, end it and all that it started."""
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        text=True,
        env=environment() | dict(variables or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        stdout, stderr = process.communicate(timeout=timeout_sec)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)


def trace(run: Path) -> dict[str, dict[int, float]]:
    """Everything that a run logged: name -> step -> value."""
    events = EventAccumulator(str(run / "tensorboard"))
    events.Reload()
    return {
        name: {event.step: event.value for event in events.Scalars(name)}
        for name in events.Tags()["scalars"]
    }

"""What a number was made with is said in full."""

import platform
import subprocess
from importlib.metadata import version

import pytest
import torch

from gcdp_bench.core.provenance import drawn_on, git_commit, hardware, library_versions


def test_versions_are_those_installed():
    text = library_versions()
    assert text.startswith(f"python {platform.python_version()}; ")
    assert f"torch {version('torch')}" in text.split("; ")
    assert "absent" not in text


def test_the_commit_is_gits():
    found = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True)
    if found.returncode == 0:
        assert found.stdout[:12] == git_commit().removesuffix("-dirty")
    else:
        assert git_commit() == "unknown"


def test_the_machine_has_a_name_and_cores():
    name, _, cores = hardware().partition(", ")
    assert name and cores.split()[0].isdigit()


@pytest.mark.parametrize("rounds", [True, False])
def test_a_gpu_says_whether_its_convolutions_round(rounds, monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"a card at {device}")
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=rounds):
        name = drawn_on("cuda:1")
    ending = "; a card at cuda:1" + (" (TF32 convolutions)" if rounds else "")
    assert name == hardware() + ending
    assert drawn_on("cpu") == hardware()

"""benchmarks/gpu.py on the CPU: every case at its tiny size, and cases that end early."""

import subprocess
import sys

import pandas as pd
import pytest
import torch

from benchmarks.gpu import COLUMNS, Case, cases, measure
from benchmarks.gpu_setup import Setup

SETUP = Setup("cpu", tiny=True)


def lacking(setup):
    yield "before", 1, "float32", False, 1.0, "s"
    raise ModuleNotFoundError("No module named 'absent'")


def too_large(setup):
    raise torch.OutOfMemoryError("nothing left")
    yield


def broken(setup):
    raise ZeroDivisionError("never")
    yield


def fine(setup, value):
    yield "after", 1, "float32", False, value, "s"


def test_a_case_that_ends_early_keeps_its_lines_and_does_not_end_the_run(tmp_path, capsys):
    wanted = [Case("a", lacking), Case("b", too_large), Case("c", fine, (2.0,))]
    assert measure(wanted, SETUP, tmp_path / "gpu.csv", minutes=1)
    table = pd.read_csv(tmp_path / "gpu.csv")
    assert tuple(table.columns) == COLUMNS
    assert list(zip(table["case"], table["setting"], table["value"], strict=True)) == [
        ("a", "before", 1.0),
        ("c", "after", 2.0),
    ]
    text = capsys.readouterr().out
    assert "a lacking: left out, ModuleNotFoundError: No module named 'absent'" in text
    assert "b too_large: left out, OutOfMemoryError: nothing left" in text


def test_a_case_that_fails_is_told_in_the_end(tmp_path, capsys):
    wanted = [Case("a", broken), Case("c", fine, (2.0,))]
    assert not measure(wanted, SETUP, tmp_path / "gpu.csv", minutes=1)
    assert "a broken: failed" in capsys.readouterr().out
    assert len(pd.read_csv(tmp_path / "gpu.csv")) == 1


def test_no_case_begins_after_the_time(tmp_path, capsys):
    out = tmp_path / "gpu.csv"
    measure([Case("c", fine, (1.0,))], SETUP, out, minutes=1)
    measure([Case("c", fine, (2.0,))], SETUP, out, minutes=-1)
    assert list(pd.read_csv(out)["value"]) == [1.0]
    assert "c fine 2.0: left out, 0.0 of -1 minutes are over" in capsys.readouterr().out


@pytest.mark.slow
def test_every_case_runs_on_the_cpu(tmp_path):
    out = tmp_path / "gpu.csv"
    command = [sys.executable, "-m", "benchmarks.gpu", "--tiny", "--out", str(out)]
    command += ["--authors", str(tmp_path)]  # no checkout
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    left_out = [line for line in done.stdout.splitlines() if "left out" in line]
    assert left_out == [
        f"authors authors {name}: left out, FileNotFoundError: {tmp_path}: expected "
        "imagen_pytorch/joint_imagen.py, found none; give the folder of a checkout of pmh9960/GCDP"
        for name in ("paper-celeba", "paper-cityscapes")
    ]
    table = pd.read_csv(out)
    assert set(table["case"]) == {case.name for case in cases(SETUP)}
    assert set(table["compiled"]) == {False, True}
    assert table["value"].notna().all()

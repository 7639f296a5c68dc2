"""Every golden number is met here, and a number that is not met is noticed."""

import math
from dataclasses import replace

import pytest
from click.testing import CliRunner

import gcdp_bench.diagnostics.verify as verify
from gcdp_bench.cli import main
from gcdp_bench.diagnostics.verify.check import Check, run_checks

CHECKS = {check.name: check for check in verify.golden_checks()}


def make(**changes):
    defaults = dict(
        name="two", source="arithmetic", expected=2.0, tolerance=0.0, compute=lambda: 1.0 + 1.0
    )
    return Check(**defaults | changes)


def only(check):
    (outcome,) = run_checks([check])
    return outcome


@pytest.mark.parametrize("name", CHECKS)
def test_the_number_is_met_here(name):
    outcome = only(CHECKS[name])
    assert outcome.ok, (outcome.got, outcome.error)


@pytest.mark.parametrize("name", CHECKS)
def test_a_wrong_expectation_is_noticed(name):
    """A number just outside the tolerance fails, on either side: nothing passes by looseness."""
    check = CHECKS[name]
    got = check.compute()
    for sign in (-1, 1):
        wrong = got + sign * (1.01 * check.tolerance + 1e-9 * max(1.0, abs(got)))
        assert not only(replace(check, expected=wrong, compute=lambda: got)).ok


def test_names_are_unique_and_sources_are_told():
    checks = verify.golden_checks()
    assert len(checks) == len(CHECKS) > 40
    assert all(check.source for check in checks)


def test_outcomes():
    assert only(make()).ok
    near = only(make(expected=2.5, tolerance=0.5))
    assert near.ok and near.difference == 0.5
    assert not only(make(expected=2.5, tolerance=0.4)).ok
    assert not only(make(compute=lambda: math.nan, tolerance=math.inf)).ok


def test_a_check_that_breaks_is_a_failed_one_and_the_next_still_runs():
    broken, fine = run_checks([make(compute=lambda: 1 // 0), make()])
    assert math.isnan(broken.got) and broken.error.startswith("ZeroDivisionError") and fine.ok


class TestCommand:
    def run(self, monkeypatch, *checks):
        monkeypatch.setattr(verify, "golden_checks", lambda: list(checks))
        return CliRunner().invoke(main, ["verify"])

    def test_all_met(self, monkeypatch):
        result = self.run(monkeypatch, make())
        assert result.exit_code == 0, result.output
        assert "1 of 1 numbers met" in result.output
        for column in ("expected", "got", "|difference|", "tolerance", "ok", "arithmetic"):
            assert column in result.output

    def test_one_not_met(self, monkeypatch):
        wrong = make(name="a wrong one", expected=3.0)
        result = self.run(monkeypatch, make(), wrong)
        assert result.exit_code == 1
        assert "1 of 2 numbers met" in result.output and "NO" in result.output
        assert "not met: a wrong one: expected 3 within 0, got 2 (source: arithmetic)" in (
            result.output
        )

    def test_one_that_breaks(self, monkeypatch):
        def broken():
            raise RuntimeError("no such kernel")

        result = self.run(monkeypatch, make(compute=broken))
        assert result.exit_code == 1
        assert "not met: two: RuntimeError: no such kernel" in result.output

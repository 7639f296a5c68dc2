"""Packages with entry points, as an installer leaves them in a folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest


def install(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    group: str,
    entries: Mapping[str, str],
    module: str,
    code: str,
    package: str = "their-package",
) -> None:
    """Put a package of one module on the path.

    Args:
        folder: of the package; new.
        monkeypatch: takes it off the path again.
        group: of the entry points.
        entries: name -> "module:attribute".
        module: name of the module.
        code: of the module.
        package: name of the package.
    """
    metadata = folder / f"{package.replace('-', '_')}-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    lines = [f"{name} = {value}" for name, value in entries.items()]
    (metadata / "entry_points.txt").write_text("\n".join([f"[{group}]", *lines]) + "\n")
    (folder / f"{module}.py").write_text(code)
    monkeypatch.syspath_prepend(str(folder))


SPREAD = """
from gcdp_bench.core.types import MetricValue
from gcdp_bench.metrics.metric import Column, Curve, Definition, Metric


def spread_values(features):
    return [MetricValue("spread", "all", float(features.std(0).mean()), len(features))]


SPREAD = Metric(
    name="spread",
    fn=spread_values,
    needs=("features",),
    definitions={
        "spread": Definition(
            title="Spread of features",
            formula="mean over features of their standard deviation over samples",
            unit="feature units",
            higher_is_better=True,
            source="a test",
            extractor="the first feature network",
            resize="as that network's protocol says",
            compared_with="nothing",
            interval="none",
            traps=("Noise spreads too.",),
            bounds=(0.0, 10.0),
            changes=("ddof is 0",),
            column=Column("Spread", digits=3),
            curve=Curve("Spread", 0.0),
            controls=("control-constant",),
        )
    },
)
"""
"""A module with a metric that needs arrays alone."""


def install_spread(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install `SPREAD` as the metric "spread"."""
    install(
        folder,
        monkeypatch,
        group="gcdp_bench.metrics",
        entries={"spread": "spread_of_tests:SPREAD"},
        module="spread_of_tests",
        code=SPREAD,
    )


def install_broken(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, package: str = "their-package"
) -> None:
    """Install the metric `name`, whose module cannot be imported."""
    module = f"broken_{name}"
    install(
        folder,
        monkeypatch,
        group="gcdp_bench.metrics",
        entries={name: f"{module}:METRIC"},
        module=module,
        code="import no_such_module",
        package=package,
    )

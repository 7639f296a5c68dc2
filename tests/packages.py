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

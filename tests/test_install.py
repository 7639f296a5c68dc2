"""The documented installation is the Makefile's, and OpenCV is the build without a display."""

import re
import shlex
from importlib import metadata
from pathlib import Path

import cv2

ROOT = Path(__file__).resolve().parent.parent
MADE_SILENT = {"--quiet", "--disable-pip-version-check"}


def of_makefile() -> list[list[str]]:
    """Commands of the environment's rule, with the names of a shell in it."""
    rule = (ROOT / "Makefile").read_text().partition("\n$(STAMP):")[2]
    recipe = rule.partition("\n\n")[0].replace("\\\n", "").splitlines()[1:]
    names = {"$(PYTHON)": "python3", "$(BIN)/python -m pip": "pip", "$(VENV)": ".venv"}
    commands = []
    for line in recipe[:-1]:  # the last one touches the stamp
        for name, value in names.items():
            line = line.replace(name, value)
        commands.append([word for word in shlex.split(line) if word not in MADE_SILENT])
    return commands


def of_document() -> list[list[str]]:
    text = (ROOT / "docs/how-to/install.md").read_text().partition("## Without make")[2]
    block = re.findall(r"```\n(.*?)```", text, re.DOTALL)[0]
    return [shlex.split(line, comments=True) for line in block.splitlines()]


def test_the_documented_commands_are_those_of_make():
    """But for the editable install and the tools of the tests."""
    made, written = of_makefile(), of_document()
    assert written.pop(1) == [".", ".venv/bin/activate"]
    install = made[1]
    assert install[-2:] == ["-e", ".[dev]"]
    made[1] = [*install[:-2], "."]
    assert written == made


def test_opencv_is_the_headless_build_of_the_pinned_version():
    pinned = dict(re.findall(r"^(opencv\S*)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.M))
    assert pinned["opencv-python"] == pinned["opencv-python-headless"]
    assert metadata.version("opencv-python-headless") == pinned["opencv-python-headless"]
    installed = {found.metadata["Name"].lower() for found in metadata.distributions()}
    assert "opencv-python" not in installed
    assert pinned["opencv-python"].startswith(cv2.__version__)

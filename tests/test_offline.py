"""No module opens a connection when it is imported, and no verb when it shows its help."""

import subprocess
import sys

from gcdp_bench.cli import VERBS
from tests.commands import ended, in_forks
from tests.test_layers import MODULES

BLOCK = """
import os, socket, sys
def refuse(*arguments, **options):
    print("a connection was opened:", arguments, file=sys.stderr, flush=True)
    os._exit(3)  # an exception could be swallowed
for name in ("connect", "connect_ex", "bind", "sendto"):
    setattr(socket.socket, name, refuse)
socket.getaddrinfo = socket.create_connection = socket.gethostbyname = refuse
"""


def python(code):
    return subprocess.run(
        [sys.executable, "-c", BLOCK + code], capture_output=True, text=True, timeout=300
    )


def test_the_block_works():
    for code in (
        "import urllib.request; urllib.request.urlopen('http://localhost:9')",
        # ends well whatever `connect` raises: only a refusal that ends the process is seen
        "try: socket.socket().connect(('127.0.0.1', 9))\nfinally: os._exit(0)",
    ):
        result = python(code)
        assert result.returncode == 3 and "a connection was opened" in result.stderr


def test_imports_open_no_connection():
    names = [name for name in sorted(MODULES) if not name.endswith("__main__")]
    result = python(f"import importlib\nfor name in {names}:\n    importlib.import_module(name)")
    assert result.returncode == 0, result.stderr


def test_help_opens_no_connection(tmp_path):
    in_forks(tmp_path / "helps", [[verb, "--help"] for verb in VERBS], before=BLOCK)
    for index, verb in enumerate(VERBS):
        result = ended(tmp_path / "helps", index)
        assert result.code == 0, result
        assert f"{verb} [OPTIONS]" in result.stdout

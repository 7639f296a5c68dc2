"""Commands in interpreters of their own that have imported nothing but the command line."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

FORKS = """
import json, os, sys, traceback
from gcdp_bench.cli import main
folder, before, after, commands = json.loads(sys.argv[1])
exec(before)
for index, words in enumerate(commands):
    own = os.path.join(folder, str(index))
    os.mkdir(own)
    if os.fork():
        status = os.waitstatus_to_exitcode(os.wait()[1])
        with open(own + ".status", "w") as file:
            file.write(str(status))
        continue
    for stream, name in ((1, ".out"), (2, ".err")):
        os.dup2(os.open(own + name, os.O_WRONLY | os.O_CREAT), stream)
    os.chdir(own)
    sys.argv = ["gcdp-bench", *words]
    code = 99  # of what is no end of a command
    try:
        main()
    except SystemExit as end:
        code = end.code or 0
        try:
            exec(after)
        except BaseException:
            traceback.print_exc()
            code = 98
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
"""


@dataclass(frozen=True)
class Ended:
    """A command that ended."""

    code: int  # 98: what was run after it failed; 99: it did not end as a command does
    stdout: str
    stderr: str


def in_forks(
    folder: Path, commands: Sequence[Sequence[str]], *, before: str = "", after: str = ""
) -> None:
    """Run commands, each in a fork and in an empty folder of its own; see `ended`.

    Args:
        folder: new; for what they write and print.
        commands: words of the command line.
        before: code that is run before the first one.
        after: code that is run after each, in its process.
    """
    folder.mkdir()
    asked = json.dumps([str(folder), before, after, commands])
    subprocess.run([sys.executable, "-c", FORKS, asked], check=True, timeout=300)


def ended(folder: Path, index: int) -> Ended:
    """How one of the commands ended that `in_forks` ran."""
    texts = [(folder / f"{index}{end}").read_text() for end in (".status", ".out", ".err")]
    return Ended(int(texts[0]), *texts[1:])

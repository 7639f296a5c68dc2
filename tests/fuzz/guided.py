"""Coverage-guided fuzzing of one reader, by hand (pip install 'gcdp-bench[fuzz]'):

    python -m tests.fuzz.guided TARGET [--seconds 60]

TARGET is one of `tests.fuzz.targets`. atheris changes the bytes of a valid file, keeps what reaches
new branches of gcdp_bench, Pillow and the standard library's parsers, and stops at anything but a
result or a clear refusal (`common.attempt`), at a process that is started or a file that is written
elsewhere, at 2 GiB of memory, and at 20 seconds for one file. The bytes that it stops at are
written to `fuzz-*` in the working directory.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import atheris

INSTRUMENTED = ["gcdp_bench", "reference_model", "PIL", "json", "zipfile", "pickle"]

with atheris.instrument_imports(include=INSTRUMENTED):
    from tests.fuzz.common import attempt
    from tests.fuzz.targets import TARGETS

RUNNING = {
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
    "socket.connect",
}
CHANGING = {
    "os.mkdir",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.symlink",
    "os.link",
    "os.truncate",
}


class Watch:
    """Notes what a reader does besides reading; readers may catch exceptions, not this.

    Args:
        folder: in which files may be written.
    """

    def __init__(self, folder: str):
        self.seen: list[str] = []
        self._folder = folder
        sys.addaudithook(self._note)

    def _note(self, event: str, arguments: tuple) -> None:
        if event == "open":
            place, _, flags = arguments
            writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        else:
            place, writes = arguments[0] if arguments else "", event in CHANGING
        outside = not str(place).startswith(self._folder)
        if event in RUNNING or (writes and outside):
            self.seen.append(f"{event} {place}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Coverage-guided fuzzing of a reader.")
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=int, default=60)
    options = parser.parse_args()
    target = TARGETS[options.target]
    counts = {"read": 0, "refused": 0}
    folder = tempfile.TemporaryDirectory()
    path = Path(folder.name) / "in" / target.name
    corpus = Path(folder.name) / "corpus"
    for parent in (path.parent, corpus):
        parent.mkdir()
    (corpus / "seed").write_bytes(target.seed)
    watch, deadline = Watch(folder.name), time.monotonic() + options.seconds

    def once(content: bytes) -> None:
        path.write_bytes(target.file(content))
        watch.seen.clear()
        _, message = attempt(lambda: target.read(path))
        assert not watch.seen, watch.seen
        counts["read" if message is None else "refused"] += 1
        if time.monotonic() > deadline:
            print(
                f"{options.target}: {counts['read']:,} read, {counts['refused']:,} refused",
                flush=True,
            )
            folder.cleanup()
            os._exit(0)  # libFuzzer has no other way to stop

    flags = {
        "rss_limit_mb": 2048,
        "timeout": 20,
        "max_len": 4 * len(target.seed) + 256,
        "artifact_prefix": "fuzz-",
        "verbosity": 0,
    }
    atheris.Setup(
        [sys.argv[0], *(f"-{name}={value}" for name, value in flags.items()), str(corpus)], once
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()

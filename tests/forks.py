"""Work in a process of its own that is forked, so that no time goes into imports."""

import os
import warnings
from collections.abc import Callable


def forked(work: Callable[[], object]) -> int:
    """Do work in a process of its own; its number. The process ends with 0 if the work did."""
    with warnings.catch_warnings():  # of Python 3.12: threads, as those of xdist, are not forked
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        work()
        status = 0
    finally:
        os._exit(status)

"""Skips what needs a GPU where there is none; fills a GPU's memory."""

from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from gcdp_bench.cli import main

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items):
    if torch.cuda.is_available():
        return
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.skip(reason="needs a GPU"))


@pytest.fixture
def limited():
    """Context in which this process gets only so many bytes of the GPU; a real allocation fails."""

    @contextmanager
    def limit(num_bytes: int):
        torch.cuda.empty_cache()
        torch.cuda.set_per_process_memory_fraction(num_bytes / torch.cuda.mem_get_info()[1])
        try:
            yield
        finally:
            torch.cuda.set_per_process_memory_fraction(1.0)

    return limit


@pytest.fixture(scope="session")
def gcdp_bench():
    """The command line in this process: exit code and everything that it printed."""

    def run(*arguments) -> tuple[int, str]:
        result = CliRunner().invoke(main, [str(argument) for argument in arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        print(result.output)
        return result.exit_code, " ".join(result.output.split())

    return run

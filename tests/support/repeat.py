"""A tool that repeats tests while other processes keep the machine busy.

    python -m tests.support.repeat 100 tests/cli/test_processes.py::test_two_applies

Shows whether a test depends on the machine's speed. Not a test itself.
"""

from __future__ import annotations

import multiprocessing
import os
import sys

import pytest


class _Repeated:
    """A plugin that runs each test this many times."""

    def __init__(self, times: int) -> None:
        self._times = times

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Add a parameter for the number of the run to each test."""
        metafunc.fixturenames.append("_run")
        metafunc.parametrize("_run", range(self._times))


def _keep_busy() -> None:
    parent = multiprocessing.parent_process()
    while parent is not None and parent.is_alive():
        pass


def main(times: int, argv: list[str]) -> int:
    """Run the tests that `argv` names, in pytest's syntax; return pytest's exit code."""
    context = multiprocessing.get_context("spawn")
    load = [context.Process(target=_keep_busy, daemon=True) for _ in range(os.cpu_count() or 1)]
    for process in load:
        process.start()
    try:
        return int(pytest.main(["-n0", "-q", *argv], [_Repeated(times)]))
    finally:
        for process in load:
            process.kill()
            process.join()


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))

"""The checkout, facts about this system, and processes that end with their test."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

REPOSITORY = Path(__file__).parents[2]
HAS_MODES = sys.platform != "win32"
"""Whether a file's mode controls who may read it."""

IS_ROOT = HAS_MODES and os.geteuid() == 0
"""Whether this user may write anywhere."""

HANG = 120.0
"""Seconds after which a test gives up on something that hangs. Nothing that works takes this long
on any machine, so it decides no result: tests wait for events, never for time to pass."""


def child_env(**more: str) -> dict[str, str]:
    """Return this process's environment without the variables that control segctl, and with `more`.

    Drops PYTHONUNBUFFERED, too: with it, a write fails in a different place than for a user.
    """
    steering = ("SEGCTL", "SEND", "PYTHONUNBUFFERED")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(steering)}
    return {**kept, **more}


def eventually(condition: Callable[[], bool]) -> bool:
    """Wait until a condition holds, for conditions without an event; return whether it does."""
    until = time.monotonic() + HANG
    while not (holds := condition()) and time.monotonic() < until:
        time.sleep(0.01)
    return holds


class Output:
    """The text that a process writes to one of its streams, read while it is written."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._changed = threading.Condition()
        self._text = ""
        self._ended = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def wait_for(self, words: str) -> str:
        """Wait until the process has written a line with these words; return the text so far."""
        with self._changed:
            self._changed.wait_for(lambda: words in self._text or self._ended, HANG)
            assert words in self._text, self._text
            return self._text

    def close(self) -> str:
        """Wait until the stream has ended; return its whole text."""
        self._thread.join(HANG)
        assert not self._thread.is_alive(), "the stream has not ended"
        return self._text

    def _read(self) -> None:
        with self._stream:
            for line in self._stream:
                with self._changed:
                    self._text += line
                    self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()


class Process:
    """A process and its two streams; `out` is empty where stdout goes elsewhere, `err` likewise."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.out, self.err = (
            None if stream is None else Output(stream)
            for stream in (process.stdout, process.stderr)
        )

    def interrupt(self, number: signal.Signals = signal.SIGINT) -> None:
        """Send a signal, by default Ctrl-C."""
        self._process.send_signal(number)

    def wait_for(self, event: threading.Event) -> None:
        """Wait for an event while the process runs; fail if the process ends without it."""
        until = time.monotonic() + HANG
        while not event.wait(0.05):
            has_ended = self._process.poll() is not None
            # The event may have been set between the two checks.
            assert event.is_set() or not has_ended, self.finish()
            assert time.monotonic() < until

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()

    def finish(self) -> tuple[int, str, str]:
        """Wait for the end; return the exit code, stdout and stderr."""
        code = self._process.wait(HANG)
        out, err = ("" if stream is None else stream.close() for stream in (self.out, self.err))
        return code, out, err


@contextmanager
def running(
    *argv: str, env: Mapping[str, str] | None = None, cwd: Path = REPOSITORY, **streams: Any
) -> Iterator[Process]:
    """Run Python with these arguments; kill the process and close its streams in any case.

    Reads both streams unless `stdout` or `stderr` redirects them.
    """
    popen = subprocess.Popen(
        [sys.executable, *argv],
        stdin=subprocess.DEVNULL,
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams},
        text=True,
        encoding="utf-8",
        cwd=cwd,
        env=child_env() if env is None else env,
    )
    process = Process(popen)
    try:
        yield process
    finally:
        popen.kill()
        process.finish()


@contextmanager
def running_segctl(*argv: str, **env: str) -> Iterator[Process]:
    """Run segctl as a process, with `env` added to this process's environment."""
    with running("-m", "segctl", *argv, env=child_env(**env)) as process:
        yield process

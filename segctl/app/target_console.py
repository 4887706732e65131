"""The console of one of several targets that are worked on at the same time.

What it says begins with the name of the target, and the commands in it name the target. All share
the streams and one progress bar. Decides no words.
"""

from __future__ import annotations

import re
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from segctl.app.console import Console

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

_LINE_START = re.compile(r"^(?=\S)", re.MULTILINE)


class SharedProgress:
    """The sum of what is done for several targets; `update` shows it. Safe among threads."""

    def __init__(self) -> None:
        self.update: Callable[[int, int], None] = lambda _done, _total: None
        self._lock = threading.Lock()
        self._counts: list[tuple[int, int]] = []

    @contextmanager
    def part(self) -> Iterator[Callable[[int, int], None]]:
        """Yield a function to call with the number of things done for one target and their total.

        What is done stays in the sum.
        """
        with self._lock:
            number = len(self._counts)
            self._counts.append((0, 0))

        def update(done: int, total: int) -> None:
            with self._lock:
                self._counts[number] = (done, total)
                self.update(*map(sum, zip(*self._counts, strict=True)))

        yield update


class TargetConsole(Console):
    """A console for one target, on the streams of another console. Safe among threads."""

    def __init__(
        self, console: Console, target: str, progress: SharedProgress, lock: threading.Lock
    ) -> None:
        super().__init__(
            console.env,
            verbosity=console.verbosity,
            color=console.color,
            stdout=console.stdout,
            stderr=console.stderr,
        )
        self.directory = console.directory
        self.target_to_repeat = lambda other: console.target_to_repeat(other or target)
        self._console = console
        self._name = target
        self._progress = progress
        self._lock = lock

    def say(self, text: str, end: str = "\n") -> None:
        """Write to stderr, each line that begins a remark after the name of the target."""
        with self._lock:
            self._console.say(_LINE_START.sub(f"{self._name}: ", text), end)

    def progress(self, what: str) -> AbstractContextManager[Callable[[int, int], None]]:
        """Return a part of the progress bar of all targets."""
        del what
        return self._progress.part()

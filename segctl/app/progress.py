"""A progress bar on a terminal for anything that takes more than a second; nothing elsewhere."""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.progress import Progress, TaskID

PATIENCE = 1.0
"""Seconds for which nobody needs to be told that work goes on."""


@contextmanager
def progress(what: str, *, shown: bool, color: bool) -> Iterator[Callable[[int, int], None]]:
    """Give a function to be told how many of how many are done.

    `shown` is false where nobody asked to see. The bar is drawn on stderr once patience has run
    out, whether anything was told by then or not, and taken away at the end.
    """
    if not (shown and sys.stderr.isatty()):
        yield lambda _done, _total: None
        return
    bar = _Bar(what, color=color)
    bar.wait()
    try:
        yield bar.tell
    finally:
        bar.close()


class _Bar:
    """Draws nothing, and imports nothing, before patience has run out."""

    def __init__(self, what: str, *, color: bool) -> None:
        self._what = what
        self._color = color
        self._lock = threading.Lock()
        self._timer = threading.Timer(PATIENCE, self._draw)
        self._timer.daemon = True
        self._told: tuple[int, int] | None = None
        self._drawn: tuple[Progress, TaskID] | None = None
        self._closed = False

    def wait(self) -> None:
        self._timer.start()

    def tell(self, done: int, total: int) -> None:
        with self._lock:
            self._told = (done, total)
            if self._drawn is not None:
                bar, task = self._drawn
                bar.update(task, completed=done, total=total)

    def _draw(self) -> None:
        from rich.console import Console  # noqa: PLC0415 - 100 ms, on a terminal and late
        from rich.progress import Progress  # noqa: PLC0415

        with self._lock:
            if self._closed:
                return
            bar = Progress(console=Console(stderr=True, no_color=not self._color), transient=True)
            done, total = self._told or (0, None)
            self._drawn = bar, bar.add_task(self._what, completed=done, total=total)
            bar.start()

    def close(self) -> None:
        self._timer.cancel()
        with self._lock:
            self._closed = True
            if self._drawn is not None:
                self._drawn[0].stop()

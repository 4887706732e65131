"""A progress bar on a terminal for whatever takes longer than a second; nothing elsewhere."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TextIO

    from rich.progress import Progress, TaskID

DELAY = 1.0
"""Seconds after which the bar is drawn."""


@contextmanager
def progress(
    what: str, stream: TextIO, *, is_shown: bool, color: bool
) -> Iterator[Callable[[int, int], None]]:
    """Yield a function to call with the number of things done and their total.

    The bar is drawn on `stream`, if that is a terminal and `is_shown`, once `DELAY` has passed, and
    removed at the end.
    """
    if not (is_shown and stream.isatty()):
        yield lambda _done, _total: None
        return
    bar = _Bar(what, stream, color=color)
    bar.start()
    try:
        yield bar.update
    finally:
        bar.close()


class _Bar:
    """A bar that draws and imports nothing before the delay has passed."""

    def __init__(self, what: str, stream: TextIO, *, color: bool) -> None:
        self._what = what
        self._stream = stream
        self._color = color
        self._lock = threading.Lock()
        self._timer = threading.Timer(DELAY, self._draw)
        self._timer.daemon = True
        self._state: tuple[int, int] | None = None
        self._drawn: tuple[Progress, TaskID] | None = None
        self._closed = False

    def start(self) -> None:
        self._timer.start()

    def update(self, done: int, total: int) -> None:
        with self._lock:
            self._state = (done, total)
            if self._drawn is not None:
                bar, task = self._drawn
                bar.update(task, completed=done, total=total)

    def _draw(self) -> None:
        from rich.console import Console  # noqa: PLC0415 - 100 ms, on a terminal and late
        from rich.progress import Progress  # noqa: PLC0415

        with self._lock:
            if self._closed:
                return
            console = Console(file=self._stream, stderr=True, no_color=not self._color)
            bar = Progress(console=console, transient=True)
            done, total = self._state or (0, None)
            self._drawn = bar, bar.add_task(self._what, completed=done, total=total)
            bar.start()

    def close(self) -> None:
        self._timer.cancel()
        with self._lock:
            self._closed = True
            if self._drawn is not None:
                self._drawn[0].stop()

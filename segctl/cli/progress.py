"""A progress bar on a terminal for anything that takes more than a second; nothing elsewhere."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.progress import Progress, TaskID

    from segctl.clock import Clock

PATIENCE = 1.0
"""Seconds for which nobody needs to be told that work goes on."""


@contextmanager
def progress(what: str, clock: Clock, *, shown: bool) -> Iterator[Callable[[int, int], None]]:
    """Give a function to be told how many of how many are done.

    `shown` is false where nobody asked to see. The bar is drawn on stderr and taken away at the
    end.
    """
    if not (shown and sys.stderr.isatty()):
        yield lambda _done, _total: None
        return
    bar = _Bar(what, clock)
    try:
        yield bar.tell
    finally:
        bar.close()


class _Bar:
    """Draws nothing, and imports nothing, before patience has run out."""

    def __init__(self, what: str, clock: Clock) -> None:
        self._what = what
        self._clock = clock
        self._started = clock.monotonic()
        self._drawn: tuple[Progress, TaskID] | None = None

    def tell(self, done: int, total: int) -> None:
        if self._drawn is None:
            if self._clock.monotonic() - self._started < PATIENCE:
                return
            self._drawn = self._draw(total)
        bar, task = self._drawn
        bar.update(task, completed=done, total=total)

    def _draw(self, total: int) -> tuple[Progress, TaskID]:
        from rich.console import Console  # noqa: PLC0415 - 100 ms, on a terminal and late
        from rich.progress import Progress  # noqa: PLC0415

        bar = Progress(console=Console(stderr=True), transient=True)
        bar.start()
        return bar, bar.add_task(self._what, total=total)

    def close(self) -> None:
        if self._drawn is not None:
            self._drawn[0].stop()

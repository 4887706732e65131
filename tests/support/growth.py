"""Whether work grows in proportion to its input, measured so that a busy machine is no failure."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

TIMES = 8
"""How many times larger the large input is."""

TRIES = 3
MOST = 3.5
"""A large input takes about as long as eight small ones; quadratic work takes 8 times that."""


def in_proportion(small: Callable[[], object], large: Callable[[], object]) -> bool:
    """Return whether `large`, on an input `TIMES` as large, takes no more than its share.

    Measures this thread's processor time; the best of several tries counts.
    """
    return any(_effort(large, 1) / _effort(small, TIMES) < MOST for _ in range(TRIES))


def _effort(work: Callable[[], object], times: int) -> float:
    began = time.thread_time()
    for _ in range(times):
        work()
    return time.thread_time() - began

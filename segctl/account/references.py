"""The Single Sends of an account, each with the segments that it goes to.

All or nothing, as in `snapshot.py`: a Single Send that could not be read might be the one that
matters. Automations and exports are not read (sendgrid-api.md §3), and reports say so.
"""

from __future__ import annotations

import threading
from contextlib import closing
from typing import TYPE_CHECKING

from segctl.account.single_send_cache import SingleSendCache
from segctl.account.snapshot import at_once
from segctl.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Callable

    from segctl.common.clock import Clock
    from segctl.model.single_sends import SingleSend
    from segctl.sendgrid.api import Reader


class UsageChecker:
    """The Single Sends that use a segment, checked while people go on working in the account.

    Each check lists the Single Sends, and reads those edited since the last check. Safe to call
    from several threads, which are served one after another.
    """

    def __init__(self, account: Reader, clock: Clock) -> None:
        self._account = account
        self._clock = clock
        self._cache = SingleSendCache(clock.now())
        self._lock = threading.Lock()

    def single_sends_using(self, segment_id: str) -> tuple[SingleSend, ...]:
        """Return the Single Sends that go to a segment now. Raises `RemoteError`."""
        with self._lock:
            self._cache.now = self._clock.now()
            sends = read_single_sends(self._account, cache=self._cache)
        return tuple(send for send in sends if segment_id in send.segment_ids)


def read_single_sends(
    account: Reader,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    cache: SingleSendCache | None = None,
    *,
    wanted: Callable[[SingleSend], bool] = lambda _send: True,
) -> tuple[SingleSend, ...]:
    """Read the Single Sends, by default whatever their status: a sent one may be copied.

    `wanted` picks from the list, which has no audiences. Those in `cache` cost no request; it
    stores the others. `progress` gets the numbers of Single Sends read and to read. Raises
    `RemoteError`: the first one met.
    """
    listed = account.list_single_sends()
    server_time = account.server_time
    by_id = {
        send.id: None if cache is None else cache.find(send) for send in listed if wanted(send)
    }
    unknown = [send for send in listed if send.id in by_id and by_id[send.id] is None]

    def read(send: SingleSend) -> SingleSend | None:
        try:
            return account.get_single_send(send.id)
        except NotFound:
            # Deleted since it was listed, so it is never sent.
            return None

    fresh = []
    with closing(at_once(read, unknown)) as sends:
        for done, current in enumerate(sends, 1):
            progress(done, len(unknown))
            if current is not None:
                by_id[current.id] = current
                fresh.append(current)
    if cache is not None:
        cache.store(listed, fresh, server_time)
    return tuple(send for send in by_id.values() if send is not None)

"""The Single Sends of an account, each with the segments that it goes to.

All or nothing, as in `snapshot.py`: a Single Send that could not be read might be the one that
matters. Automations and exports are not read (sendgrid-api.md §3), and reports say so.
"""

from __future__ import annotations

import threading
from contextlib import closing
from typing import TYPE_CHECKING

from segctl.account.definition_cache import settled_before
from segctl.account.snapshot import at_once
from segctl.common.timestamps import parse_time_or_none
from segctl.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

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
        self._known: list[SingleSend] = []
        self._lock = threading.Lock()

    def single_sends_using(self, segment_id: str) -> tuple[SingleSend, ...]:
        """Return the Single Sends that go to a segment now. Raises `RemoteError`."""
        with self._lock:
            now = self._clock.now()
            sends = read_single_sends(self._account, known=self._known)
            settled = settled_before(now, self._account.server_time)
            self._known = [send for send in sends if _is_before(send.updated_at, settled)]
        return tuple(send for send in sends if segment_id in send.segment_ids)


def read_single_sends(
    account: Reader,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    *,
    known: Iterable[SingleSend] = (),
) -> tuple[SingleSend, ...]:
    """Read every Single Send, whatever its status: a sent one may be copied, a draft sent.

    `progress` gets the numbers of Single Sends read and to read. Those of `known` that were not
    edited since are not read again. Raises `RemoteError`: the first one met.
    """
    listed = account.list_single_sends()
    times = {send.id: send.updated_at for send in listed}
    by_id = {send.id: send for send in known if send.updated_at == times.get(send.id)}
    edited = [send for send in listed if send.id not in by_id]

    def read(send: SingleSend) -> SingleSend | None:
        try:
            return account.get_single_send(send.id)
        except NotFound:
            # Deleted since it was listed, so it is never sent.
            return None

    done = 0
    with closing(at_once(read, edited)) as sends:
        for send in sends:
            done += 1
            progress(done, len(edited))
            if send is not None:
                by_id[send.id] = send
    return tuple(by_id[send.id] for send in listed if send.id in by_id)


def _is_before(time: str | None, other: datetime | None) -> bool:
    """Return whether both times are known, and the first is not after the other."""
    parsed = parse_time_or_none(time)
    return parsed is not None and other is not None and parsed <= other

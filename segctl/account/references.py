"""Reads what refers to segments: the Single Sends of an account, each with who gets it.

All or nothing, as `snapshot.py`: a Single Send that could not be read might be the one that counts.
Automations and exports cannot be read (sendgrid-api.md §3), and whoever uses this says so.
"""

from __future__ import annotations

import threading
from contextlib import closing
from typing import TYPE_CHECKING

from segctl.account.definition_cache import SETTLED
from segctl.account.snapshot import at_once
from segctl.common.timestamps import moment
from segctl.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from segctl.common.clock import Clock
    from segctl.model.single_sends import SingleSend
    from segctl.sendgrid.api import Reader


class Users:
    """Who uses a segment, asked again and again while people go on working in the account.

    Each question lists the Single Sends; those that were not edited since the last question are
    not read again. Threads that ask at once are answered one after another.
    """

    def __init__(self, account: Reader, clock: Clock) -> None:
        self._account = account
        self._clock = clock
        self._known: list[SingleSend] = []
        self._lock = threading.Lock()

    def of(self, segment_id: str) -> tuple[SingleSend, ...]:
        """Give the Single Sends that go to a segment now. Raises `RemoteError`."""
        with self._lock:
            settled = self._clock.now() - SETTLED
            found = read_single_sends(self._account, known=self._known)
            self._known = [one for one in found if _is_before(one.updated_at, settled)]
        return tuple(send for send in found if segment_id in send.segment_ids)


def read_single_sends(
    account: Reader,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    *,
    known: Iterable[SingleSend] = (),
) -> tuple[SingleSend, ...]:
    """Read every Single Send, whatever its status: a sent one may be copied, a draft sent.

    `progress` is told how many of how many are read. Those of `known` that were not edited since
    are not read again. Raises `RemoteError`: the first one met.
    """
    listed = account.list_single_sends()
    times = {send.id: send.updated_at for send in listed}
    found = {send.id: send for send in known if send.updated_at == times.get(send.id)}
    wanted = [send for send in listed if send.id not in found]

    def read(send: SingleSend) -> SingleSend | None:
        try:
            return account.get_single_send(send.id)
        except NotFound:
            # Deleted since it was listed: it will be sent to nobody.
            return None

    done = 0
    with closing(at_once(read, wanted)) as sends:
        for send in sends:
            done += 1
            progress(done, len(wanted))
            if send is not None:
                found[send.id] = send
    return tuple(found[send.id] for send in listed if send.id in found)


def _is_before(time: str | None, other: datetime) -> bool:
    """Say whether a time is known, and so long past that an edit within the same second shows."""
    found = moment(time)
    return found is not None and found <= other

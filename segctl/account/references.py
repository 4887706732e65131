"""The Single Sends and automations of an account, each with the segments that it uses.

All or nothing, as in `snapshot.py`: one that could not be read might be the one that matters.
Automations are read only where the project observes them, since SendGrid does not document how.
Exclusion lists and exports are not read (sendgrid-api.md §3), and reports say so.
"""

from __future__ import annotations

import threading
from contextlib import closing
from typing import TYPE_CHECKING

from segctl.account.single_send_cache import SingleSendCache
from segctl.account.snapshot import at_once
from segctl.errors import Interrupted, NotFound, RemoteError
from segctl.model.references import References

if TYPE_CHECKING:
    from collections.abc import Callable

    from segctl.common.clock import Clock
    from segctl.model.automations import Automation
    from segctl.model.single_sends import SingleSend
    from segctl.sendgrid.api import Reader


class UsageChecker:
    """What uses a segment, checked while people go on working in the account.

    Each check lists the Single Sends, and reads those edited since the last check, and with
    `automations` all automations. Safe to call from several threads, which are served one after
    another.
    """

    def __init__(self, account: Reader, clock: Clock, *, automations: bool = False) -> None:
        self._account = account
        self._clock = clock
        self._cache = SingleSendCache(clock.now())
        self._automations = automations
        self._lock = threading.Lock()

    def references(self) -> References:
        """Return all references as they are now. Raises `RemoteError`.

        Automations that cannot be read are not known.
        """
        with self._lock:
            self._cache.now = self._clock.now()
            sends = read_single_sends(self._account, cache=self._cache)
            if not self._automations:
                return References(sends)
            try:
                automations = read_automations(self._account)
            except Interrupted:
                raise
            except RemoteError:
                return References(sends, observes_automations=True)
            return References(sends, automations=automations, observes_automations=True)


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


def read_automations(
    account: Reader, progress: Callable[[int, int], None] = lambda _done, _total: None
) -> tuple[Automation, ...]:
    """Read all automations, each by its id.

    They are not cached: nothing says that `updated_at` moves with every edit. Raises `RemoteError`,
    which means that what automations use is not known.
    """
    ids = account.list_automation_ids()
    automations = []
    with closing(at_once(account.get_automation, ids)) as answers:
        for done, automation in enumerate(answers, 1):
            progress(done, len(ids))
            automations.append(automation)
    return tuple(sorted(automations, key=lambda automation: (automation.name, automation.id)))

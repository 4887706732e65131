"""Reads what refers to segments: the Single Sends of an account, each with who gets it.

All or nothing, as `snapshot.py`: a Single Send that could not be read might be the one that counts.
Automations and exports cannot be read (sendgrid-api.md §3), and whoever uses this says so.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from segctl.errors import NotFound
from segctl.snapshot import at_once

if TYPE_CHECKING:
    from collections.abc import Callable

    from segctl.sendgrid.api import Reader
    from segctl.sends import SingleSend


def read_single_sends(
    account: Reader, progress: Callable[[int, int], None] = lambda _done, _total: None
) -> tuple[SingleSend, ...]:
    """Read every Single Send, whatever its status: a sent one may be copied, a draft sent.

    `progress` is told how many of how many are read. Raises `RemoteError`: the first one met.
    """
    listed = account.list_single_sends()

    def read(send: SingleSend) -> SingleSend | None:
        try:
            return account.get_single_send(send.id)
        except NotFound:
            # Deleted since it was listed: it will be sent to nobody.
            return None

    found: dict[str, SingleSend] = {}
    done = 0
    with closing(at_once(read, listed)) as sends:
        for send in sends:
            done += 1
            progress(done, len(listed))
            if send is not None:
                found[send.id] = send
    return tuple(found[send.id] for send in listed if send.id in found)

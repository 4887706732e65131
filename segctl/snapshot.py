"""Reads the account into a `Snapshot`: the list, and the definition of each segment asked for.

All or nothing: one read that fails fails the whole, since a segment that could not be read must
never look like one that is not there.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from segctl.errors import NotFound
from segctl.model import Snapshot
from segctl.sendgrid.transport import CONCURRENCY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from segctl.model import Remote
    from segctl.sendgrid.api import Reader


def take_snapshot(
    account: Reader,
    wanted: Callable[[tuple[Remote, ...]], Iterable[Remote]],
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Snapshot:
    """List the account and read the definitions that `wanted` picks from the list.

    `progress` is told how many of how many are read. Raises `RemoteError`.
    """
    listed = account.list_segments()
    picked = [remote.id for remote in wanted(listed)]
    definitions: dict[str, Remote] = {}
    if picked:
        pool = ThreadPoolExecutor(max_workers=min(CONCURRENCY, len(picked)))
        try:
            for done, read in enumerate(pool.map(account.get_segment, picked), 1):
                definitions[read.id] = read
                progress(done, len(picked))
        except NotFound as error:
            raise NotFound(
                "a segment was deleted while the account was read",
                hint="run it again",
                operation=error.operation,
                status=error.status,
            ) from None
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
    for remote in listed:
        read = definitions.get(remote.id, remote)
        if read.name != remote.name:
            raise NotFound(
                f"segment {remote.id} was renamed while the account was read",
                hint="run it again",
                operation="read the account",
            )
    return Snapshot(tuple(definitions.get(remote.id, remote) for remote in listed))

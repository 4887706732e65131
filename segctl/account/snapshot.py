"""The account as a `Snapshot`: the list, and the definition of each segment that a plan needs.

All or nothing: one failed read fails the whole, since a segment that could not be read must never
look like one that does not exist. The one exception is SendGrid's own "not found" for a segment
that no file declares: a deleted segment looks like that while the list still has it. Definitions
that the cache holds are not read again.
"""

from __future__ import annotations

import threading
from collections import deque
from contextlib import closing
from queue import SimpleQueue
from typing import TYPE_CHECKING, TypeVar

from segctl.common.clock import get_interruptibly
from segctl.errors import NotFound, RemoteError
from segctl.model import Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Iterable, Sequence

    from segctl.account.definition_cache import DefinitionCache
    from segctl.model import Remote
    from segctl.sendgrid.api import Reader

Item = TypeVar("Item")
Result = TypeVar("Result")


GRACE = 0.5
"""Seconds that a read in flight gets to end once another has failed."""


def take_snapshot(
    account: Reader,
    wanted: Callable[[tuple[Remote, ...]], Iterable[Remote]],
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    cache: DefinitionCache | None = None,
    *,
    is_undeclared: Callable[[Remote], bool] = lambda _remote: False,
    with_v1: bool = False,
) -> Snapshot:
    """List the account and read the definitions that `wanted` picks from the list.

    Definitions in `cache` cost no request; it stores the others. `progress` gets the numbers of
    definitions read and to read. `is_undeclared`, called after `wanted`, picks the segments that
    the plan can only leave alone or delete: one that is gone is left out of the snapshot, and one
    without a query has `None` for it. The same holds for every v1 segment. `with_v1` lists the v1
    API too: that the V2 list has its segments is only observed (sendgrid-api.md §1). Raises
    `RemoteError`: the first one met, without waiting for the other reads.
    """
    listed = account.list_segments()
    if with_v1:
        known = {remote.id for remote in listed}
        listed += tuple(remote for remote in _v1(account) if remote.id not in known)
    return with_definitions(
        account, listed, wanted(listed), progress, cache, is_undeclared=is_undeclared
    )


def with_definitions(
    account: Reader,
    listed: Sequence[Remote],
    wanted: Iterable[Remote],
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    cache: DefinitionCache | None = None,
    *,
    is_undeclared: Callable[[Remote], bool] = lambda _remote: False,
) -> Snapshot:
    """Read the definitions of some listed segments; everything else is as in `take_snapshot`."""
    definitions: dict[str, Remote] = {}
    to_read = []
    for remote in wanted:
        cached = cache.find(remote) if cache is not None else None
        if cached is None:
            to_read.append(remote)
        else:
            definitions[remote.id] = cached
    undeclared = {remote.id for remote in to_read if is_undeclared(remote)}
    read = _read(account, to_read, undeclared, progress)
    definitions |= read
    gone = {remote.id for remote in to_read} - read.keys()
    present = tuple(remote for remote in listed if remote.id not in gone)
    if cache is not None:
        cache.store(present, read.values(), account.server_time)
    return Snapshot(tuple(definitions.get(remote.id, remote) for remote in present))


def _v1(account: Reader) -> tuple[Remote, ...]:
    """List the segments of the v1 API; none where SendGrid has removed it."""
    try:
        return account.list_v1_segments()
    except NotFound:
        return ()


def _read(
    account: Reader,
    to_read: Sequence[Remote],
    undeclared: Collection[str],
    progress: Callable[[int, int], None],
) -> dict[str, Remote]:
    """Read the definitions of listed segments, by id, without the `undeclared` ones now gone."""
    lenient = account.lenient()

    def read(remote: Remote) -> Remote | None:
        is_undeclared = remote.id in undeclared
        try:
            reader = lenient if is_undeclared or remote.is_v1 else account
            segment = reader.get_segment(remote.id, v1=remote.is_v1)
        except NotFound as error:
            # A deleted segment stays in the list for up to a minute (sendgrid-api.md §1).
            if is_undeclared or remote.is_v1:
                return None
            raise NotFound(
                f"segment `{remote.name}` was deleted a moment ago, and SendGrid still lists it",
                hint="run the command again in a minute",
                operation=error.operation,
                status=error.status,
            ) from None
        if segment.name != remote.name:
            raise RemoteError(
                f"segment `{remote.name}` was renamed while the account was being read",
                hint="run the command again",
                operation="read the account",
            )
        return segment

    definitions = {}
    with closing(at_once(read, to_read)) as results:
        for number, definition in enumerate(results, 1):
            if definition is not None:
                definitions[definition.id] = definition
            progress(number, len(to_read))
    return definitions


def at_once(read: Callable[[Item], Result], items: Sequence[Item]) -> Generator[Result]:
    """Read all items, several at a time; yield results as they come; raise the first error.

    A caller that leaves early (an error, Ctrl-C) does not wait long: no further read starts, and
    those in flight get `GRACE` to end, so that their connections are closed. An executor would wait
    a minute or more, also at exit: hence daemon threads.
    """
    from segctl.sendgrid import CONCURRENCY  # noqa: PLC0415 - not for the help of a command

    waiting = deque(items)
    done: SimpleQueue[Result | BaseException] = SimpleQueue()

    def work() -> None:
        while True:
            try:
                item = waiting.popleft()
            except IndexError:
                return
            try:
                done.put(read(item))
            except BaseException as error:  # noqa: BLE001 - the waiting thread raises it
                done.put(error)
                return

    number = min(CONCURRENCY, len(items))
    threads = [threading.Thread(target=work, name="read", daemon=True) for _ in range(number)]
    for thread in threads:
        thread.start()
    try:
        for _ in items:
            result = get_interruptibly(done)
            if isinstance(result, BaseException):
                raise result
            yield result
    finally:
        waiting.clear()
        for thread in threads:
            thread.join(GRACE)
            if thread.is_alive():
                break

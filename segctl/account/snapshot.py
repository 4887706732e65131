"""Reads the account into a `Snapshot`: the list, and the definition of each segment asked for.

All or nothing: one read that fails fails the whole, since a segment that could not be read must
never look like one that is not there. One answer alone means that, and of a segment alone from
whose absence nothing follows: SendGrid's own "not found" for one that nobody declares, which is
how a deleted one looks while the list still has it. What a cache knows for certain is not read
again.
"""

from __future__ import annotations

import threading
from collections import deque
from contextlib import closing
from queue import SimpleQueue
from typing import TYPE_CHECKING, TypeVar

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
"""Seconds that a read under way may take to end once another one has failed."""


def take_snapshot(
    account: Reader,
    wanted: Callable[[tuple[Remote, ...]], Iterable[Remote]],
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    cache: DefinitionCache | None = None,
    *,
    is_loose: Callable[[Remote], bool] = lambda _remote: False,
    with_v1: bool = False,
) -> Snapshot:
    """List the account and read the definitions that `wanted` picks from the list.

    Those that `cache` knows cost no request, and it learns the others. `progress` is told how many
    of how many are read. `is_loose`, asked after `wanted`, says of which segments the plan needs no
    more than to leave them alone or to delete them: one that is gone is left out of the snapshot,
    and one without a query has `None` for it; so has every v1 segment, whose absence leads to
    nothing but its successor. `with_v1` asks the first API as well: the V2 list is only observed to
    have its segments (sendgrid-api.md §1). Raises `RemoteError`: the first one met, at once,
    whatever the other reads are still waiting for.
    """
    listed = account.list_segments()
    if with_v1:
        known = {remote.id for remote in listed}
        listed += tuple(one for one in _v1(account) if one.id not in known)
    return with_definitions(account, listed, wanted(listed), progress, cache, is_loose=is_loose)


def with_definitions(
    account: Reader,
    listed: Sequence[Remote],
    wanted: Iterable[Remote],
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    cache: DefinitionCache | None = None,
    *,
    is_loose: Callable[[Remote], bool] = lambda _remote: False,
) -> Snapshot:
    """Read the definitions of some segments that were listed; all else as in `take_snapshot`."""
    definitions: dict[str, Remote] = {}
    picked = []
    for remote in wanted:
        remembered = cache.find(remote) if cache is not None else None
        if remembered is None:
            picked.append(remote)
        else:
            definitions[remote.id] = remembered
    loose = {remote.id for remote in picked if is_loose(remote)}
    read = _read(account, picked, loose, progress)
    definitions |= read
    gone = {remote.id for remote in picked} - read.keys()
    here = tuple(remote for remote in listed if remote.id not in gone)
    if cache is not None:
        cache.learn(here, read.values())
    return Snapshot(tuple(definitions.get(remote.id, remote) for remote in here))


def _v1(account: Reader) -> tuple[Remote, ...]:
    """List the segments of the first API; where that is not there any more, there are none."""
    try:
        return account.list_v1_segments()
    except NotFound:
        return ()


def _read(
    account: Reader,
    picked: Sequence[Remote],
    loose: Collection[str],
    progress: Callable[[int, int], None],
) -> dict[str, Remote]:
    """Read the definitions of listed segments, by id; `loose` ones that are gone are not in it."""
    lenient = account.lenient()

    def read(remote: Remote) -> Remote | None:
        is_loose = remote.id in loose
        try:
            reader = lenient if is_loose or remote.is_v1 else account
            found = reader.get_segment(remote.id, v1=remote.is_v1)
        except NotFound as error:
            # A deleted segment stays in the list for up to a minute (sendgrid-api.md §1).
            if is_loose or remote.is_v1:
                return None
            raise NotFound(
                f"segment `{remote.name}` is in the list but was deleted a moment ago",
                hint="run it again in a minute, when SendGrid's list has caught up",
                operation=error.operation,
                status=error.status,
            ) from None
        if found.name != remote.name:
            raise RemoteError(
                f"segment `{remote.name}` was renamed while the account was read",
                hint="run it again",
                operation="read the account",
            )
        return found

    definitions = {}
    with closing(at_once(read, picked)) as read_ones:
        for number, definition in enumerate(read_ones, 1):
            if definition is not None:
                definitions[definition.id] = definition
            progress(number, len(picked))
    return definitions


def at_once(read: Callable[[Item], Result], items: Sequence[Item]) -> Generator[Result]:
    """Read all items, several at a time; yield results as they come; raise the first error.

    Whoever leaves early (an error, Ctrl-C) waits for nobody for long: nothing more is begun, and
    what is under way gets a moment to end, so that its connection is closed with the others. An
    executor would wait for it, a minute or more, also at exit: hence threads that do not keep the
    process alive.
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
            except BaseException as error:  # noqa: BLE001 - it is raised by who waits for it
                done.put(error)
                return

    number = min(CONCURRENCY, len(items))
    threads = [threading.Thread(target=work, name="read", daemon=True) for _ in range(number)]
    for thread in threads:
        thread.start()
    try:
        for _ in items:
            result = done.get()
            if isinstance(result, BaseException):
                raise result
            yield result
    finally:
        waiting.clear()
        for thread in threads:
            thread.join(GRACE)
            if thread.is_alive():
                break

"""The cache of which segments each Single Send goes to, kept from one run to the next.

The list of Single Sends lacks their audiences, and each costs a GET; but it has `updated_at`. So
what is remembered of a Single Send holds for as long as the list shows the same `updated_at`.
Before anything is deleted, apply reads them again.

Cached are ids and times: no name, which may be a person's. What is read is decided by
`references.py`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

from segctl.account.cache_file import decode_entries, is_settled, settled_before

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from segctl.account.cache_file import CacheFile
    from segctl.model.single_sends import SingleSend

FOLDER = "single-sends"

_Entry: TypeAlias = tuple[str, tuple[str, ...]]
"""`updated_at`, and the ids of the segments."""


class SingleSendCache:
    """The audiences of one account's Single Sends, read from the `file` when first needed.

    `now` is a moment before anything is read of the account; whoever reads it again sets it again.
    Without a file, they are kept in memory.
    """

    def __init__(self, now: datetime, file: CacheFile | None = None) -> None:
        self.now = now
        self._file = file

    @cached_property
    def _known(self) -> dict[str, _Entry]:
        return {} if self._file is None else self._file.read(_decode)

    def find(self, listed: SingleSend) -> SingleSend | None:
        """Return a listed Single Send with its segments, or `None` where it must be read."""
        entry = self._known.get(listed.id)
        if entry is None or entry[0] != listed.updated_at:
            return None
        return replace(listed, segment_ids=entry[1])

    def store(
        self, listed: Iterable[SingleSend], read: Iterable[SingleSend], server_time: datetime | None
    ) -> None:
        """Store what was just read, and drop what the list contradicts.

        `server_time` is as for `DefinitionCache.store`.
        """
        settled = settled_before(self.now, server_time)
        known = {send.id: self._known[send.id] for send in listed if self.find(send) is not None}
        for send in read:
            if send.updated_at is not None and is_settled(send.updated_at, settled):
                known[send.id] = (send.updated_at, send.segment_ids)
        if known != self._known:
            self._known = known
            if self._file is not None:
                self._file.write({"single_sends": known})


def _decode(data: Mapping[str, Any]) -> dict[str, _Entry]:
    """Read the content of a file. Raises `ValueError` for anything that `store` does not write."""
    return decode_entries(data, "single_sends", _decode_entry)


def _decode_entry(entry: Any) -> _Entry:
    match entry:
        case [str(updated_at), list(ids)] if all(isinstance(id_, str) for id_ in ids):
            return updated_at, tuple(ids)
        case _:
            raise ValueError("the file is damaged")

"""The cache of an account's segment definitions, kept from one run to the next.

LIST has no queries, and each definition costs a GET; but LIST has `updated_at`, which moves with an
edit (sendgrid-api.md §1). So a cached definition holds for as long as the list shows the same
`updated_at`. There is one file an account, in the user's cache folder.

Cached are name, query and parent lists: no count, no contact, no segment whose text contains an
e-mail address or an API key. What is read is decided by `snapshot.py`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

from segctl.account.cache_file import CacheFile, decode_entries, is_settled, settled_before
from segctl.common.secrets import find_keys
from segctl.model import Validation

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from segctl.common.folder import Folder
    from segctl.model import Remote

FOLDER = "definitions"

_ADDRESS = re.compile(r"[\w.+-]@\w")

_Entry: TypeAlias = tuple[str, str, str, tuple[str, ...], str]
"""`updated_at`, version, name, parent lists; and the query."""


class DefinitionCache:
    """The definitions of one account, read on construction and written by `store` and `forget`.

    `account` is `environment.account_digest`. `now` is a moment before anything is read of the
    account. `say` gets a sentence when the cache cannot be used.
    """

    def __init__(
        self,
        folder: Folder,
        account: str,
        now: datetime,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._file = CacheFile(folder.below(FOLDER), account, "definitions", say)
        self._now = now
        self._known: dict[str, _Entry] = self._file.read(_decode)

    def find(self, listed: Remote) -> Remote | None:
        """Return a listed segment with its cached query, or `None` where it must be read.

        All but the query is from the list. Where the list lacks the validation, a GET has more.
        """
        entry = self._known.get(listed.id)
        if entry is None or listed.validation is Validation.UNKNOWN:
            return None
        return replace(listed, query=entry[-1]) if entry[:-1] == _key(listed) else None

    def store(
        self, listed: Sequence[Remote], read: Iterable[Remote], server_time: datetime | None
    ) -> None:
        """Store definitions that were just read; drop those that the list contradicts.

        `listed` is the whole list, so that the file grows no larger than the account. `server_time`
        is a moment before anything was read, by the server's clock: without it, nothing shows that
        a segment was not edited just now, and none of `read` is stored.
        """
        settled = settled_before(self._now, server_time)
        known = {remote.id: self._known[remote.id] for remote in listed if self._holds(remote)}
        for remote in read:
            entry = None if settled is None else _entry(remote, settled)
            if entry is not None:
                known[remote.id] = entry
        self._replace(known)

    def forget(self, ids: Collection[str]) -> None:
        """Drop the definitions of segments that are about to be written.

        The list can lag behind a write, as it does behind a deletion (sendgrid-api.md §1): the next
        run must not take the old definition for the present one.
        """
        self._replace({key: entry for key, entry in self._known.items() if key not in ids})

    def _holds(self, listed: Remote) -> bool:
        entry = self._known.get(listed.id)
        return entry is not None and entry[:-1] == _key(listed)

    def _replace(self, known: dict[str, _Entry]) -> None:
        if known != self._known:
            self._known = known
            self._file.write({"segments": known})


def _key(remote: Remote) -> tuple[str, str, str, tuple[str, ...]] | None:
    """Return what the list must still show for a definition to hold, `None` without proof."""
    if remote.updated_at is None or remote.query_version is None:
        return None
    return remote.updated_at, remote.query_version, remote.name, remote.parent_list_ids


def _entry(remote: Remote, settled: datetime) -> _Entry | None:
    """Return what is stored of a definition, `None` where it must not be."""
    key = _key(remote)
    if key is None or remote.query is None or _ADDRESS.search(remote.query):
        return None
    # A key may have been pasted into the wrong field.
    if find_keys(remote.name) or find_keys(remote.query, whole=True):
        return None
    return (*key, remote.query) if is_settled(key[0], settled) else None


def _decode(data: Mapping[str, Any]) -> dict[str, _Entry]:
    """Read the content of a file. Raises `ValueError` for anything that was never written."""
    return decode_entries(data, "segments", _decode_entry)


def _decode_entry(entry: Any) -> _Entry:
    match entry:
        case [str(updated_at), str(version), str(name), list(parents), str(query)] if all(
            isinstance(parent, str) for parent in parents
        ):
            return updated_at, version, name, tuple(parents), query
        case _:
            raise ValueError("the file is damaged")

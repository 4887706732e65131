"""Remembers the definitions of an account's segments from one run to the next.

LIST has no queries, and each definition costs a GET; but LIST has `updated_at`, which moves with an
edit (sendgrid-api.md §1). So a definition that was read once holds for as long as the list says the
same of its segment. Owns the files, one an account, below the user's folder for caches.

What is kept is what people decide: name, query, parent lists. No count, no contact, no segment that
spells out somebody's address or an API key. A file that is missing, broken, too large, of another
version or somebody else's is passed over and written anew; where nothing can be written, nothing is
remembered. None of that is an error. Refuses to decide what is read: that is `account/snapshot.py`.
"""

from __future__ import annotations

import re
import stat
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from segctl.common.files import read_private_json, write_private_json
from segctl.common.secrets import find_keys
from segctl.common.timestamps import moment
from segctl.model import Validation

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from segctl.model import Remote

FORMAT = 1
FOLDER = "definitions"
LARGEST_FOLDER = 128 << 20
"""Bytes; ten thousand segments, fifty accounts' worth, take six million."""

SETTLED = timedelta(minutes=2)
"""How long ago a segment must have been edited before its definition is remembered.

`updated_at` is in whole seconds: a second edit within the same one, after we read the first, would
not show. Once that second is over it cannot happen any more. It is the server's second and our
clock, so the rest of the two minutes is for clocks that disagree.
"""

_OURS = re.compile(r"[0-9a-f]{32}\.json|\.[0-9a-f]{32}\.[0-9a-f]{16}\.part")
_ADDRESS = re.compile(r"[\w.%+-]*[\w.+-]@\w")

_Entry: TypeAlias = tuple[str, str, str, tuple[str, ...], str]
"""`updated_at`, version, name, parent lists; and the query."""


class DefinitionCache:
    """What is remembered of one account, read when it is made and written by `learn`.

    `account` is `environment.account_digest`. `now` is taken as the moment before anything is read
    of the account. `say` is told, in a sentence, why nothing is remembered.
    """

    def __init__(
        self,
        folder: Path,
        account: str,
        now: datetime,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._folder = folder / FOLDER
        self._file = self._folder / f"{account}.json"
        self._settled = now - SETTLED
        self._say = say
        self._known = self._read()

    def find(self, listed: Remote) -> Remote | None:
        """Give a listed segment with its definition, `None` where it has to be read.

        All but the query is as the list says. A list that does not say whether the query is valid
        says less than a GET would.
        """
        entry = self._known.get(listed.id)
        if entry is None or listed.validation is Validation.UNKNOWN:
            return None
        return replace(listed, query=entry[-1]) if entry[:-1] == _key(listed) else None

    def learn(self, listed: Sequence[Remote], read: Iterable[Remote]) -> None:
        """Remember definitions that were just read; forget what the list contradicts.

        `listed` is the whole list, so that the file grows no larger than the account.
        """
        known = {one.id: self._known[one.id] for one in listed if self._holds(one)}
        for one in read:
            entry = self._entry(one)
            if entry is not None:
                known[one.id] = entry
        self._replace(known)

    def forget(self, ids: Collection[str]) -> None:
        """Forget the definitions of segments that are about to be written.

        Should the list lag behind a write, as it does behind a deletion (sendgrid-api.md §1), the
        next run must not take the old definition for the present one.
        """
        self._replace({id_: entry for id_, entry in self._known.items() if id_ not in ids})

    def _holds(self, listed: Remote) -> bool:
        entry = self._known.get(listed.id)
        return entry is not None and entry[:-1] == _key(listed)

    def _entry(self, one: Remote) -> _Entry | None:
        key = _key(one)
        if key is None or one.query is None or _ADDRESS.search(one.query):
            return None
        # Both are people's words, and a key may have been pasted into the wrong field.
        if find_keys(one.name) or find_keys(one.query, whole=True):
            return None
        edited = moment(key[0])
        # A time that cannot be read is never over.
        return (*key, one.query) if edited is not None and edited <= self._settled else None

    def _replace(self, known: dict[str, _Entry]) -> None:
        if known != self._known:
            self._known = known
            self._write()

    def _read(self) -> dict[str, _Entry]:
        try:
            return _decode(read_private_json(self._file, FORMAT))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            self._say(f"definitions remembered in {self._file} are not used: {reason}")
            return {}

    def _write(self) -> None:
        """Put the file in the place of the last one, whole; of two runs the later one's stays."""
        try:
            self._folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folder.mkdir(mode=0o700, exist_ok=True)
            write_private_json(self._file, FORMAT, {"segments": self._known})
            self._tidy()
        except ValueError:
            self._say("definitions are not remembered: they are too many")
            self._drop()
        except OSError as error:
            self._say(f"definitions are not remembered in {self._folder}: {error.strerror}")
            self._drop()

    def _drop(self) -> None:
        """Remove the file, which still holds what was to be forgotten."""
        with suppress(OSError):
            self._file.unlink()

    def _tidy(self) -> None:
        """Remove the files written longest ago where all together are too large."""
        files = []
        for file in self._folder.iterdir():
            # Another run may have been faster.
            with suppress(FileNotFoundError):
                found = file.lstat()
                if _OURS.fullmatch(file.name) and stat.S_ISREG(found.st_mode):
                    files.append((found.st_mtime, found.st_size, file))
        total = 0
        for _, size, file in sorted(files, reverse=True):
            total += size
            if total > LARGEST_FOLDER:
                file.unlink(missing_ok=True)


def _key(remote: Remote) -> tuple[str, str, str, tuple[str, ...]] | None:
    """Give what the list must still say for a definition to hold; `None` where it proves nothing.

    Whatever the list tells of the definition itself is in it: name and parent lists.
    """
    if remote.updated_at is None or remote.query_version is None:
        return None
    return remote.updated_at, remote.query_version, remote.name, remote.parent_list_ids


def _decode(data: Mapping[str, Any]) -> dict[str, _Entry]:
    """Read the content of a file. Raises `ValueError` for anything that `_write` does not write."""
    match data:
        case {"segments": dict(found)}:
            return {id_: _decode_entry(entry) for id_, entry in found.items()}
        case _:
            raise ValueError("it is damaged")


def _decode_entry(entry: Any) -> _Entry:
    match entry:
        case [str(updated_at), str(version), str(name), list(parents), str(query)] if all(
            isinstance(one, str) for one in parents
        ):
            return updated_at, version, name, tuple(parents), query
        case _:
            raise ValueError("it is damaged")

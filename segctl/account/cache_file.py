"""A file in the user's cache folder with what is remembered of one account.

A file that is missing, damaged, too large, of another version or another user's is ignored and
rewritten; where nothing can be written, nothing is cached. None of that is an error. Knows nothing
of what it holds: `definition_cache` and `single_send_cache` do.
"""

from __future__ import annotations

import re
import stat
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from segctl.common.files import read_private_json, write_private_json
from segctl.common.timestamps import parse_time_or_none

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from segctl.common.folder import Folder

Entry = TypeVar("Entry")

FORMAT = 1
LARGEST_FOLDER = 128 << 20
"""Bytes; the definitions of ten thousand segments, fifty accounts' worth, take six million."""

SETTLED = timedelta(minutes=2)
"""How long ago something must have been edited before it is cached.

`updated_at` is in whole seconds: a second edit within the same one, after we read the first, would
not show. It is compared with the server's own clock, and with ours. The rest of the two minutes
allows for servers behind one address whose clocks differ.
"""

_OURS = re.compile(r"[0-9a-f]{32}\.json|\.[0-9a-f]{32}\.[0-9a-f]{16}\.part")


def settled_before(now: datetime, server_time: datetime | None) -> datetime | None:
    """Return the time up to which an edit is so old that a later one shows.

    `None` without a time of the server: by our clock alone, nothing shows that.
    """
    return None if server_time is None else min(now, server_time) - SETTLED


def is_settled(updated_at: str | None, settled: datetime | None) -> bool:
    """Return whether an edit was so long ago. A time that cannot be read is treated as recent."""
    edited = parse_time_or_none(updated_at)
    return edited is not None and settled is not None and edited <= settled


def decode_entries(
    data: Mapping[str, Any], key: str, decode: Callable[[Any], Entry]
) -> dict[str, Entry]:
    """Return what a file has under a key, by id. Raises `ValueError` for anything else.

    `decode` raises `ValueError`, too, for an entry that was never written.
    """
    match data.get(key):
        case dict(entries):
            return {id_: decode(entry) for id_, entry in entries.items()}
        case _:
            raise ValueError("the file is damaged")


class CacheFile:
    """The file of one account and one kind of content, such as definitions.

    `folder` is the folder of that kind, and `account` is `environment.account_digest`. `noun` names
    the content in the sentences that `say` gets when the file cannot be used.
    """

    def __init__(self, folder: Folder, account: str, noun: str, say: Callable[[str], None]) -> None:
        self._folder = folder
        self._file = f"{account}.json"
        self._noun = noun
        self._say = say

    def read(self, decode: Callable[[Mapping[str, Any]], dict[str, Entry]]) -> dict[str, Entry]:
        """Return the decoded content, empty without a file that can be used.

        `decode` raises `ValueError` for anything that `write` was never given.
        """
        try:
            return decode(read_private_json(self._folder, self._file, FORMAT))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            path = self._folder.path / self._file
            self._say(f"cached {self._noun} in {path} are ignored: {reason}")
            return {}

    def write(self, content: Mapping[str, Any]) -> None:
        """Replace the file atomically; of two concurrent runs the later wins."""
        try:
            self._folder.make(0o700)
            write_private_json(self._folder, self._file, FORMAT, content)
            self._tidy()
        except ValueError:
            self._say(f"{self._noun} are not cached: there are too many")
            self._drop()
        except OSError as error:
            self._say(f"{self._noun} cannot be cached in {self._folder.path}: {error.strerror}")
            self._drop()

    def _drop(self) -> None:
        """Remove the file, which still has what was to be dropped."""
        with suppress(OSError):
            self._folder.remove(self._file)

    def _tidy(self) -> None:
        """Remove the oldest files where all together are too large."""
        files = []
        for name in filter(_OURS.fullmatch, self._folder.names()):
            # Another run may have removed it.
            with suppress(FileNotFoundError):
                status = (self._folder.path / name).lstat()
                if stat.S_ISREG(status.st_mode):
                    files.append((status.st_mtime, status.st_size, name))
        total = 0
        for _, size, name in sorted(files, reverse=True):
            total += size
            if total > LARGEST_FOLDER:
                self._folder.remove(name)

"""The log of refreshes that segctl requested, kept from one run to the next.

One small file an account in the cache folder, which may be lost at any time: times and digests of
ids, no name, no contact, no key. It never stops a run: a file that cannot be read is replaced, and
where none can be written the log lasts as long as the process.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from segctl.common import files
from segctl.common.timestamps import parse_time
from segctl.refreshing.quota import Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from segctl.common.clock import Clock
    from segctl.common.folder import Folder

VERSION = 1

_LOCK_ATTEMPTS = 500
_LOCK_INTERVAL = 0.02


class UsageLog:
    """The earlier refreshes of an account, shared with every other process.

    `folder` need not exist; with `None` the log lasts as long as this process. `digest` identifies
    the account without naming it.
    """

    def __init__(self, folder: Folder | None, digest: str, clock: Clock) -> None:
        self._folder = folder
        self._name = f"refreshes-{digest}"
        self._file = f"{self._name}.json"
        self.clock = clock
        self._in_memory = Usage()

    def update(self, change: Callable[[Usage, datetime], Usage]) -> Usage:
        """Read the log, change it and write it under a lock; return the result.

        `change` gets the part that still counts, and the present time.
        """
        with self._locked_folder() as folder:
            now = self.clock.now()
            stored = _load(folder, self._file) if folder is not None else None
            self._in_memory = change((self._in_memory if stored is None else stored).at(now), now)
            if folder is not None:
                # A full disk must not end an apply: this process still knows.
                with suppress(OSError):
                    _save(folder, self._file, self._in_memory)
        return self._in_memory

    @contextmanager
    def _locked_folder(self) -> Iterator[Folder | None]:
        """Lock the log; yield its folder, or `None` where it cannot be locked."""
        if self._folder is None:
            yield None
            return
        try:
            self._folder.make(0o700)
            lock = self._folder.open(f"{self._name}.lock")
        except (OSError, ValueError):
            yield None
            return
        try:
            # The lock ends with its process, however that ends.
            if not self._lock(lock):
                # The process that holds it hangs. Do not wait for it again.
                self._folder = None
            yield self._folder
        finally:
            os.close(lock)

    def _lock(self, lock: int) -> bool:
        for _ in range(_LOCK_ATTEMPTS):
            try:
                files.hold(lock)
            except OSError:
                self.clock.sleep(_LOCK_INTERVAL)
            else:
                return True
        return False


def _load(folder: Folder, name: str) -> Usage | None:
    """Read a log; return `None` where this version of segctl did not write one."""
    try:
        content = files.read_private_json(folder, name, VERSION)
        account = content["account_closed"]
        return Usage(
            {str(key): tuple(map(parse_time, uses)) for key, uses in content["uses"].items()},
            {str(key): parse_time(until) for key, until in content["closed"].items()},
            None if account is None else parse_time(account),
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _save(folder: Folder, name: str, usage: Usage) -> None:
    """Write a log atomically, readable by its owner only."""
    account = usage.account_closed
    content = {
        "uses": {
            key: [moment.isoformat() for moment in moments] for key, moments in usage.uses.items()
        },
        "closed": {key: until.isoformat() for key, until in usage.closed.items()},
        "account_closed": None if account is None else account.isoformat(),
    }
    files.write_private_json(folder, name, VERSION, content)

"""The refreshes that segctl asked for, remembered from one run to the next.

Owns one small file an account in the folder for caches, which may be lost at any time: moments and
digests of ids, no name, no contact, no key. It never stands in the way of a run. A file that cannot
be read is begun anew, and where none can be written the record lasts as long as the process.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from segctl.common import files
from segctl.common.timestamps import parse_moment
from segctl.refreshing.quota import Past

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from segctl.common.clock import Clock

VERSION = 1

_PATIENCE = 100
_PAUSE = 0.02


class RefreshRecord:
    """What is known of an account's earlier refreshes, shared with every other process.

    `folder` need not exist; `None` remembers nothing beyond this process. `digest` names the
    account without saying which it is; `clock` is the one by which moments are reckoned.
    """

    def __init__(self, folder: Path | None, digest: str, clock: Clock) -> None:
        self._path = None if folder is None else folder / f"refreshes-{digest}.json"
        self.clock = clock
        self._own = Past()

    def update(self, change: Callable[[Past, datetime], Past]) -> Past:
        """Read the record, change it, write it, while no other process does; give it as it is then.

        `change` gets what still counts, and the present moment.
        """
        with self._alone() as path:
            now = self.clock.now()
            stored = _load(path) if path is not None else None
            self._own = change((self._own if stored is None else stored).at(now), now)
            if path is not None:
                # A full disk must not end an apply: this process still knows.
                with suppress(OSError):
                    _save(path, self._own)
        return self._own

    @contextmanager
    def _alone(self) -> Iterator[Path | None]:
        """Lock the record; give its path, or `None` where there is none to be had."""
        if self._path is None:
            yield None
            return
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self._path.with_suffix(".lock"), os.O_CREAT | os.O_RDWR, 0o600)
        except (OSError, ValueError):
            yield None
            return
        try:
            # The lock goes with its process, however that ends.
            yield self._path if self._locked(lock) else None
        finally:
            os.close(lock)

    def _locked(self, lock: int) -> bool:
        for _ in range(_PATIENCE):
            try:
                files.hold(lock)
            except OSError:
                self.clock.sleep(_PAUSE)
            else:
                return True
        return False


def _load(path: Path) -> Past | None:
    """Read a record; `None` where there is none that this version of segctl wrote."""
    try:
        content = files.read_private_json(path, VERSION)
        account = content["account_closed"]
        return Past(
            {str(key): tuple(map(parse_moment, uses)) for key, uses in content["uses"].items()},
            {str(key): parse_moment(until) for key, until in content["closed"].items()},
            None if account is None else parse_moment(account),
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _save(path: Path, past: Past) -> None:
    """Write a record through a file beside it, which only its owner can read."""
    account = past.account_closed
    content = {
        "uses": {
            key: [moment.isoformat() for moment in moments] for key, moments in past.uses.items()
        },
        "closed": {key: until.isoformat() for key, until in past.closed.items()},
        "account_closed": None if account is None else account.isoformat(),
    }
    files.write_private_json(path, VERSION, content)

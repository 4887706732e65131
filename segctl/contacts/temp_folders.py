"""Folders for data that does not fit into memory, which is as personal as the contacts.

Each folder belongs to one run, which removes it. The next run removes the folder of a run that was
killed. Does not decide what is written there: DuckDB does.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, suppress
from secrets import token_hex
from typing import TYPE_CHECKING

from segctl.common import files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from segctl.common.folder import Folder

_PREFIX = "spill-"
_LOCK = "lock"


@contextmanager
def temp_folder(root: Folder) -> Iterator[Path]:
    """Create a folder in `root`, mode 0700, and remove it on exit. Raises `OSError`."""
    remove_stale_folders(root)
    with ExitStack() as stack:
        while True:
            name = f"{_PREFIX}{token_hex(8)}"
            root.make_new(name)
            # After the lock is released: Windows does not remove open files.
            stack.callback(_remove, root, name)
            with suppress(FileNotFoundError):
                if stack.enter_context(files.lock(root.below(name), _LOCK)):
                    break
            # Another run took it for a stale folder, just before it was locked.
        yield root.below(name).path


def remove_stale_folders(root: Folder) -> None:
    """Remove the folders of runs that have ended. Raises `OSError`."""
    for name in root.names():
        if not name.startswith(_PREFIX):
            continue
        with suppress(OSError):
            with files.lock(root.below(name), _LOCK) as is_stale:
                if is_stale:
                    _remove(root, name)
            if is_stale:
                _remove(root, name)


def _remove(root: Folder, name: str) -> None:
    with suppress(OSError):
        root.remove_folder(name)

"""Folders for data that does not fit into memory, which is as personal as the contacts.

Each folder belongs to one run, which removes it. The next run removes the folder of a run that was
killed. Does not decide what is written there: DuckDB does.
"""

from __future__ import annotations

import shutil
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from segctl.common import files

if TYPE_CHECKING:
    from collections.abc import Iterator

_PREFIX = "spill-"
_LOCK = "lock"


@contextmanager
def temp_folder(root: Path) -> Iterator[Path]:
    """Create a folder in `root`, mode 0700, and remove it on exit. Raises `OSError`."""
    remove_stale_folders(root)
    with ExitStack() as stack:
        while True:
            folder = Path(mkdtemp(dir=root, prefix=_PREFIX))
            # After the lock is released: Windows does not remove open files.
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            with suppress(FileNotFoundError):
                if stack.enter_context(files.lock(folder / _LOCK)):
                    break
            # Another run took it for a stale folder, just before it was locked.
        yield folder


def remove_stale_folders(root: Path) -> None:
    """Remove the folders of runs that have ended."""
    for folder in root.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            with files.lock(folder / _LOCK) as is_stale:
                if is_stale:
                    shutil.rmtree(folder, ignore_errors=True)
            if is_stale:
                shutil.rmtree(folder, ignore_errors=True)

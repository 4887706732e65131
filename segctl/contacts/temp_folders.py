"""Folders for what does not fit into memory, which is as personal as the contacts themselves.

Owns their names and their end: each is its run's own, and goes with it. One whose run was killed is
removed by the next.
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
def temp_folder(temp_root: Path) -> Iterator[Path]:
    """Make a folder in `temp_root`, mode 0700, and remove it afterwards. Raises `OSError`."""
    remove_stale_folders(temp_root)
    with ExitStack() as stack:
        while True:
            folder = Path(mkdtemp(dir=temp_root, prefix=_PREFIX))
            # After the lock is let go of: no open file can be removed on Windows.
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            with suppress(FileNotFoundError):
                if stack.enter_context(files.lock(folder / _LOCK)):
                    break
            # Another run has taken it for a dead one's, just before it was locked.
        yield folder


def remove_stale_folders(temp_root: Path) -> None:
    """Remove the folders of runs that are no more."""
    for folder in temp_root.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            with files.lock(folder / _LOCK) as free:
                if free:
                    shutil.rmtree(folder, ignore_errors=True)
            if free:
                shutil.rmtree(folder, ignore_errors=True)

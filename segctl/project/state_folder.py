"""The folder in which segctl keeps what is its own in a project; knows nothing of its contents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

STATE_FOLDER = ".segctl"


def make_state_folder(root: Path) -> Path:
    """Return the folder of a project's state; create it, ignored by git, if it does not exist.

    Raises `UsageError` if it cannot be written.
    """
    folder = root / STATE_FOLDER
    try:
        folder.mkdir(exist_ok=True)
        ignore = folder / ".gitignore"
        if not ignore.exists():
            ignore.write_text("# Everything here is segctl's own.\n*\n", "utf-8")
    except OSError as error:
        raise UsageError(f"cannot write to {folder}: {error.strerror or error}") from None
    return folder

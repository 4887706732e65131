"""The folder in which segctl keeps what is its own in a project; knows nothing of its contents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.common.files import cannot_write
from segctl.common.folder import Folder

if TYPE_CHECKING:
    from pathlib import Path

STATE_FOLDER = ".segctl"
_IGNORE = f"{STATE_FOLDER}/.gitignore"


def make_state_folder(root: Path) -> Folder:
    """Return the folder of a project's state; create it, ignored by git, if it does not exist.

    Raises `UsageError` if it cannot be written, and `Refused` for a link.
    """
    project = Folder(root)
    folder = project.below(STATE_FOLDER)
    try:
        folder.make()
        if not project.is_file(_IGNORE):
            project.create(_IGNORE, b"# Everything here is segctl's own.\n*\n")
    except OSError as error:
        raise cannot_write(f"to {STATE_FOLDER}/", error) from None
    return folder

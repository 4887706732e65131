"""Where a command finds the contacts that were pulled: in the folder that segctl keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.cli.session import STATE_FOLDER
from segctl.contacts.shelf import FOLDER, Shelf

if TYPE_CHECKING:
    from pathlib import Path

    from segctl.cli.session import Session


def contacts_folder(session: Session) -> Path:
    """Give the folder of the contacts of every target."""
    return session.root / STATE_FOLDER / FOLDER


def shelf_of(session: Session) -> Shelf:
    """Give the place of the target's contacts. Raises `UsageError` where there is no target."""
    return Shelf(contacts_folder(session), session.target.name)

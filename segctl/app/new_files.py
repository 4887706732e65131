"""What `import` and `upgrade` share: from segments of an account to files that did not exist.

Owns the writing of a new file, whole or not at all, and the questions around it.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from segctl.declarations.collection import Declarations
from segctl.errors import InvalidInput, UsageError
from segctl.project.files import stays_inside

if TYPE_CHECKING:
    from pathlib import Path

    from segctl.app.session import Session

SCHEMA = "schemas/segment.schema.json"


def read_files(session: Session, folder: Path) -> Declarations:
    """Read what files declare; nothing where the folder is still to be made.

    Raises `InvalidInput` with every problem of every file: what is declared is not known then.
    """
    name = session.config.segments
    if not stays_inside(session.root, folder):
        raise UsageError(
            f"{name}/ is behind a link that leads out of the project",
            hint="put the folder itself there, or go to the other project with -C DIR",
        )
    if not folder.exists():
        return Declarations()
    if session.declarations.has_errors:
        raise InvalidInput(session.declarations.diagnostics)
    return session.declarations


def schema_path(session: Session) -> str:
    """Give the way from the segments folder to the project's own copy of the schema, if any."""
    if not (session.root / SCHEMA).is_file():
        return ""
    return posixpath.relpath(SCHEMA, session.config.segments)


def write_new(folder: Path, name: str, text: str) -> None:
    """Write a file that does not exist yet, whole or not at all. Raises `UsageError`."""
    path = folder / name
    made = False
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as stream:
            made = True
            stream.write(text.encode())
    except BaseException as error:
        if made:
            path.unlink(missing_ok=True)
        if not isinstance(error, OSError):
            raise
        reason = error.strerror or type(error).__name__
        raise UsageError(
            f"cannot write {path}: {reason}",
            hint="the files named above are written; run it again for the rest",
        ) from None

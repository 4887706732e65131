"""What `import` and `upgrade` share: new segment files from segments of an account.

Owns the writing of a new file, whole or not at all, and what it needs to know of the project.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from segctl.app.selection import sound_declarations
from segctl.declarations.collection import Declarations
from segctl.errors import UsageError
from segctl.project.files import stays_inside

if TYPE_CHECKING:
    from pathlib import Path

    from segctl.app.project import Project
    from segctl.importing.file_builder import NewFile

SCHEMA = "schemas/segment.schema.json"


def segments_folder(project: Project) -> Path:
    """Return the folder of segment files, which may not exist yet."""
    return project.root / project.config.segments


def existing_declarations(project: Project) -> Declarations:
    """Return what the files declare: nothing, if the folder does not exist yet.

    Raises `InvalidInput` with every problem of every file, and `UsageError`.
    """
    folder = segments_folder(project)
    if not stays_inside(project.root, folder):
        raise UsageError(
            f"{project.config.segments}/ is behind a link that leads out of the project",
            hint="move the folder into the project, or open the other project with -C DIR",
        )
    return sound_declarations(project) if folder.exists() else Declarations()


def file_names(project: Project) -> list[str]:
    """Return the names in the folder of segment files, which no new file may take."""
    folder = segments_folder(project)
    return [path.name for path in folder.iterdir()] if folder.exists() else []


def schema_path(project: Project) -> str:
    """Return the path from the segments folder to the project's copy of the schema, or empty."""
    if not (project.root / SCHEMA).is_file():
        return ""
    return posixpath.relpath(SCHEMA, project.config.segments)


def write_new_file(project: Project, file: NewFile) -> str:
    """Write a file that does not exist yet, whole or not at all; return its path in the project.

    Raises `UsageError`.
    """
    folder = segments_folder(project)
    path = folder / file.name
    is_created = False
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as stream:
            is_created = True
            stream.write(file.text.encode())
    except BaseException as error:
        if is_created:
            path.unlink(missing_ok=True)
        if not isinstance(error, OSError):
            raise
        reason = error.strerror or type(error).__name__
        raise UsageError(
            f"cannot write {path}: {reason}",
            hint="the files listed above are written; run the command again for the rest",
        ) from None
    return new_file_path(project, file)


def new_file_path(project: Project, file: NewFile) -> str:
    """Return the path of a new file, relative to the project."""
    return f"{project.config.segments}/{file.name}"

"""What `import` and `upgrade` share: new segment files from segments of an account.

Owns the writing of a new file, whole or not at all, the removal of those that it replaces, and what
both need to know of the project.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from segctl.app.selection import sound_declarations
from segctl.common.files import cannot_write, refused_or_failed
from segctl.common.folder import Folder, UnsafePath
from segctl.declarations.collection import Declarations
from segctl.errors import Refused, UsageError
from segctl.importing.file_builder import NewFoldedFile
from segctl.project.files import linked_part

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
    link = linked_part(project.root, project.config.segments)
    if link:
        raise Refused(
            f"{link}/ is a link, which is not followed",
            hint="set `segments:` in segctl.yaml to the folder itself, or move it here",
        )
    return sound_declarations(project) if folder.exists() else Declarations()


def file_names(project: Project) -> list[str]:
    """Return the paths in the folder of segment files, which no new file may take."""
    folder = segments_folder(project)
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*")]


def only_target(project: Project) -> str:
    """Return the target whose account segments are read from, empty if the project has no other.

    Without it in their files, the other accounts would get these segments as well.
    """
    return project.target.name if len(project.config.targets) > 1 else ""


def schema_path(project: Project) -> str:
    """Return the path from the segments folder to the project's copy of the schema, or empty."""
    if not (project.root / SCHEMA).is_file():
        return ""
    return posixpath.relpath(SCHEMA, project.config.segments)


def write_new_file(project: Project, file: NewFile | NewFoldedFile) -> str:
    """Write a file that does not exist yet, whole or not at all; return its path in the project.

    The files that a folded one replaces are removed then. Raises `UsageError`, and `Refused` for a
    link.
    """
    path = new_file_path(project, file)
    outer, _, name = path.rpartition("/")
    folder = Folder(project.root).below(outer)
    try:
        folder.make()
        folder.create(name, file.text.encode())
    except UnsafePath as error:
        raise cannot_write(path, error) from None
    except OSError as error:
        raise UsageError(
            f"cannot write {path}: {error.strerror or type(error).__name__}",
            hint="the files listed above are written; run the command again for the rest",
        ) from None
    for replaced in file.replaces if isinstance(file, NewFoldedFile) else ():
        _remove(f"{project.config.segments}/{replaced}", project, path)
    return path


def _remove(path: str, project: Project, new_path: str) -> None:
    try:
        Folder(project.root).remove(path)
    except OSError as error:
        hint = f"remove it: {new_path} declares its segment"
        raise refused_or_failed(f"cannot remove {path}", error, hint) from None


def new_file_path(project: Project, file: NewFile | NewFoldedFile) -> str:
    """Return the path of a new file, relative to the project."""
    return f"{project.config.segments}/{file.name}"

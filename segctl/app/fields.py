"""The contact fields of the account, as fields.yaml keeps them beside the segment files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.common.clock import format_utc
from segctl.common.files import write_text
from segctl.common.folder import Folder
from segctl.declarations.fields_file import fields_text, read_fields
from segctl.model.contact_fields import Fields
from segctl.project.files import FIELDS_FILE

if TYPE_CHECKING:
    from segctl.app.connection import Connection
    from segctl.app.project import Project
    from segctl.errors import Diagnostic


def fields_path(project: Project) -> str:
    """Return the path of fields.yaml, relative to the project."""
    return f"{project.config.segments}/{FIELDS_FILE}"


def read_local_fields(project: Project) -> tuple[Fields | None, list[Diagnostic]]:
    """Return what fields.yaml holds, `None` if there is no such file, and its problems.

    A missing folder of segment files is fine: `upgrade` and `import` create it.
    """
    if not (project.root / project.config.segments).exists():
        return None, []
    data = project.files.fields
    if data is None:
        return None, []
    return read_fields(fields_path(project), data)


def pull_fields(project: Project, connection: Connection) -> Fields:
    """Write fields.yaml from what the account has, and return it.

    Raises `RemoteError`, `UsageError` if the file cannot be written, and `Refused` for a link.
    """
    custom, reserved = connection.reader.list_fields()
    now = format_utc(project.clock.now())
    fields = Fields(custom, reserved, project.target.name, now)
    write_text(Folder(project.root), fields_path(project), fields_text(fields))
    return fields

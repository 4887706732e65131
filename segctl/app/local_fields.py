"""What the files of a project know of its account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.declarations.fields_file import read_fields
from segctl.project.files import FIELDS_FILE

if TYPE_CHECKING:
    from segctl.app.session import Session
    from segctl.errors import Diagnostic
    from segctl.model.contact_fields import Fields


def offline_fields(session: Session) -> tuple[Fields | None, list[Diagnostic]]:
    """Read fields.yaml: the fields, `None` without such a file, and what is wrong in it.

    A folder that is still to be made has none: `upgrade` and `import` make it.
    """
    if not (session.root / session.config.segments).exists():
        return None, []
    data = session.files.fields
    if data is None:
        return None, []
    return read_fields(f"{session.config.segments}/{FIELDS_FILE}", data)

"""`instances.yaml`: sets of instances with names, which `for_each` of several files share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.declarations.instances import read_items
from segctl.documents.data_files import read_data_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from segctl.declarations.instances import Items
    from segctl.documents.document import Document

_KEY = "instances"


def read_instance_sets(file: str, data: bytes) -> tuple[Mapping[str, Items] | None, Document]:
    """Return the sets in the bytes of a file by name, and its document with what is wrong.

    `file` is its path relative to the project. The sets are `None` where it has an error.
    """
    hint = f"add `{_KEY}:`, or delete it"
    document, is_valid = read_data_file(file, data, _KEY, empty_hint=hint)
    if not is_valid:
        return None, document
    sets = {
        name: read_items(document, value, (_KEY, name))
        for name, value in document.value[_KEY].items()
    }
    return (None if document.diagnostics else sets), document

"""The check of the values in a file that a schema cannot express."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from segctl.model.values import VALUES, is_value, value_problem

if TYPE_CHECKING:
    from segctl.documents.document import Document, Path


def report_bad_values(document: Document, path: Path = (VALUES,)) -> None:
    """Report the values that no query can contain, in the mapping at a path.

    What has another shape is left to the schema.
    """
    values: Any = document.value
    for key in path:
        values = values.get(key) if isinstance(values, dict) else None
    for name, value in values.items() if isinstance(values, dict) else ():
        problem = value_problem(value) if is_value(value) else ""
        if problem:
            message = f"`{name}` {problem}"
            document.report("bad-value", message, path=(*path, name), hint="remove it")

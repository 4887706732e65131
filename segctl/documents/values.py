"""The check of the values in a file that a schema cannot express."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from segctl.model.values import VALUES, is_value, value_problem

if TYPE_CHECKING:
    from segctl.documents.document import Document, Path


def report_bad_values(document: Document, within: Path) -> None:
    """Report the values that no query can contain, under the key `values` at a path.

    What has another shape is left to the schema.
    """
    settings: Any = document.value
    for key in within:
        settings = settings.get(key) if isinstance(settings, dict) else None
    values = settings.get(VALUES) if isinstance(settings, dict) else None
    for name, value in values.items() if isinstance(values, dict) else ():
        problem = value_problem(value) if is_value(value) else ""
        if problem:
            path = (*within, VALUES, name)
            document.report("bad-value", f"`{name}` {problem}", path=path, hint="remove it")

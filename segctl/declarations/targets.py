"""`targets` in a segment file: the accounts that it is for, and its values for each of them.

Knows the targets and groups that segctl.yaml names; chooses none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from segctl.common.suggest import did_you_mean
from segctl.documents.document import quote_value
from segctl.documents.values import report_bad_values
from segctl.model.values import VALUES, read_values

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from segctl.declarations.bindings import Bindings
    from segctl.documents.document import Document
    from segctl.model.values import Value

TARGETS = "targets"


def read_targets(document: Document, bindings: Bindings) -> Mapping[str, Value] | None:
    """Return the values that a segment file has for the target; `None` where it is not for it.

    What is wrong for any target is reported in the document, which is valid by its schema. Values
    of the target itself win over those of its groups, and of these the later ones.
    """
    entries: Any = document.value.get(TARGETS)
    if entries is None:
        return {}
    values: dict[str, Value] = {}
    own: Mapping[str, Value] = {}
    is_for_target = not bindings.target
    for place, name, settings in _entries(entries):
        report_bad_values(document, (TARGETS, name, VALUES))
        members = bindings.groups.get(name, (name,))
        if bindings.targets and name not in {*bindings.targets, *bindings.groups}:
            known = [*bindings.targets, *bindings.groups]
            document.report(
                "unknown-target",
                f"target {quote_value(name)} not found",
                path=(TARGETS, place),
                key=isinstance(place, str),
                hint=did_you_mean(name, known, f"the targets are {', '.join(known)}"),
            )
        elif bindings.target in members:
            is_for_target = True
            of_name = read_values(settings.get(VALUES))
            if name == bindings.target:
                own = of_name
            else:
                values |= of_name
    return {**values, **own} if is_for_target else None


def _entries(entries: Any) -> Iterator[tuple[str | int, str, Mapping[str, Any]]]:
    """Yield the place of each entry, the name of its target or group, and its settings."""
    if isinstance(entries, dict):
        for name, settings in entries.items():
            yield name, name, settings or {}
    else:
        for number, name in enumerate(entries):
            yield number, name, {}

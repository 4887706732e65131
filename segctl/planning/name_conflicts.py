"""Diagnostics about names that another segment of the account has, or almost has.

Pure. Changes nothing: `ordering` decides when a name is free.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from segctl.errors import Diagnostic, Severity
from segctl.model import Create, Delete, Patch, Replace, Successor, Upgrade

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from segctl.model import Change, Declared, Remote


def find_names_in_use(changes: Sequence[Change], remotes: Iterable[Remote]) -> list[Diagnostic]:
    """Report each change to a name that nothing in the plan frees: its holder was not selected."""
    names = {remote.id: remote.name for remote in remotes}
    holders = {name: segment_id for segment_id, name in names.items()}
    diagnostics = []
    for change in changes:
        match change:
            case Replace(successor=Successor()):
                # The new segment has its name already.
                continue
            case (
                Patch(after=after, precondition=before) | Replace(after=after, precondition=before)
            ):
                if holders.get(after.name, before.id) != before.id:
                    diagnostics.append(_name_in_use(change, after.name))
                if holders.get(names[before.id]) == before.id:
                    del holders[names[before.id]]
                holders[after.name] = before.id
                names[before.id] = after.name
            case Create() | Delete() | Upgrade():
                # A successor takes a free name, or that of its v1 segment.
                continue
            case _:
                assert_never(change)
    return diagnostics


def _name_in_use(change: Patch | Replace, name: str) -> Diagnostic:
    return Diagnostic(
        "name-in-use",
        Severity.ERROR,
        f"another segment is named `{name}`, and this plan does not rename it",
        change.span,
        hint="add the file of that segment to --only",
    )


def find_case_variants(declared: Declared, remotes: Sequence[Remote]) -> list[Diagnostic]:
    """Warn of a new segment whose name differs from those of `remotes` only by case."""
    return [
        Diagnostic(
            "name-differs-by-case",
            Severity.WARNING,
            f"`{declared.name}` would be created beside the existing `{remote.name}`",
            declared.span,
            hint=f"write `{remote.name}` in the file if that is the segment you mean",
        )
        for remote in remotes
    ]

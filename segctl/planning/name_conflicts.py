"""Names that get in each other's way: what a plan says of them.

Owns the findings about a name that somebody else on the account has, or almost has. Changes
nothing: which name is free when is `ordering.py`'s. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from segctl.errors import Diagnostic, Severity
from segctl.model import Create, Delete, Patch, Replace, Successor, Upgrade

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from segctl.model import Change, Declared, Remote


def find_names_in_use(changes: Sequence[Change], remotes: Iterable[Remote]) -> list[Diagnostic]:
    """Find names that a change takes and that nothing in the plan frees: the rest was left out."""
    names = {remote.id: remote.name for remote in remotes}
    holder = {name: id_ for id_, name in names.items()}
    found = []
    for change in changes:
        match change:
            case Replace(successor=Successor()):
                # The new one has its name already.
                continue
            case (
                Patch(after=after, precondition=before) | Replace(after=after, precondition=before)
            ):
                if holder.get(after.name, before.id) != before.id:
                    found.append(_held(change, after.name))
                if holder.get(names[before.id]) == before.id:
                    del holder[names[before.id]]
                holder[after.name] = before.id
                names[before.id] = after.name
            case Create() | Delete() | Upgrade():
                # A twin takes a name that nobody else has, or that of the v1 segment it follows.
                continue
            case _:
                assert_never(change)
    return found


def _held(change: Patch | Replace, name: str) -> Diagnostic:
    return Diagnostic(
        "name-in-use",
        Severity.ERROR,
        f"`{name}` is the name of another segment, which this plan does not rename",
        change.span,
        hint="let --only take in the file of that one, too",
    )


def find_case_variants(one: Declared, remotes: Sequence[Remote]) -> list[Diagnostic]:
    """Doubt a new segment whose name differs from others of the account by nothing but case."""
    return [
        Diagnostic(
            "name-differs-by-case",
            Severity.WARNING,
            f"the account has `{remote.name}`, and `{one.name}` would be created beside it",
            one.span,
            hint=f"write `{remote.name}` in the file if that is the one you mean",
        )
        for remote in remotes
    ]

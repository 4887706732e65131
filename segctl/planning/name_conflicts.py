"""Diagnostics about names that another segment of the account has, or that look like it.

Pure. Changes nothing: `ordering` decides when a name is free.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, assert_never

from segctl.errors import Diagnostic, Severity
from segctl.model import Create, Delete, Patch, Replace, Successor, Upgrade
from segctl.planning.wording import quoted_name

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
            case Delete(id=segment_id, name=name):
                if holders.get(name) == segment_id:
                    del holders[name]
            case Create() | Upgrade():
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


def look_alike_key(name: str) -> str:
    """Return a form that is equal for names that look the same, or differ only by case.

    It ignores the encoding of accents (NFC or NFD), blanks at the ends, repeated or unusual blanks,
    and characters that have no width.
    """
    visible = name if name.isascii() else "".join(filter(_has_width, name))
    return unicodedata.normalize("NFC", " ".join(visible.split()).casefold())


def _has_width(char: str) -> bool:
    return unicodedata.category(char) != "Cf"


def find_look_alikes(
    declared: Declared, remotes: Sequence[Remote], *, ignores_case: bool = False
) -> list[Diagnostic]:
    """Warn of a new segment whose name looks like those of `remotes`, or differs by case.

    `ignores_case`: a probe saw SendGrid refuse names that differ by case, so these are errors.
    """
    return [
        _looks_alike(declared, remote, ignores_case=ignores_case)
        for remote in remotes
        if remote.name != declared.name
    ]


def _looks_alike(declared: Declared, remote: Remote, *, ignores_case: bool) -> Diagnostic:
    summary = f"`{declared.name}` would be created beside the existing `{remote.name}`"
    if declared.name.casefold() == remote.name.casefold():
        hint = f"write `{remote.name}` in the file if that is the segment you mean"
        severity = Severity.ERROR if ignores_case else Severity.WARNING
        summary += ", and to SendGrid the two are one name" if ignores_case else ""
        return Diagnostic("name-differs-by-case", severity, summary, declared.span, hint=hint)
    return Diagnostic(
        "name-looks-alike",
        Severity.WARNING,
        f"{summary}: the two names look alike",
        declared.span,
        hint=f"write `name: {quoted_name(remote.name, ascii_only=True)}` in the file if that is "
        "the segment you mean",
    )

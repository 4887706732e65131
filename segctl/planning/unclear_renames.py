"""Plans that would delete one segment and create another, where the two may be the same one.

A rename keeps the id, and a delete with a create does not; history or the work tree shows that
something was renamed or removed, but not which. Such a plan is refused until a file decides. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.errors import Diagnostic, Severity, file_of
from segctl.model import Create, Delete, Reason
from segctl.planning.equality import same_audience
from segctl.planning.wording import add_previous_name, quoted_name, short_commit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from segctl.errors import Span
    from segctl.model import Change, Declared
    from segctl.planning.ownership import FormerSegment, Removal


def unclear_rename_refusals(
    changes: Sequence[Change],
    removals: Sequence[Removal],
    declared: Sequence[Declared],
    former_of: Callable[[str], FormerSegment | None],
) -> Iterator[Diagnostic]:
    """Refuse each delete of a removed segment that may have another name now.

    Git finds its file similar to that of a new segment, its file has a new instance, or it declares
    a name that another segment had before, as `former_of` shows.
    """
    created = {change.name: change for change in changes if isinstance(change, Create)}
    by_name = {removal.name: removal for removal in removals}
    by_source = {item.source: item for item in declared}
    for change in changes:
        if not isinstance(change, Delete) or change.reason is not Reason.REMOVED:
            continue
        removal = by_name.get(change.name)
        if removal is None:
            continue
        new_name = _final_name(removal, created, by_name)
        if new_name in created:
            yield _similar(removal, created[new_name])
        elif removal.file in by_source:
            taking = by_source[removal.file]
            former = former_of(taking.name)
            if former is not None and _may_be_renamed(removal, taking, former):
                yield _took_a_name(removal, taking, former)


def _final_name(
    removal: Removal, created: Mapping[str, Create], by_name: Mapping[str, Removal]
) -> str:
    """Return the created name that a removed one may have become, in one step or more."""
    # Each name on the way was removed after the one before it, so the loop ends.
    name = removal.maybe_renamed_to
    while name in by_name and name not in created:
        name = by_name[name].renamed_to or by_name[name].maybe_renamed_to
    return name


def _may_be_renamed(removal: Removal, declared: Declared, former: FormerSegment) -> bool:
    """Return whether a file may declare a removed segment under the name that another one had."""
    if removal.name not in former.in_its_files:
        return False
    fits_former = same_audience(declared.segment, former.removal.segment)
    return not fits_former or same_audience(declared.segment, removal.segment)


def _similar(removal: Removal, create: Create) -> Diagnostic:
    commit = short_commit(removal.commit)
    if file_of(removal.file) == create.span.file:
        why = f"commit {commit} removed {removal.file} and added {create.span.source}"
    else:
        why = f"git finds its file similar to {removal.file} before commit {commit}"
    return _unclear(removal, create.name, create.span, why)


def _took_a_name(removal: Removal, declared: Declared, former: FormerSegment) -> Diagnostic:
    why = (
        f"{removal.file} declared `{removal.name}` before commit {short_commit(removal.commit)}, "
        f"and {former.removal.file} `{declared.name}`"
    )
    return _unclear(removal, declared.name, declared.span, why)


def _unclear(removal: Removal, new_name: str, span: Span, why: str) -> Diagnostic:
    name = quoted_name(removal.name)
    return Diagnostic(
        "rename-or-delete",
        Severity.ERROR,
        f"`{new_name}` may be the new name of `{removal.name}`, which would be deleted: {why}",
        span,
        hint=f"to keep the segment, {add_previous_name(removal.name, span)}; to delete it, add a "
        f"file with `name: {name}` and `removed: true`",
        names=(removal.name, new_name),
    )

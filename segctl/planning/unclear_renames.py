"""Plans that would delete one segment and create another, where the two may be the same one.

A rename keeps the id, and a delete with a create does not; history or the work tree shows that
something was renamed or removed, but not which. Such a plan is refused until a file decides. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.errors import Diagnostic, Severity
from segctl.model import Create, Delete, Reason
from segctl.planning.wording import quoted_name, short_commit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from segctl.model import Change
    from segctl.planning.ownership import Removal


def unclear_rename_refusals(
    changes: Sequence[Change], removals: Sequence[Removal]
) -> Iterator[Diagnostic]:
    """Refuse each delete of a removed segment whose file git finds similar to a new one's."""
    created = {change.name: change for change in changes if isinstance(change, Create)}
    by_name = {removal.name: removal for removal in removals}
    for change in changes:
        if not isinstance(change, Delete) or change.reason is not Reason.REMOVED:
            continue
        removal = by_name.get(change.name)
        new_name = "" if removal is None else _final_name(removal, created, by_name)
        if removal is not None and new_name in created:
            yield _unclear(removal, created[new_name])


def _final_name(
    removal: Removal, created: Mapping[str, Create], by_name: Mapping[str, Removal]
) -> str:
    """Return the created name that a removed one may have become, in one step or more."""
    # Each name on the way was removed after the one before it, so the loop ends.
    name = removal.maybe_renamed_to
    while name in by_name and name not in created:
        name = by_name[name].renamed_to or by_name[name].maybe_renamed_to
    return name


def _unclear(removal: Removal, create: Create) -> Diagnostic:
    name = quoted_name(removal.name)
    return Diagnostic(
        "rename-or-delete",
        Severity.ERROR,
        f"`{create.name}` may be the new name of `{removal.name}`, which would be deleted: git "
        f"finds its file similar to {removal.file} before commit {short_commit(removal.commit)}",
        create.span,
        hint=f"to keep the segment, add `previous_names: [{name}]` to {create.span.file}; to "
        f"delete it, add a file with `name: {name}` and `removed: true`",
    )

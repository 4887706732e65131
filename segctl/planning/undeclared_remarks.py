"""What a plan says about the undeclared segments that it leaves alone.

Pure. Does not decide which those are (`undeclared`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.common.suggest import closest_match
from segctl.errors import Diagnostic, Severity
from segctl.model import Disposal
from segctl.planning.ownership import Ownership, PlaceKind, Standing
from segctl.planning.wording import date_of, list_names, short_commit

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from segctl.errors import Span
    from segctl.model import Ignore, Remote
    from segctl.planning.ownership import PlaceChange, Removal, RemovalHistory
    from segctl.planning.undeclared_rules import UndeclaredRules

_MAX_COMPARED = 5000
"""Pairs of names that are compared for a suggestion, each in 10 to 30 µs."""


def undeclared_remarks(
    ignored: Sequence[Ignore], remotes: Sequence[Remote], rules: UndeclaredRules
) -> Iterator[Diagnostic]:
    """Yield what the rules say of the ignored segments as a whole; `remotes` are all undeclared."""
    undecided = {item.name for item in ignored if not item.is_v1}
    undecided -= {tombstone.name for tombstone in rules.tombstones}
    yield from _dated_ahead(undecided, rules)
    yield from _declared_elsewhere(undecided, rules)
    yield from _place_changed(undecided, rules)
    yield from _removes_nothing(ignored, remotes, rules)
    # It matters only if some undeclared segment is not forgotten on purpose.
    is_unavailable = rules.ownership is Ownership.HISTORY and rules.removal_history.unavailable
    if is_unavailable and undecided:
        yield _history_unavailable(rules.removal_history, undecided)


def _dated_ahead(undecided: Collection[str], rules: UndeclaredRules) -> Iterator[Diagnostic]:
    """Warn of segments whose removal or rename has a date in the future."""
    for removal in rules.removal_history.dated_ahead:
        if removal.name in undecided and rules.is_selected(removal.name):
            yield Diagnostic(
                "dated-ahead",
                Severity.WARNING,
                f"`{removal.name}` is left alone: commit {short_commit(removal.commit)}, which "
                f"removed or renamed it, is dated in the future ({removal.removed_at})",
                hint="plan again after that date; or, to delete it, add a file with its name and "
                "`removed: true`; to rename it, add its name to `previous_names`",
                names=(removal.name,),
            )


def _declared_elsewhere(undecided: Collection[str], rules: UndeclaredRules) -> Iterator[Diagnostic]:
    """Warn of removed segments that another project of the repository declares."""
    for name, file in rules.removal_history.declared_elsewhere:
        if name in undecided and rules.is_selected(name):
            yield Diagnostic(
                "declared-elsewhere",
                Severity.WARNING,
                f"`{name}` is left alone: another project of this repository declares it ({file})",
                hint="to delete it, remove that file too; to end this message, add a file with its "
                "name and `removed: forget`",
                names=(name,),
            )


def _place_changed(undecided: Collection[str], rules: UndeclaredRules) -> Iterator[Diagnostic]:
    """Warn of segments that only files for another account or folder declared."""
    change = rules.removal_history.place_change
    names = change.names if change is not None else ()
    names = tuple(name for name in names if name in undecided and rules.is_selected(name))
    if change is not None and names:
        yield Diagnostic(
            "place-changed",
            Severity.WARNING,
            f"segments are left alone because only files from before {_which(change)}, declared "
            f"them: {list_names(names)}",
            hint="to delete one, add a file with its name and `removed: true`; to rename it, add "
            "its name to `previous_names`; to end this message, `removed: forget`",
            names=names,
        )


def _which(change: PlaceChange) -> str:
    """Return which commit changed what."""
    what = {
        PlaceKind.ACCOUNT: "changed the account in segctl.yaml",
        PlaceKind.FOLDER: "changed the folder in segctl.yaml",
        PlaceKind.FILES: "moved another folder over theirs",
    }[change.kind]
    commit = change.commit
    if commit is None:
        return f"an uncommitted edit, which {what}"
    return f"commit {short_commit(commit.id)} ({date_of(commit.committed_at)}), which {what}"


def _removes_nothing(
    ignored: Iterable[Ignore], remotes: Iterable[Remote], rules: UndeclaredRules
) -> Iterator[Diagnostic]:
    """Report tombstones without a segment where an ignored segment has nearly the same name.

    Reports nothing where no name is near: a file that removed its segment looks the same.
    """
    used = {
        tombstone.name
        for remote in remotes
        if (tombstone := rules.tombstone_of(remote)) is not None
    }
    candidates = [item.name for item in ignored if item.name not in used]
    unused = [
        tombstone
        for tombstone in rules.tombstones
        if tombstone.disposal is Disposal.DELETE
        and tombstone.name not in used
        and rules.is_selected(tombstone.name)
    ]
    if len(unused) * len(candidates) > _MAX_COMPARED:
        return
    for tombstone in unused:
        meant = closest_match(tombstone.name, candidates)
        if meant:
            yield Diagnostic(
                "removes-nothing",
                Severity.INFO,
                f"segment `{tombstone.name}` not found, so this file removes nothing",
                tombstone.span,
                hint=f"write `{meant}` if that is the segment you mean; if `{tombstone.name}` is "
                "gone as intended, delete the file",
                names=(tombstone.name, meant),
            )


def replacement_unfinished(remote: Remote, name: str) -> Diagnostic:
    """Return the warning about an old segment whose replacement is not finished."""
    return Diagnostic(
        "replacement-unfinished",
        Severity.WARNING,
        f"`{remote.name}` is kept: its replacement by `{name}` is not finished",
        hint="keep `allow_replace: true` in the file, without `protected`, and apply again to "
        "finish it",
        names=(remote.name, name),
    )


def _history_unavailable(history: RemovalHistory, undecided: Iterable[str]) -> Diagnostic:
    remedy = f"{history.remedy}; or " if history.remedy else ""
    return Diagnostic(
        "history-unavailable",
        Severity.WARNING,
        "git history is unavailable, so removed files delete nothing and renames create new "
        f"segments: {history.unavailable}",
        hint=f"{remedy}set `ownership: declared` in segctl.yaml if that is intended",
        names=tuple(undecided),
    )


def query_missing(remote: Remote, span: Span | None) -> Diagnostic:
    """Return the warning about a segment that is kept because its query is unknown."""
    return Diagnostic(
        "query-missing",
        Severity.WARNING,
        f"`{remote.name}` is not deleted: SendGrid returns no query of it to check first",
        span,
        hint=f"check it in SendGrid, and delete it there if it should go (id {remote.id})",
        names=(remote.name,),
    )


def protected_left(remote: Remote, removal: Removal) -> Diagnostic:
    """Return the remark on a segment that was protected when its file was removed."""
    return Diagnostic(
        "protected-left",
        Severity.INFO,
        f"`{remote.name}` is not deleted: {removal.file} last declared it with `protected: true`",
        hint="to delete it, add a file with its name and `removed: true`; to end this message, "
        "`removed: forget`",
        names=(remote.name,),
    )


def settings_left(remote: Remote, removal: Removal) -> Diagnostic:
    """Return the remark on a segment that no file declares only since segctl.yaml changed."""
    return Diagnostic(
        "settings-left",
        Severity.INFO,
        f"`{remote.name}` is left alone: {removal.file} does not declare it for this target since "
        f"commit {short_commit(removal.commit)}, but only because segctl.yaml is another one",
        hint="to delete it, add a file with its name and `removed: true`; to end this message, "
        "`removed: forget`",
        names=(remote.name,),
    )


def not_ours(remote: Remote, removal: Removal, standing: Standing) -> Diagnostic:
    """Return the remark on a segment that a removed file does not delete, and no rename takes."""
    commit = short_commit(removal.commit)
    match standing:
        case Standing.NEWER:
            code, why = "newer-left", f"it was created after commit {commit} removed {removal.file}"
        case Standing.EDITED:
            code, why = "edited-left", f"it was edited by hand after {removal.file} declared it"
        case _:
            code = "unmanaged-left"
            why = f"it is older than {removal.file}, and no commit declared it as it is"
    return Diagnostic(
        code,
        Severity.INFO,
        f"`{remote.name}` is left alone: {why}",
        hint="to delete it, add a file with its name and `removed: true`; to rename it, add its "
        "name to `previous_names`; to end this message, `removed: forget`",
        names=(remote.name,),
    )


def rename_unfinished(remote: Remote) -> Diagnostic:
    """Return the warning about a temporary name whose final name no file declares."""
    return Diagnostic(
        "rename-unfinished",
        Severity.WARNING,
        f"`{remote.name}` has a temporary name of segctl, and no file declares its final name",
        hint=f"rename it in SendGrid (id {remote.id}), or add this name to `previous_names`; "
        "to delete it, add a file with this name and `removed: true`",
        names=(remote.name,),
    )

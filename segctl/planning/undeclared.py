"""What happens to the segments that no file declares: deleted for a reason, or left alone.

The reasons, in this order: a file with `removed`; git history shows that the segment is ours; the
account belongs to the files. Without any of them, a segment is left alone. Pure. How many deletes
are too many is decided in `safety`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from segctl.common.suggest import closest_match
from segctl.errors import Diagnostic, Severity
from segctl.model import Delete, Disposal, Ignore, Precondition, Reason
from segctl.planning.ownership import (
    Ownership,
    RemovalHistory,
    Standing,
    is_older,
    is_ours,
    standing_of,
)
from segctl.planning.proofs import proof_of
from segctl.planning.temporary_names import Marker, find_marked, is_marked, looks_like_successor

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from segctl.errors import Span
    from segctl.model import Declared, Remote, Tombstone
    from segctl.planning.ownership import Removal

Entry = TypeVar("Entry")

_SHOWN_NAMES = 5
"""Names that a warning lists."""

_SHOWN_DIGITS = 10
"""Digits of a commit in a message."""

_MAX_COMPARED = 5000
"""Pairs of names that are compared for a suggestion, each in 10 to 30 µs."""


@dataclass(frozen=True, slots=True)
class UndeclaredRules:
    """The inputs that decide what happens to undeclared segments.

    `selected` holds the names to plan for (`None`: all): no segment is deleted because it is not
    selected. `declared` are all declared names.
    """

    tombstones: Sequence[Tombstone] = ()
    removal_history: RemovalHistory = field(default_factory=RemovalHistory)
    ownership: Ownership = Ownership.HISTORY
    selected: Collection[str] | None = None
    declared: Collection[str] = ()
    _tombstones: Mapping[str, Tombstone] = field(init=False, repr=False, compare=False)
    _removals: Mapping[str, Removal] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        history = self.removal_history
        removals = () if history.unavailable else history.removals
        tombstones = {tombstone.name: tombstone for tombstone in reversed(self.tombstones)}
        object.__setattr__(self, "_tombstones", tombstones)
        object.__setattr__(self, "_removals", {item.name: item for item in reversed(removals)})

    def tombstone_of(self, remote: Remote) -> Tombstone | None:
        """Return the `removed` file of a segment, by its own or a temporary name."""
        return _lookup(remote, self._tombstones)

    def removal_of(self, remote: Remote) -> Removal | None:
        """Return the removal of a segment in git history, by its own or a temporary name."""
        return _lookup(remote, self._removals)

    def is_selected(self, name: str) -> bool:
        """Return whether a name is among those to plan for."""
        return self.selected is None or name in self.selected


def _lookup(remote: Remote, by_name: Mapping[str, Entry]) -> Entry | None:
    entry = by_name.get(remote.name)
    if entry is None and is_marked(remote):
        matches = (entry for name, entry in by_name.items() if find_marked(name, [remote]))
        return next(matches, None)
    return entry


@dataclass(slots=True)
class UndeclaredDecisions:
    """The undeclared segments that are deleted and left alone, and the diagnostics about them."""

    deletes: list[Delete] = field(default_factory=list)
    ignored: list[Ignore] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)


def find_renamed_old(
    declared: Iterable[Declared],
    remotes: Iterable[Remote],
    claimed: Collection[str],
    rules: UndeclaredRules,
) -> dict[str, list[Remote]]:
    """Return the old segments of unfinished replacements, by the declared names of the new ones.

    Excludes segments that a declaration claims or a tombstone names, segments without a query, and
    those that may belong to several declarations: a temporary name truncates a long name.
    """
    by_name: dict[str, list[Remote]] = {}
    unclaimed = [remote for remote in remotes if is_marked(remote) and remote.id not in claimed]
    names = [item.name for item in declared] if unclaimed else []
    for remote in unclaimed:
        matches = [name for name in names if find_marked(name, [remote], Marker.OLD)]
        if len(matches) == 1 and remote.query is not None and rules.tombstone_of(remote) is None:
            by_name.setdefault(matches[0], []).append(remote)
    return by_name


def may_be_deleted(remote: Remote, rules: UndeclaredRules) -> bool:
    """Return whether an undeclared segment may be deleted, so that its definition must be read."""
    if rules.ownership is Ownership.EXCLUSIVE or rules.tombstone_of(remote) is not None:
        return True
    return not remote.is_v1 and (rules.removal_of(remote) is not None or is_marked(remote))


def decide_undeclared(remotes: Sequence[Remote], rules: UndeclaredRules) -> UndeclaredDecisions:
    """Decide which of the segments that no declaration claims are deleted.

    Those for which `may_be_deleted` is true must have their definition. One for which SendGrid
    returns no query is left alone: it could not be checked before the delete.
    """
    decider = _Decider(remotes, rules)
    for remote in remotes:
        decider.decide(remote)
    decisions = decider.decisions
    decisions.diagnostics += _uncommitted(decisions.ignored, rules)
    decisions.diagnostics += _dated_ahead(decisions.ignored, rules)
    decisions.diagnostics += _declared_elsewhere(decisions.ignored, rules)
    decisions.diagnostics += _removes_nothing(decisions.ignored, remotes, rules)
    if rules.ownership is Ownership.HISTORY and rules.removal_history.unavailable:
        # It matters only if some undeclared segment is not forgotten on purpose.
        names = {tombstone.name for tombstone in rules.tombstones}
        if any(not item.is_v1 and item.name not in names for item in decisions.ignored):
            decisions.diagnostics.append(_history_unavailable(rules.removal_history))
    return decisions


class _Decider:
    """Decides on one undeclared segment after the other."""

    def __init__(self, remotes: Sequence[Remote], rules: UndeclaredRules) -> None:
        self._rules = rules
        self._name_counts = Counter(remote.name for remote in remotes)
        self.decisions = UndeclaredDecisions()

    def decide(self, remote: Remote) -> None:
        delete_for = self._reason_to_delete(remote)
        if delete_for is not None and remote.query is None:
            self._report(_query_missing(remote, delete_for[1]))
            delete_for = None
        if delete_for is None:
            is_ours = self._is_ours(remote)
            self.decisions.ignored.append(Ignore(remote.name, remote.id, remote.is_v1, is_ours))
            return
        reason, span = delete_for
        self.decisions.deletes.append(
            Delete(
                remote.definition,
                Precondition.of(remote),
                span,
                remote.contacts_count,
                reason,
                remote.is_v1,
            )
        )

    def _report(self, diagnostic: Diagnostic) -> None:
        self.decisions.diagnostics.append(diagnostic)

    def _is_ours(self, remote: Remote) -> bool:
        removal = self._rules.removal_of(remote)
        if removal is None or removal.name in self._rules.declared:
            return False
        return is_ours(removal, remote)

    def _reason_to_delete(self, remote: Remote) -> tuple[Reason, Span | None] | None:
        """Return why a segment is deleted, and the place of the request if a file has it."""
        rules = self._rules
        tombstone = rules.tombstone_of(remote)
        if tombstone is not None:
            return self._if_disposed(tombstone)
        if remote.is_v1:
            # No commit declared a v1 segment, so the history does not show it to be ours.
            return self._if_exclusive()
        for name in rules.declared if is_marked(remote) else ():
            if find_marked(name, [remote], Marker.OLD):
                if rules.is_selected(name):
                    self._report(_replacement_unfinished(remote, name))
                return None
        removal = rules.removal_of(remote)
        if removal is not None and removal.name not in rules.declared:
            return self._if_removed(remote, removal)
        if is_marked(remote) or looks_like_successor(remote):
            self._report(_rename_unfinished(remote))
            return None
        return self._if_exclusive()

    def _if_disposed(self, tombstone: Tombstone) -> tuple[Reason, Span | None] | None:
        if tombstone.disposal is Disposal.FORGET or not self._rules.is_selected(tombstone.name):
            return None
        return Reason.REMOVED_BY_FILE, tombstone.span

    def _if_exclusive(self) -> tuple[Reason, Span | None] | None:
        if self._rules.ownership is Ownership.EXCLUSIVE and self._rules.selected is None:
            return Reason.NOT_DECLARED, None
        return None

    def _if_removed(self, remote: Remote, removal: Removal) -> tuple[Reason, Span | None] | None:
        rules = self._rules
        if rules.ownership is Ownership.DECLARED or not rules.is_selected(removal.name):
            return None
        if removal.is_protected and is_older(removal, remote):
            self._report(_protected_left(remote, removal))
            return None
        standing = standing_of(removal, remote)
        is_unread = remote.query is None and is_older(removal, remote)
        if self._name_counts[remote.name] > 1:
            return self._if_exclusive()
        if standing is Standing.OURS or is_unread:
            proof = proof_of(removal, remote)
            if proof is not None:
                self._report(proof)
            return Reason.REMOVED, None
        reason = self._if_exclusive()
        if reason is None and standing is not Standing.UNKNOWN:
            self._report(_not_ours(remote, removal, standing))
        return reason


def _uncommitted(ignored: Sequence[Ignore], rules: UndeclaredRules) -> Iterator[Diagnostic]:
    """Warn of segments whose removal or rename is not committed yet."""
    ignored_names = {item.name for item in ignored if not item.is_v1}
    ignored_names -= {tombstone.name for tombstone in rules.tombstones}
    names = [
        name
        for name in rules.removal_history.uncommitted
        if name in ignored_names and rules.is_selected(name)
    ]
    if names:
        yield Diagnostic(
            "not-committed",
            Severity.WARNING,
            "the last commit declares segments that no file declares now: "
            + ", ".join(f"`{name}`" for name in names[:_SHOWN_NAMES])
            + (f" and {len(names) - _SHOWN_NAMES} more" if len(names) > _SHOWN_NAMES else ""),
            hint="commit first, or check out the whole folder: only a commit can tell a renamed "
            "segment, which keeps its id, from a removed one",
        )


def _dated_ahead(ignored: Sequence[Ignore], rules: UndeclaredRules) -> Iterator[Diagnostic]:
    """Warn of segments whose removal or rename has a date in the future."""
    ignored_names = {item.name for item in ignored if not item.is_v1}
    ignored_names -= {tombstone.name for tombstone in rules.tombstones}
    for removal in rules.removal_history.dated_ahead:
        if removal.name in ignored_names and rules.is_selected(removal.name):
            yield Diagnostic(
                "dated-ahead",
                Severity.WARNING,
                f"`{removal.name}` is left alone: commit {removal.commit[:_SHOWN_DIGITS]}, which "
                f"removed or renamed it, is dated in the future ({removal.removed_at})",
                hint="plan again after that date; or, to delete it, add a file with its name and "
                "`removed: true`; to rename it, add its name to `previous_names`",
            )


def _declared_elsewhere(ignored: Sequence[Ignore], rules: UndeclaredRules) -> Iterator[Diagnostic]:
    """Warn of removed segments that another project of the repository declares."""
    ignored_names = {item.name for item in ignored if not item.is_v1}
    ignored_names -= {tombstone.name for tombstone in rules.tombstones}
    for name, file in rules.removal_history.declared_elsewhere:
        if name in ignored_names and rules.is_selected(name):
            yield Diagnostic(
                "declared-elsewhere",
                Severity.WARNING,
                f"`{name}` is left alone: another project of this repository declares it ({file})",
                hint="to delete it, remove that file too; to end this message, add a file with its "
                "name and `removed: forget`",
            )


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
            )


def _replacement_unfinished(remote: Remote, name: str) -> Diagnostic:
    return Diagnostic(
        "replacement-unfinished",
        Severity.WARNING,
        f"`{remote.name}` is kept: its replacement by `{name}` is not finished",
        hint="keep `allow_replace: true` in the file, without `protected`, and apply again to "
        "finish it",
    )


def _history_unavailable(history: RemovalHistory) -> Diagnostic:
    remedy = f"{history.remedy}; or " if history.remedy else ""
    return Diagnostic(
        "history-unavailable",
        Severity.WARNING,
        "git history is unavailable, so removed files delete nothing and renames create new "
        f"segments: {history.unavailable}",
        hint=f"{remedy}set `ownership: declared` in segctl.yaml if that is intended",
    )


def _query_missing(remote: Remote, span: Span | None) -> Diagnostic:
    return Diagnostic(
        "query-missing",
        Severity.WARNING,
        f"`{remote.name}` is not deleted: SendGrid returns no query of it to check first",
        span,
        hint=f"check it in SendGrid, and delete it there if it should go (id {remote.id})",
    )


def _protected_left(remote: Remote, removal: Removal) -> Diagnostic:
    return Diagnostic(
        "protected-left",
        Severity.INFO,
        f"`{remote.name}` is not deleted: {removal.file} last declared it with `protected: true`",
        hint="to delete it, add a file with its name and `removed: true`; to end this message, "
        "`removed: forget`",
    )


def _not_ours(remote: Remote, removal: Removal, standing: Standing) -> Diagnostic:
    """Return the remark on a segment that a removed file does not delete, and no rename takes."""
    commit = removal.commit[:_SHOWN_DIGITS]
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
    )


def _rename_unfinished(remote: Remote) -> Diagnostic:
    return Diagnostic(
        "rename-unfinished",
        Severity.WARNING,
        f"`{remote.name}` has a temporary name of segctl, and no file declares its final name",
        hint=f"rename it in SendGrid (id {remote.id}), or add this name to `previous_names`; "
        "to delete it, add a file with this name and `removed: true`",
    )

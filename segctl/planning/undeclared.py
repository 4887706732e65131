"""What becomes of the segments that no file declares: deleted for a reason, or left alone.

Owns the reasons, in their order: a file says `removed`; the history says that it was ours; the
account belongs to the files. Whatever none of them covers is left alone. Pure; how many deletes are
too many is `safety.py`'s question.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from segctl.common.suggest import closest_match
from segctl.errors import Diagnostic, Severity
from segctl.model import Delete, Disposal, Ignore, Precondition, Reason
from segctl.planning.ownership import Ownership, RemovalHistory, is_ours, may_delete
from segctl.planning.temporary_names import Marker, find_marked, is_marked, looks_like_successor

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from segctl.errors import Span
    from segctl.model import Declared, Remote, Tombstone
    from segctl.planning.ownership import Removal

Known = TypeVar("Known")

_SHOWN = 5
"""How many names a warning spells out."""

_MOST_COMPARED = 5000
"""Pairs of names: to guess what is meant takes 10 to 30 µs for each."""


@dataclass(frozen=True, slots=True)
class UndeclaredRules:
    """What decides of a segment without a declaration.

    `selected` holds the names to plan for (`None`: all); under a selection nothing is deleted for
    mere absence from it. `declared` are all declared names.
    """

    tombstones: Sequence[Tombstone] = ()
    removal_history: RemovalHistory = field(default_factory=RemovalHistory)
    ownership: Ownership = Ownership.HISTORY
    selected: Collection[str] | None = None
    declared: Collection[str] = ()
    _graves: Mapping[str, Tombstone] = field(init=False, repr=False, compare=False)
    _removals: Mapping[str, Removal] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        known = () if self.removal_history.unavailable else self.removal_history.removals
        object.__setattr__(self, "_graves", {one.name: one for one in reversed(self.tombstones)})
        object.__setattr__(self, "_removals", {one.name: one for one in reversed(known)})

    def tombstone_of(self, remote: Remote) -> Tombstone | None:
        """Find the file that says `removed` of a segment, under its own or a temporary name."""
        return _of(remote, self._graves)

    def removal_of(self, remote: Remote) -> Removal | None:
        """Find what the history says of a segment, under its own or a temporary name."""
        return _of(remote, self._removals)


def _of(remote: Remote, known: Mapping[str, Known]) -> Known | None:
    found = known.get(remote.name)
    if found is None and is_marked(remote):
        return next((one for name, one in known.items() if find_marked(name, [remote])), None)
    return found


@dataclass(slots=True)
class UndeclaredDecisions:
    """What is deleted, what is left alone, and what has to be said of it."""

    deletes: list[Delete] = field(default_factory=list)
    ignored: list[Ignore] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)


def find_renamed_old(
    declared: Iterable[Declared],
    remotes: Iterable[Remote],
    claimed: Collection[str],
    rules: UndeclaredRules,
) -> dict[str, list[Remote]]:
    """Sort the old segments of unfinished replacements by the declared names that they are for.

    Not among them is one that a declaration has claimed or another file speaks of, one without a
    query, and one that may be of several: a temporary name has no room for all of a long one.
    """
    found: dict[str, list[Remote]] = {}
    loose = [one for one in remotes if is_marked(one) and one.id not in claimed]
    names = [one.name for one in declared] if loose else []
    for remote in loose:
        meant = [name for name in names if find_marked(name, [remote], Marker.OLD)]
        if len(meant) == 1 and remote.query is not None and rules.tombstone_of(remote) is None:
            found.setdefault(meant[0], []).append(remote)
    return found


def decide_undeclared(remotes: Sequence[Remote], rules: UndeclaredRules) -> UndeclaredDecisions:
    """Decide of every segment that no declaration claims.

    Those for which `concerns` is true carry their definition; one without a query, which SendGrid
    should not have, is left alone: nothing could be checked before it is deleted.
    """
    absent = UndeclaredDecisions()
    namesakes = Counter(remote.name for remote in remotes)
    for remote in remotes:
        decision = _decide(remote, namesakes, rules, absent.diagnostics)
        if decision is not None and remote.query is None:
            absent.diagnostics.append(_without_query(remote, decision[1]))
            decision = None
        if decision is None:
            ours = _is_ours(remote, rules)
            absent.ignored.append(Ignore(remote.name, remote.id, remote.is_v1, ours))
            continue
        reason, span = decision
        absent.deletes.append(
            Delete(
                remote.definition,
                Precondition.of(remote),
                span,
                remote.contacts_count,
                reason,
                remote.is_v1,
            )
        )
    absent.diagnostics += _uncommitted(absent.ignored, rules)
    absent.diagnostics += _misnamed(absent.ignored, remotes, rules)
    if rules.ownership is Ownership.HISTORY and rules.removal_history.unavailable:
        # It matters where some segment is unmanaged, which nobody forgot on purpose.
        forgotten = {one.name for one in rules.tombstones}
        if any(not one.is_v1 and one.name not in forgotten for one in absent.ignored):
            absent.diagnostics.append(_ledger_missing(rules.removal_history))
    return absent


def _uncommitted(ignored: Sequence[Ignore], rules: UndeclaredRules) -> Iterator[Diagnostic]:
    """Warn of segments whose removal or renaming git cannot know of yet."""
    graves = {one.name for one in rules.tombstones}
    names = {one.name for one in ignored if not one.is_v1} - graves
    found = [
        name for name in rules.removal_history.uncommitted if name in names and _wanted(name, rules)
    ]
    if found:
        yield Diagnostic(
            "not-committed",
            Severity.WARNING,
            "the last commit declares what no file here does: "
            + ", ".join(f"`{name}`" for name in found[:_SHOWN])
            + (f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""),
            hint="commit first (or check the whole folder out): only then can the plan tell a "
            "renamed segment, which keeps its id, from a removed one",
        )


def _misnamed(
    ignored: Iterable[Ignore], remotes: Iterable[Remote], rules: UndeclaredRules
) -> Iterator[Diagnostic]:
    """Find files that remove nothing while a segment is left alone whose name is nearly theirs.

    One that removed its segment looks the same, so where nothing is near nothing is said.
    """
    found = {grave.name for one in remotes if (grave := rules.tombstone_of(one)) is not None}
    near = [one.name for one in ignored if one.name not in found]
    vain = [
        grave
        for grave in rules.tombstones
        if grave.disposal is Disposal.DELETE
        and grave.name not in found
        and _wanted(grave.name, rules)
    ]
    for grave in vain if len(vain) * len(near) <= _MOST_COMPARED else ():
        meant = closest_match(grave.name, near)
        if meant:
            yield Diagnostic(
                "removes-nothing",
                Severity.INFO,
                f"the account has no segment `{grave.name}`, so this file removes nothing",
                grave.span,
                hint=f"write `{meant}` if that is the one you mean; if it is gone as it should be, "
                "delete the file",
            )


def may_be_deleted(remote: Remote, rules: UndeclaredRules) -> bool:
    """Say whether an undeclared segment may have to go, so that its definition must be read."""
    if rules.ownership is Ownership.EXCLUSIVE or rules.tombstone_of(remote) is not None:
        return True
    return not remote.is_v1 and (rules.removal_of(remote) is not None or is_marked(remote))


def _is_ours(remote: Remote, rules: UndeclaredRules) -> bool:
    removal = rules.removal_of(remote)
    return removal is not None and removal.name not in rules.declared and is_ours(removal, remote)


def _decide(
    remote: Remote, namesakes: Mapping[str, int], rules: UndeclaredRules, said: list[Diagnostic]
) -> tuple[Reason, Span | None] | None:
    """Give why a segment is deleted and where that stands; `None` to leave it alone."""
    grave = rules.tombstone_of(remote)
    if grave is not None:
        return _buried(grave, rules)
    if remote.is_v1:
        # No commit declared one, so no history calls it ours.
        return _beside_the_files(rules)
    for name in rules.declared if is_marked(remote) else ():
        if find_marked(name, [remote], Marker.OLD):
            if _wanted(name, rules):
                said.append(_left_over(remote, name))
            return None
    removal = rules.removal_of(remote)
    if removal is not None and removal.segment.name not in rules.declared:
        return _removed(remote, removal, namesakes, rules, said)
    if is_marked(remote) or looks_like_successor(remote):
        said.append(_unfinished(remote))
        return None
    return _beside_the_files(rules)


def _buried(grave: Tombstone, rules: UndeclaredRules) -> tuple[Reason, Span | None] | None:
    if grave.disposal is Disposal.FORGET or not _wanted(grave.name, rules):
        return None
    return Reason.REMOVED_BY_FILE, grave.span


def _beside_the_files(rules: UndeclaredRules) -> tuple[Reason, Span | None] | None:
    if rules.ownership is Ownership.EXCLUSIVE and rules.selected is None:
        return Reason.NOT_DECLARED, None
    return None


def _wanted(name: str, rules: UndeclaredRules) -> bool:
    return rules.selected is None or name in rules.selected


def _removed(
    remote: Remote,
    removal: Removal,
    namesakes: Mapping[str, int],
    rules: UndeclaredRules,
    said: list[Diagnostic],
) -> tuple[Reason, Span | None] | None:
    if rules.ownership is Ownership.DECLARED or not _wanted(removal.segment.name, rules):
        return None
    if removal.is_protected and is_ours(removal, remote):
        said.append(_protected(remote, removal))
        return None
    if may_delete(removal, remote) and namesakes[remote.name] == 1:
        return Reason.REMOVED, None
    return _beside_the_files(rules)


def _left_over(remote: Remote, name: str) -> Diagnostic:
    """Find a replacement that cannot go on in this plan."""
    return Diagnostic(
        "replacement-unfinished",
        Severity.WARNING,
        f"`{remote.name}` is what `{name}` replaces, and stays: its replacement did not come to "
        "its end",
        hint="`allow_replace: true` must stay in the file until then, without `protected`; apply "
        "again to finish it",
    )


def _ledger_missing(removal_history: RemovalHistory) -> Diagnostic:
    remedy = f"{removal_history.remedy}; or " if removal_history.remedy else ""
    return Diagnostic(
        "history-unavailable",
        Severity.WARNING,
        "removed files delete nothing, and a changed name makes a new segment, since git cannot "
        f"tell: {removal_history.unavailable}",
        hint=f"{remedy}write `ownership: declared` into segctl.yaml if that is how it should be",
    )


def _without_query(remote: Remote, span: Span | None) -> Diagnostic:
    return Diagnostic(
        "query-missing",
        Severity.WARNING,
        f"`{remote.name}` would be deleted, but SendGrid shows no query of it; it is left alone",
        span,
        hint=f"look at it in SendGrid, and delete it there if it should go (id {remote.id})",
    )


def _protected(remote: Remote, removal: Removal) -> Diagnostic:
    return Diagnostic(
        "protected-left",
        Severity.INFO,
        f"`{remote.name}` was protected when {removal.file} declared it last, and is left alone",
        hint="a file with its name and `removed: true` deletes it, `removed: forget` ends this",
    )


def _unfinished(remote: Remote) -> Diagnostic:
    return Diagnostic(
        "rename-unfinished",
        Severity.WARNING,
        f"`{remote.name}` has a temporary name of segctl, and no file says what it is to become",
        hint=f"rename it in SendGrid (id {remote.id}), or put this name into `previous_names`; "
        "a file with this name and `removed: true` deletes it",
    )

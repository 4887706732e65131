"""What happens to the segments that no file declares: deleted for a reason, or left alone.

The reasons, in this order: a file with `removed`; git history shows that the segment is ours; the
account belongs to the files. Without any of them, a segment is left alone. Pure. How many deletes
are too many is decided in `safety`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from segctl.model import Delete, Disposal, Ignore, Precondition, Reason
from segctl.model.segments import NO_METADATA
from segctl.planning.ownership import Ownership, Standing, is_older, is_ours, standing_of
from segctl.planning.proofs import proof_by_file, proof_of
from segctl.planning.temporary_names import Marker, find_marked, is_marked, looks_like_successor
from segctl.planning.undeclared_remarks import (
    not_ours,
    protected_left,
    query_missing,
    rename_unfinished,
    replacement_unfinished,
    settings_left,
    undeclared_remarks,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from segctl.errors import Diagnostic, Span
    from segctl.model import Declared, Metadata, Remote, Tombstone
    from segctl.model.proof import Proof
    from segctl.planning.ownership import Removal
    from segctl.planning.undeclared_rules import UndeclaredRules


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


def decide_undeclared(remotes: Sequence[Remote], rules: UndeclaredRules) -> UndeclaredDecisions:
    """Decide which of the segments that no declaration claims are deleted.

    Those for which `may_be_deleted` is true must have their definition. One for which SendGrid
    returns no query is left alone: it could not be checked before the delete.
    """
    decider = _Decider(remotes, rules)
    for remote in remotes:
        decider.decide(remote)
    decisions = decider.decisions
    decisions.diagnostics += undeclared_remarks(decisions.ignored, remotes, rules)
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
            self._report(query_missing(remote, delete_for[1]))
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
                self._proof(remote, reason),
                remote.sample_updated_at,
                self._metadata(remote),
            )
        )

    def _proof(self, remote: Remote, reason: Reason) -> Proof | None:
        rules = self._rules
        tombstone = rules.tombstone_of(remote)
        if tombstone is not None:
            return proof_by_file(tombstone, remote, rules.removal_history)
        removal = rules.removal_of(remote)
        return proof_of(removal, remote) if removal and reason is Reason.REMOVED else None

    def _metadata(self, remote: Remote) -> Metadata:
        """Return what the file of a segment says of it, or said before it was removed."""
        described = self._rules.tombstone_of(remote) or self._rules.removal_of(remote)
        return NO_METADATA if described is None else described.metadata

    def _report(self, diagnostic: Diagnostic) -> None:
        self.decisions.diagnostics.append(diagnostic)

    def _is_ours(self, remote: Remote) -> bool:
        removal = self._rules.removal_of(remote)
        return removal is not None and is_ours(removal, remote)

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
                    self._report(replacement_unfinished(remote, name))
                return None
        removal = rules.removal_of(remote)
        if removal is not None:
            return self._if_removed(remote, removal)
        if is_marked(remote) or looks_like_successor(remote):
            self._report(rename_unfinished(remote))
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
            self._report(protected_left(remote, removal))
            return None
        if removal.by_settings and is_older(removal, remote):
            reason = self._if_exclusive()
            if reason is None:
                self._report(settings_left(remote, removal))
            return reason
        standing = standing_of(removal, remote)
        is_unread = remote.query is None and is_older(removal, remote)
        if self._name_counts[remote.name] > 1:
            return self._if_exclusive()
        if standing is Standing.OURS or is_unread:
            return Reason.REMOVED, None
        reason = self._if_exclusive()
        if reason is None and standing is not Standing.UNKNOWN:
            self._report(not_ours(remote, removal, standing))
        return reason

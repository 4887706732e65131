"""The action that follows from a match: keep, create, patch, replace or upgrade.

Pure. Does not decide on segments without a declaration (`undeclared`), nor whether an action is
allowed (`safety`).
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from typing import TYPE_CHECKING

from segctl.errors import Diagnostic, Severity
from segctl.model import (
    Change,
    Create,
    Delete,
    Keep,
    Patch,
    Precondition,
    Reason,
    Replace,
    Successor,
    Upgrade,
    Validation,
)
from segctl.planning.equality import changed_fields, same_text
from segctl.planning.name_conflicts import find_look_alikes, look_alike_key
from segctl.planning.temporary_names import Marker, temporary_name
from segctl.planning.v1_upgrades import (
    needs_change_first,
    upgrade_deferred,
    upgrade_query_missing,
    v1_segment_not_found,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from segctl.model import Declared, Remote, Segment
    from segctl.model.clauses import ClauseChange
    from segctl.planning.match_state import Match


class Comparison:
    """Collects the action of each match.

    `renamed_old` has the old segments of unfinished replacements, by the declared names that
    replace them. `resumed` are the ids of those that this plan goes on with, and `upgraded` the
    matches whose v1 segment is gone. `ignores_case` is as for `find_look_alikes`.
    """

    def __init__(
        self,
        remotes: Sequence[Remote],
        renamed_old: Mapping[str, Sequence[Remote]],
        *,
        strict_text: bool,
        ignores_case: bool = False,
    ) -> None:
        self._renamed_old = renamed_old
        self._ignores_case = ignores_case
        self._strict_text = strict_text
        self._names = {remote.name for remote in remotes}
        self._look_alikes: dict[str, list[Remote]] = defaultdict(list)
        for remote in remotes:
            self._look_alikes[look_alike_key(remote.name)].append(remote)
        self.changes: list[Change] = []
        self.kept: list[Keep] = []
        self.diagnostics: list[Diagnostic] = []
        self.upgraded: list[Match] = []
        self.resumed: set[str] = set()

    def add(self, match: Match) -> None:
        """Add the action of a match."""
        declared, remote = match.declared, match.remote
        if match.v1 is not None and not needs_change_first(match):
            self._upgrade(match, match.v1)
            return
        if declared.upgrade_from and match.v1 is None:
            if remote is None:
                self.diagnostics.append(v1_segment_not_found(declared))
            else:
                self.upgraded.append(match)
        if remote is None:
            look_alikes = self._look_alikes[look_alike_key(declared.name)]
            self.diagnostics += find_look_alikes(
                declared, look_alikes, ignores_case=self._ignores_case
            )
            self.changes.append(
                Create(
                    declared.segment,
                    declared.span,
                    query_span=declared.query_span,
                    metadata=declared.metadata,
                )
            )
            return
        change = self._resumed_replacement(declared, remote) or self._edit(match, remote)
        if change is not None:
            self.changes.append(dataclasses.replace(change, proof=match.proof))
            if match.v1 is not None:
                self.diagnostics.append(upgrade_deferred(declared, match.v1))
            return
        is_cosmetic = not same_text(remote.definition, declared.segment)
        self.kept.append(Keep(declared.name, remote.id, declared.span, is_cosmetic))
        if remote.validation is Validation.INVALID:
            self.diagnostics.append(_query_not_accepted(declared, remote))
        if remote.validation is Validation.VALID:
            self.changes += map(_delete_surplus, match.surplus)

    def _edit(self, match: Match, remote: Remote) -> Patch | Replace | None:
        """Return the change of an existing segment, `None` where it is as declared."""
        declared = match.declared
        fields = changed_fields(remote.definition, declared.segment, strict_text=self._strict_text)
        if not fields:
            return None
        patch = _patch(declared, remote, fields, match.reason or Reason.DEFINITION_DIFFERS)
        # PATCH has no parent_list_ids (sendgrid-api.md §1).
        if "parent_list_ids" not in fields:
            return patch
        return Replace.of(
            patch,
            match.reason or Reason.PARENT_LIST_DIFFERS,
            is_allowed=declared.allow_replace,
        )

    def _resumed_replacement(self, declared: Declared, new: Remote) -> Replace | None:
        """Return the rest of a replacement whose new segment exists, if there is one.

        Whether SendGrid has accepted the new query is checked during the apply, so that the plan
        does not depend on when it is made.
        """
        if new.name != declared.name or not declared.allow_replace or declared.protected:
            return None
        if "parent_list_ids" in changed_fields(new.definition, declared.segment):
            return None
        candidates = self._renamed_old.get(declared.name)
        if not candidates:
            return None
        old = candidates[0]
        self.resumed.add(old.id)
        fields = changed_fields(old.definition, declared.segment)
        return Replace.of(
            _patch(declared, old, fields, Reason.RESUMED),
            Reason.RESUMED,
            is_allowed=True,
            successor=Successor(new.id, new.definition),
        )

    def _upgrade(self, match: Match, v1_segment: Remote) -> None:
        """Add the upgrade of a v1 segment, with its successor where an earlier run created it."""
        declared, remote = match.declared, match.remote
        if v1_segment.query is None:
            self.diagnostics.append(upgrade_query_missing(declared, v1_segment))
            return
        if remote is not None:
            successor_name = remote.name
        elif declared.name in self._names:
            successor_name = temporary_name(declared.name, declared.upgrade_from, Marker.SUCCESSOR)
        else:
            successor_name = declared.name
        self.changes.append(
            Upgrade(
                before=v1_segment.definition,
                after=declared.segment,
                precondition=Precondition.of(v1_segment),
                span=declared.span,
                successor_name=successor_name,
                successor=None if remote is None else Successor(remote.id, remote.definition),
                contacts_count=v1_segment.contacts_count,
                reason=Reason.UPGRADED if remote is None else Reason.RESUMED,
                query_span=declared.query_span,
                is_protected=declared.protected,
                counted_at=v1_segment.sample_updated_at,
                metadata=declared.metadata,
            )
        )


def _delete_surplus(remote: Remote) -> Delete:
    """Return the delete of a successor that is not needed: another apply finished the upgrade."""
    return Delete(
        remote.definition,
        Precondition.of(remote),
        contacts_count=remote.contacts_count,
        reason=Reason.REPLACED,
        counted_at=remote.sample_updated_at,
    )


def _patch(declared: Declared, remote: Remote, fields: tuple[str, ...], reason: Reason) -> Patch:
    before, after = remote.definition, declared.segment
    return Patch(
        before=before,
        after=after,
        changed_fields=fields,
        precondition=Precondition.of(remote),
        span=declared.span,
        contacts_count=remote.contacts_count,
        clauses=_clauses(before, after) if "query_dsl" in fields else (),
        query_span=declared.query_span,
        reason=reason,
        is_protected=declared.protected,
        counted_at=remote.sample_updated_at,
        metadata=declared.metadata,
    )


def _clauses(before: Segment, after: Segment) -> tuple[ClauseChange, ...]:
    from segctl.query.diff import clause_changes  # noqa: PLC0415 - only where a query changed

    return clause_changes(before.query, after.query)


def _query_not_accepted(declared: Declared, remote: Remote) -> Diagnostic:
    """Return the warning about a declared query that SendGrid rejected after an earlier apply."""
    complaint = remote.validation_error or "it gives no reason"
    return Diagnostic(
        "query-not-accepted",
        Severity.WARNING,
        f"`{declared.name}` is empty: SendGrid does not accept its query ({complaint})",
        declared.query_span,
        hint="correct the query and apply again",
    )

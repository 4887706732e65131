"""The pure function in the middle: declared segments and a snapshot of the account give a plan.

Owns what follows from a match: keep, patch, replace, upgrade, create; and from the lack of one:
delete or leave alone. Decides nothing about whether the plan is allowed: that is `safety.py`. Reads
no file, no clock and no network.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Protocol, TypeVar

from segctl.errors import Diagnostic, Severity
from segctl.model import (
    Change,
    Create,
    Declared,
    Delete,
    Keep,
    Patch,
    Plan,
    Precondition,
    Reason,
    Remote,
    Replace,
    Segment,
    Snapshot,
    Successor,
    TargetRef,
    Tombstone,
    Upgrade,
    Validation,
)
from segctl.planning.equality import changed_fields, same_text
from segctl.planning.matching import find_undeclared, find_upgrade_segments, match_segments
from segctl.planning.name_conflicts import find_case_variants, find_names_in_use
from segctl.planning.ordering import order_changes
from segctl.planning.ownership import Ownership, Removal, RemovalHistory
from segctl.planning.temporary_names import Marker, successors_by_name, temporary_name
from segctl.planning.undeclared import (
    UndeclaredRules,
    decide_undeclared,
    find_renamed_old,
    may_be_deleted,
)
from segctl.planning.v1_upgrades import (
    finished_upgrades,
    needs_change_first,
    upgrade_deferred,
    upgrade_query_missing,
    v1_segment_not_found,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from segctl.model.clauses import ClauseChange
    from segctl.planning.matching import Match


@dataclass(frozen=True, slots=True)
class PlanInputs:
    """All that decides a plan beside the declarations and the account.

    `tombstones` are the files that say `removed`; `removal_history` and `ownership` decide of
    segments that no file declares. `selected` holds the names to plan for (`None`: all).
    `strict_text` takes a query that is merely written another way for a change.
    """

    tombstones: tuple[Tombstone, ...] = ()
    removal_history: RemovalHistory = field(default_factory=RemovalHistory)
    ownership: Ownership = Ownership.HISTORY
    detect_renames: bool = True
    selected: Collection[str] | None = None
    strict_text: bool = False

    @property
    def renaming(self) -> tuple[Removal, ...]:
        """The removals by which a rename may be detected."""
        if not self.detect_renames or self.removal_history.unavailable:
            return ()
        graves = {one.name for one in self.tombstones}
        return tuple(one for one in self.removal_history.removals if one.name not in graves)

    def rules(self, declared: Collection[str] = ()) -> UndeclaredRules:
        """Give what decides of segments without a declaration."""
        return UndeclaredRules(
            self.tombstones, self.removal_history, self.ownership, self.selected, declared
        )


class Named(Protocol):
    """What has a segment's name and a file's path."""

    @property
    def name(self) -> str:
        """The segment's name."""

    @property
    def file(self) -> str:
        """The file that says something of it."""


N = TypeVar("N", bound=Named)


def select_matching(
    declared: Sequence[N], patterns: Sequence[str]
) -> tuple[tuple[N, ...], tuple[str, ...]]:
    """Pick the segments that `--only` asks for.

    A pattern is a shell glob over the whole name or the whole path of the file. Gives those picked
    (all, where there are no patterns) and the patterns that picked nothing.
    """
    if not patterns:
        return tuple(declared), ()
    unused = set(patterns)
    picked = []
    for one in declared:
        hits = {p for p in patterns if fnmatchcase(one.name, p) or fnmatchcase(one.file, p)}
        if hits:
            picked.append(one)
            unused -= hits
    return tuple(picked), tuple(pattern for pattern in patterns if pattern in unused)


def definitions_to_read(
    declared: Sequence[Declared], listed: Sequence[Remote], inputs: PlanInputs
) -> tuple[Remote, ...]:
    """Say of which listed segments the plan needs the definition.

    Those are the V2 ones with a declared name, those that a declaration may have been before (all
    of them, whatever is selected: a name can be held by one that is not), the v1 segments that are
    upgraded with what was made of them so far, and those that may go, of either version.
    """
    wanted = [one for one in declared if inputs.selected is None or one.name in inputs.selected]
    names = {one.name for one in wanted}
    halves = {one.id for some in find_upgrade_segments(wanted, listed) for one in some}
    over = [one.name for one in wanted if not one.upgrade_from]
    nameless = successors_by_name(over, listed)
    halves |= {one.id for some in nameless.values() for one in some}
    moved = [one for one in declared if one.previous_names]
    names |= {name for one in moved for name in (one.name, *one.previous_names)}
    rules = inputs.rules()
    return tuple(
        remote
        for remote in listed
        if (remote.name in names and not remote.is_v1)
        or remote.id in halves
        or may_be_deleted(remote, rules)
    )


def needs_history(
    declared: Sequence[Declared], listed: Sequence[Remote], inputs: PlanInputs
) -> bool:
    """Say whether what git knows of removed segments could change a plan for these segments.

    It could only where some V2 segment is nobody's: one that was ours, or is somebody's under an
    old name. The ledger of `inputs` is not looked at.
    """
    graves = {one.name for one in inputs.tombstones}
    loose = [one for one in find_undeclared(declared, listed) if not one.is_v1]
    if inputs.ownership is not Ownership.DECLARED:
        return any(one.name not in graves for one in loose)
    # Absence deletes nothing then, and only a declaration without a segment can be a rename.
    held = {one.name for one in listed}
    return bool(loose) and inputs.detect_renames and any(one.name not in held for one in declared)


def make_plan(
    target: TargetRef,
    declared: Sequence[Declared],
    snapshot: Snapshot,
    inputs: PlanInputs | None = None,
) -> Plan:
    """Compare what is declared with what the account holds.

    `declared` is every declaration, so that none looks unmanaged. The snapshot carries the
    definition of each segment that `definitions_to_read` picked; of one that no declaration claims
    it may be missing, which is then left alone. An entry of `diagnostics` with
    severity error means that the plan must not be performed.
    """
    inputs = inputs or PlanInputs()
    graves = {one.name for one in inputs.tombstones}
    matching = match_segments(declared, snapshot.remotes, inputs.renaming, graves)
    made = _Comparison(snapshot.remotes, inputs)
    made.aside = find_renamed_old(declared, snapshot.remotes, matching.claimed, inputs.rules())
    made.diagnostics += matching.diagnostics
    for match in matching.matches:
        if inputs.selected is None or match.declared.name in inputs.selected:
            made.add(match)

    made.diagnostics += finished_upgrades(made.upgraded)
    names = {one.name for one in declared}
    claimed = matching.claimed | made.resumed
    loose = [one for one in snapshot.remotes if one.id not in claimed]
    absent = decide_undeclared(loose, inputs.rules(names))
    changes = order_changes([*made.changes, *absent.deletes])
    made.diagnostics += find_names_in_use(changes, snapshot.remotes)
    return Plan(
        target=target,
        changes=changes,
        kept=tuple(sorted(made.kept, key=lambda keep: keep.name)),
        ignored=tuple(sorted(absent.ignored, key=lambda ignore: (ignore.name, ignore.id))),
        diagnostics=(*made.diagnostics, *absent.diagnostics),
    )


class _Comparison:
    """Every match compared.

    `aside`: the old segments of replacements that may go on, by the declared names that are to
    replace them; `resumed`: the ids of those that do.
    """

    def __init__(self, remotes: Sequence[Remote], inputs: PlanInputs) -> None:
        self.strict_text = inputs.strict_text
        self.by_folded: dict[str, list[Remote]] = defaultdict(list)
        self.names = {remote.name for remote in remotes}
        for remote in remotes:
            self.by_folded[remote.name.casefold()].append(remote)
        self.changes: list[Change] = []
        self.kept: list[Keep] = []
        self.diagnostics: list[Diagnostic] = []
        self.upgraded: list[Match] = []
        self.aside: Mapping[str, Sequence[Remote]] = {}
        self.resumed: set[str] = set()

    def add(self, match: Match) -> None:
        one, remote = match.declared, match.remote
        if match.v1 is not None and not needs_change_first(match):
            self.upgrade(match, match.v1)
            return
        if one.upgrade_from and match.v1 is None:
            if remote is None:
                self.diagnostics.append(v1_segment_not_found(one))
            else:
                self.upgraded.append(match)
        if remote is None:
            self.diagnostics += find_case_variants(one, self.by_folded[one.name.casefold()])
            self.changes.append(Create(one.segment, one.span, query_span=one.query_span))
            return
        change = self.resumption(one, remote) or _compare(
            match, remote, strict_text=self.strict_text
        )
        if change is not None:
            self.changes.append(change)
            if match.v1 is not None:
                self.diagnostics.append(upgrade_deferred(one, match.v1))
            return
        cosmetic = not same_text(remote.definition, one.segment)
        self.kept.append(Keep(one.name, remote.id, one.span, cosmetic))
        if remote.validation is Validation.INVALID:
            self.diagnostics.append(_not_accepted(one, remote))
        if remote.validation is Validation.VALID:
            self.changes += map(_surplus, match.surplus)

    def resumption(self, one: Declared, new: Remote) -> Replace | None:
        """Go on with a replacement that made the new segment, and did not get to its end.

        Whether SendGrid accepts the new one by now is asked when it is done, so that a plan stays
        the same while SendGrid makes up its mind.
        """
        if new.name != one.name or not one.allow_replace or one.protected:
            return None
        if "parent_list_ids" in changed_fields(new.definition, one.segment):
            return None
        olds = self.aside.get(one.name)
        if not olds:
            return None
        old = olds[0]
        self.resumed.add(old.id)
        fields = changed_fields(old.definition, one.segment)
        return Replace.of(
            _edit(one, old, fields, Reason.RESUMED),
            Reason.RESUMED,
            is_allowed=True,
            is_protected=False,
            successor=Successor(new.id, new.definition),
        )

    def upgrade(self, match: Match, old: Remote) -> None:
        """Plan for a v1 segment and what was made so far to take its place."""
        one, half = match.declared, match.remote
        if old.query is None:
            self.diagnostics.append(upgrade_query_missing(one, old))
            return
        if half is not None:
            name = half.name
        elif one.name in self.names:
            name = temporary_name(one.name, one.upgrade_from, Marker.SUCCESSOR)
        else:
            name = one.name
        self.changes.append(
            Upgrade(
                before=old.definition,
                after=one.segment,
                precondition=Precondition.of(old),
                span=one.span,
                successor_name=name,
                successor=None if half is None else Successor(half.id, half.definition),
                contacts_count=old.contacts_count,
                reason=Reason.UPGRADED if half is None else Reason.RESUMED,
                query_span=one.query_span,
                is_protected=one.protected,
            )
        )


def _surplus(twin: Remote) -> Delete:
    """Delete what an apply made of a v1 segment while another one finished with it."""
    return Delete(
        twin.definition,
        Precondition.of(twin),
        contacts_count=twin.contacts_count,
        reason=Reason.REPLACED,
    )


def _compare(match: Match, remote: Remote, *, strict_text: bool) -> Patch | Replace | None:
    one, before, after = match.declared, remote.definition, match.declared.segment
    fields = changed_fields(before, after, strict_text=strict_text)
    if not fields:
        return None
    patch = _edit(one, remote, fields, match.reason or Reason.DEFINITION_DIFFERS)
    # PATCH has no parent_list_ids (sendgrid-api.md §1).
    if "parent_list_ids" not in fields:
        return patch
    return Replace.of(
        patch,
        match.reason or Reason.PARENT_LIST_DIFFERS,
        is_allowed=one.allow_replace,
        is_protected=one.protected,
    )


def _edit(one: Declared, remote: Remote, fields: tuple[str, ...], reason: Reason) -> Patch:
    before, after = remote.definition, one.segment
    return Patch(
        before=before,
        after=after,
        changed_fields=fields,
        precondition=Precondition.of(remote),
        span=one.span,
        contacts_count=remote.contacts_count,
        clauses=_clauses(before, after) if "query_dsl" in fields else (),
        query_span=one.query_span,
        reason=reason,
    )


def _clauses(before: Segment, after: Segment) -> tuple[ClauseChange, ...]:
    from segctl.query.diff import clause_changes  # noqa: PLC0415 - only where a query changed

    return clause_changes(before.query, after.query)


def _not_accepted(one: Declared, remote: Remote) -> Diagnostic:
    """Find a query that was written as declared and is of no use: an apply failed over it once."""
    complaint = remote.validation_error or "it does not say why"
    return Diagnostic(
        "query-not-accepted",
        Severity.WARNING,
        f"`{one.name}` is on the account as declared, and nobody is in it: SendGrid does not "
        f"accept its query ({complaint})",
        one.query_span,
        hint="correct the query and apply again",
    )

"""The pure function in the middle: declared segments and a snapshot of the account give a plan.

Owns matching, comparing and ordering. Decides nothing about whether the plan is allowed: that is
`policy.py`. Reads no file, no clock and no network.
"""

from __future__ import annotations

from collections import defaultdict
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from segctl.errors import Diagnostic, Severity
from segctl.model import (
    Change,
    Create,
    Declared,
    Ignore,
    Keep,
    Patch,
    Plan,
    Precondition,
    Remote,
    Replace,
    Segment,
    Snapshot,
    TargetRef,
)
from segctl.query.normal import Equivalence, equivalent

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from segctl.query.changes import ClauseChange


def select(
    declared: Sequence[Declared], patterns: Sequence[str]
) -> tuple[tuple[Declared, ...], tuple[str, ...]]:
    """Pick the declared segments that `--only` asks for.

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


def names_to_read(declared: Iterable[Declared], listed: Iterable[Remote]) -> tuple[Remote, ...]:
    """Say of which listed segments the plan needs the definition: V2 ones with a declared name."""
    names = {one.name for one in declared}
    return tuple(remote for remote in listed if remote.name in names and not remote.is_v1)


def make_plan(
    target: TargetRef,
    declared: Sequence[Declared],
    snapshot: Snapshot,
    *,
    selected: Collection[str] | None = None,
    strict_text: bool = False,
) -> Plan:
    """Compare what is declared with what the account holds.

    `declared` is every declaration, so that none looks unmanaged; `selected` holds the names to
    plan for (`None`: all). The snapshot carries the definition of each selected name that it has.
    Queries that mean the same are equal, unless `strict_text` asks for the same text.
    An entry of `diagnostics` with severity error means that the plan must not be performed.
    """
    by_name: dict[str, list[Remote]] = defaultdict(list)
    by_folded: dict[str, list[Remote]] = defaultdict(list)
    for remote in snapshot.remotes:
        by_name[remote.name].append(remote)
        by_folded[remote.name.casefold()].append(remote)

    changes: list[Change] = []
    kept: list[Keep] = []
    diagnostics: list[Diagnostic] = []
    for one in declared:
        if selected is not None and one.name not in selected:
            continue
        match by_name.get(one.name, ()):
            case []:
                diagnostics += _alike(one, by_folded[one.name.casefold()])
                changes.append(Create(one.segment, one.span))
            case [remote] if remote.is_v1:
                diagnostics.append(_held_by_v1(one, remote))
            case [remote]:
                change = _compare(one, remote, strict_text=strict_text)
                if change is None:
                    cosmetic = not _same_text(remote.definition, one.segment)
                    kept.append(Keep(one.name, remote.id, one.span, cosmetic))
                else:
                    changes.append(change)
            case several:
                diagnostics.append(_ambiguous(one, several))

    names = {one.name for one in declared}
    ignored = [
        Ignore(remote.name, remote.id, remote.is_v1)
        for remote in snapshot.remotes
        if remote.name not in names
    ]
    return Plan(
        target=target,
        changes=tuple(sorted(changes, key=_order)),
        kept=tuple(sorted(kept, key=lambda keep: keep.name)),
        ignored=tuple(sorted(ignored, key=lambda ignore: (ignore.name, ignore.id))),
        diagnostics=tuple(diagnostics),
    )


def changed_fields(
    before: Segment, after: Segment, *, strict_text: bool = False
) -> tuple[str, ...]:
    """Name the fields that differ, as the API names them.

    Queries compare by what they mean (`query.normal`), or by their text where that is asked for;
    parent lists compare as sets.
    """
    fields = []
    if before.name != after.name:
        fields.append("name")
    if not _same_text(before, after) and (
        strict_text or equivalent(before.query, after.query) is Equivalence.DIFFERENT
    ):
        fields.append("query_dsl")
    if {i.lower() for i in before.parent_list_ids} != {i.lower() for i in after.parent_list_ids}:
        fields.append("parent_list_ids")
    return tuple(fields)


def _same_text(before: Segment, after: Segment) -> bool:
    """Say whether two queries are the same text, white space around them aside."""
    return before.query.strip() == after.query.strip()


def _compare(one: Declared, remote: Remote, *, strict_text: bool) -> Patch | Replace | None:
    before, after = remote.definition, one.segment
    fields = changed_fields(before, after, strict_text=strict_text)
    if not fields:
        return None
    # PATCH has no parent_list_ids (sendgrid-api.md §1).
    kind = Replace if "parent_list_ids" in fields else Patch
    return kind(
        before=before,
        after=after,
        changed_fields=fields,
        precondition=Precondition.of(remote),
        span=one.span,
        contacts_count=remote.contacts_count,
        clauses=_clauses(before, after) if "query_dsl" in fields else (),
    )


def _clauses(before: Segment, after: Segment) -> tuple[ClauseChange, ...]:
    from segctl.query.changes import clause_changes  # noqa: PLC0415 - only where a query changed

    return clause_changes(before.query, after.query)


def _order(change: Change) -> tuple[int, str]:
    """Put creates first and deletes last: what goes may be needed until what comes is there."""
    rank = {Create: 0, Patch: 1, Replace: 2}.get(type(change), 3)
    return rank, change.name


def _held_by_v1(one: Declared, remote: Remote) -> Diagnostic:
    return Diagnostic(
        "name-held-by-v1",
        Severity.ERROR,
        f"the account has a v1 segment named `{one.name}`, which cannot be changed",
        one.span,
        hint=f"declare another name, or delete the v1 segment {remote.id} in SendGrid first; "
        "names are unique in an account",
    )


def _ambiguous(one: Declared, remotes: Sequence[Remote]) -> Diagnostic:
    ids = ", ".join(remote.id for remote in remotes)
    return Diagnostic(
        "ambiguous-name",
        Severity.ERROR,
        f"the account has {len(remotes)} segments named `{one.name}`",
        one.span,
        hint=f"rename or delete all but one in SendGrid: {ids}",
    )


def _alike(one: Declared, remotes: Sequence[Remote]) -> list[Diagnostic]:
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

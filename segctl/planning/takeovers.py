"""Segments that a plan would overwrite although no commit declared them as they are.

A declaration matches a segment by its name. If the segment is as a commit declared it, the change
is one of ours. If it is not, and is newer than the first declaration, someone edited it by hand
since. If it is older, it may be someone else's: to overwrite it is a takeover, which is refused
unless its file allows it. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from shlex import quote
from typing import TYPE_CHECKING

from segctl.common.timestamps import parse_time_or_none
from segctl.errors import Diagnostic, Severity
from segctl.model import Patch, Reason, Replace
from segctl.model.proof import Proof
from segctl.planning.ownership import (
    Ownership,
    find_version,
    first_declared,
    is_edited_since_declared,
)
from segctl.planning.proofs import BY_NAME, describe_commit
from segctl.planning.wording import date_of, describe_drift, list_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from segctl.model import Declared, Plan, Remote
    from segctl.model.proof import Evidence
    from segctl.planning.ownership import RemovalHistory


@dataclass(frozen=True, slots=True)
class Overwrites:
    """What git history shows of the segments that a plan overwrites, by the name alone.

    `foreign` are those that may be someone else's; `maybe_edited` as well, but they may also be as
    they were declared, except for an edit by hand since. `adopted` are those that their files adopt
    with `adopt: true`; `edited` are those that someone edited by hand since they were declared.
    Without a history, all are `unchecked`, for the reason `unavailable`, and `remedy` says what to
    do about it. `named` has the commit that first declared the name, by the segment's id.
    """

    foreign: tuple[Patch | Replace, ...] = ()
    maybe_edited: tuple[Patch | Replace, ...] = ()
    adopted: tuple[Patch | Replace, ...] = ()
    edited: tuple[Patch | Replace, ...] = ()
    unchecked: tuple[Patch | Replace, ...] = ()
    unavailable: str = ""
    remedy: str = ""
    named: Mapping[str, Evidence] = field(default_factory=dict)

    def with_proofs(self, plan: Plan) -> Plan:
        """Return the plan with what git shows of each takeover."""
        changes = (
            replace(change, proof=Proof(named=self.named[change.id]))
            if isinstance(change, Patch | Replace) and change.id in self.named
            else change
            for change in plan.changes
        )
        return replace(plan, changes=tuple(changes)) if self.named else plan

    def named_by(self, change: Patch | Replace) -> str:
        """Return the commit that first declared the name of a takeover, as the end of a sentence.

        Without a commit, nobody has committed the file.
        """
        evidence = self.named.get(change.id)
        if evidence is None:
            return "its file is not committed"
        return f"commit {describe_commit(evidence.commit)} declared its name in {evidence.file}"


def overwriting_changes(plan: Plan, ownership: Ownership) -> tuple[Patch | Replace, ...]:
    """Return the changes for which git history must show whose segments they overwrite.

    `previous_names` say which segment is meant, unless the names of instances are put together from
    values and keys. Under `exclusive` ownership, every segment belongs to the project.
    """
    if ownership is Ownership.EXCLUSIVE:
        return ()
    return tuple(
        change
        for change in plan.changes
        if isinstance(change, Patch | Replace)
        and (change.reason in BY_NAME or _is_renamed_instance(change))
    )


def _is_renamed_instance(change: Patch | Replace) -> bool:
    """Return whether a file with instances says that a segment had another name."""
    return change.reason is Reason.RENAMED and change.span.instance != ""


def find_overwrites(
    changes: Iterable[Patch | Replace],
    declared: Iterable[Declared],
    remotes: Iterable[Remote],
    history: RemovalHistory,
) -> Overwrites:
    """Return whose segments these changes overwrite."""
    adopting = {item.name for item in declared if item.adopt}
    if history.unavailable:
        unchecked = tuple(change for change in changes if change.name not in adopting)
        return Overwrites(
            unchecked=unchecked, unavailable=history.unavailable, remedy=history.remedy
        )
    created_at = {remote.id: remote.created_at for remote in remotes}
    foreign: list[Patch | Replace] = []
    maybe_edited: list[Patch | Replace] = []
    adopted: list[Patch | Replace] = []
    edited: list[Patch | Replace] = []
    named: dict[str, Evidence] = {}
    for change in changes:
        renames = _is_renamed_instance(change)
        versions = history.versions_of(change.before.name if renames else change.name)
        if find_version(versions, change.before) is not None:
            continue
        if is_edited_since_declared(versions, change.before, created_at.get(change.id)):
            edited.append(change)
            continue
        first = first_declared(versions)
        updated = parse_time_or_none(change.precondition.updated_at)
        if versions:
            named[change.id] = versions[0].evidence
        if change.name in adopting:
            adopted.append(change)
        elif updated is not None and first is not None and updated >= first:
            maybe_edited.append(change)
        else:
            foreign.append(change)
    return Overwrites(
        tuple(foreign), tuple(maybe_edited), tuple(adopted), tuple(edited), named=named
    )


def takeover_refusals(overwrites: Overwrites) -> Iterator[Diagnostic]:
    """Yield a refusal for each takeover that no file allows."""
    for change in overwrites.foreign:
        if _is_renamed_instance(change):
            yield _taken_by_key(change)
            continue
        yield Diagnostic(
            "takeover",
            Severity.ERROR,
            f"`{change.before.name}` is not this project's: it is older than its file, and no "
            f"commit declared it as it is; {overwrites.named_by(change)}",
            change.span,
            hint="to change it as the plan shows, add `adopt: true` to the file; to keep it as it "
            "is, choose another name",
        )
    for change in overwrites.maybe_edited:
        yield Diagnostic(
            "takeover",
            Severity.ERROR,
            f"`{change.before.name}` may have been edited by hand on "
            f"{date_of(change.precondition.updated_at)}, after it was declared: no commit declared "
            "it as it is, and it is older than its file; " + overwrites.named_by(change),
            change.span,
            hint=f"to keep the edit, run `segctl drift --accept {quote(change.name)}`, or declare "
            "it in the file; to overwrite it as the plan shows, add `adopt: true` to "
            f"{change.span.file}",
        )


def _taken_by_key(change: Patch | Replace) -> Diagnostic:
    return Diagnostic(
        "takeover",
        Severity.ERROR,
        f"`{change.before.name}` is not this project's, so it is not what `{change.name}` was "
        "before: it is older than its file, or no commit declared it as it is",
        change.span,
        hint="to keep it as it is, remove its key from `previous_keys`, or its name from "
        "`previous_names`; to rename it as the plan shows, add `adopt: true` to the file",
    )


def overwrite_warnings(overwrites: Overwrites) -> Iterator[Diagnostic]:
    """Yield what a plan says of the other segments that it overwrites."""
    for change in overwrites.adopted:
        yield Diagnostic(
            "adopted",
            Severity.INFO,
            f"`{change.before.name}` is changed although no commit declared it as it is: its file "
            f"has `adopt: true`; {overwrites.named_by(change)}",
            change.span,
        )
    for change in overwrites.edited:
        date = date_of(change.precondition.updated_at)
        what = describe_drift(change.drift) if change.drift else "changed outside git"
        if not change.drift and date:
            what += f" on {date}"
        yield Diagnostic(
            "changed-outside-git",
            Severity.WARNING,
            f"`{change.before.name}` was {what}; the plan overwrites that change",
            change.span,
            hint="to keep the change, run `segctl drift --accept "
            f"{quote(change.name)}`, or declare it in the file",
        )
    if overwrites.unchecked:
        names = tuple(change.name for change in overwrites.unchecked)
        remedy = f"{overwrites.remedy}; or " if overwrites.remedy else ""
        yield Diagnostic(
            "origin-unknown",
            Severity.WARNING,
            "git history is unavailable, so the plan may overwrite what someone else created or "
            f"edited: {list_names(names)} ({overwrites.unavailable})",
            hint=f"{remedy}compare both sides, and add `adopt: true` to the file if the segment is "
            "yours",
            names=names,
        )

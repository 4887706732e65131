"""Counts whom each change of a plan reaches, on the contacts that segctl.yaml names.

Owns when a plan has impacts, and what it says where it has none: nothing is guessed, and nothing
about the contacts keeps a plan from being made. The reason is a warning where
`limits.max_audience_change` needs the count, and a remark elsewhere; one that concerns all changes
is told once. Whether a change goes too far is `policy`'s to say.
"""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import TYPE_CHECKING

from segctl.common.clock import format_utc
from segctl.common.timestamps import moment
from segctl.errors import Diagnostic, SegctlError, Severity, UsageError
from segctl.model import Create, Impact, Reason
from segctl.planning.audience_limits import with_audience
from segctl.project.config import PULLED
from segctl.render.previews import quote_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from segctl.app.audiences import Evaluated
    from segctl.app.session import Account, Session
    from segctl.model import Change, Patch, Plan, Replace

OLD_AFTER = timedelta(days=7)
"""Contacts taken longer ago are told: segments by events have moved on by then."""


def with_impacts(
    session: Session, account: Account, plan: Plan
) -> tuple[Plan, tuple[Diagnostic, ...]]:
    """Give the plan with the impact of each change, and what is to be said of the counting."""
    changes = with_audience(plan.changes)
    if not changes:
        return plan, ()
    limited = session.config.limits.max_audience_change is not None
    weight = Severity.WARNING if limited else Severity.INFO
    if session.config.contacts is None:
        words = "`limits.max_audience_change` is not held: segctl.yaml names no contacts"
        hint = "write `contacts: pulled` there, and run `segctl contacts pull`"
        return plan, (Diagnostic("audience-unknown", weight, words, hint=hint),)
    pairs = [
        (None if isinstance(change, Create) else change.before, change.after) for change in changes
    ]
    from segctl.app.audiences import evaluate  # noqa: PLC0415 - DuckDB's room, only with contacts
    from segctl.app.git_exposure import exposures, own_files  # noqa: PLC0415 - asks git

    exposed = exposures(session, own_files(session))
    try:
        with session.progress("counting contacts"):
            evaluated = evaluate(session, pairs, account)
            if not evaluated[0].base:
                # Of nobody, no change is too large: that is no answer.
                raise UsageError("there is nobody in the contacts", hint="take them anew")
    except SegctlError as error:
        words = f"who is reached is not known: {error.message}"
        return plan, (*exposed, Diagnostic("audience-unknown", weight, words, hint=error.hint))
    counted = dict(zip(map(id, changes), evaluated, strict=True))
    with_impact = {id(change): _counted(change, counted[id(change)]) for change in changes}
    said = (
        *exposed,
        *_age(session, evaluated[0]),
        *_part(evaluated[0], weight),
        *_unknown(session, changes, counted, weight),
    )
    return dataclasses.replace(
        plan, changes=tuple(with_impact.get(id(change), change) for change in plan.changes)
    ), said


def _counted(change: Create | Patch | Replace, found: Evaluated) -> Change:
    if found.counts is None:
        return change
    taken = moment(found.as_of)
    impact = Impact(
        found.counts.before,
        found.counts.after,
        found.counts.gained,
        found.counts.lost,
        found.base,
        format_utc(taken) if taken else None,
    )
    return dataclasses.replace(change, impact=impact)


def _age(session: Session, found: Evaluated) -> Iterator[Diagnostic]:
    """Tell of contacts that are old, as far as anybody knows."""
    taken = moment(found.as_of or found.modified_at)
    age = session.clock.now() - taken if taken else timedelta()
    if age > OLD_AFTER:
        what = f"{age.days} days old" if found.as_of else f"at least {age.days} days old"
        yield Diagnostic(
            "audience-old",
            Severity.INFO,
            f"the contacts in which this plan is counted are {what}",
            hint="run `segctl contacts pull` again" if found.as_of else "export them again",
        )


def _part(found: Evaluated, weight: Severity) -> Iterator[Diagnostic]:
    """Tell of contacts that are not all: of the others nothing is counted."""
    if found.only:
        yield Diagnostic(
            "audience-partial",
            weight,
            f"this plan is counted in the contacts of {quote_names(found.only)} alone",
            hint="`segctl contacts pull` without --list brings all",
        )


def _unknown(
    session: Session,
    changes: list[Create | Patch | Replace],
    counted: Mapping[int, Evaluated],
    weight: Severity,
) -> Iterator[Diagnostic]:
    """Say for each change that could not be counted why that is."""
    from segctl.app.preview_errors import findings  # noqa: PLC0415
    from segctl.audience.results import Uncountable  # noqa: PLC0415 - only where one is

    declared = {one.name: one for one in session.declarations.declared}
    unknown = [
        change
        for change in changes
        if counted[id(change)].counts is None and change.reason is not Reason.FREES_NAME
    ]
    without_events = [change for change in unknown if _uses_events(counted[id(change)])]
    if len(without_events) > 1:
        # All for one reason, which is not in any of the files.
        unknown = [change for change in unknown if change not in without_events]
        yield Diagnostic(
            "audience-unknown",
            weight,
            f"{len(without_events)} segments cannot be counted: they ask event_data, and the base "
            f"has no events: {quote_names(change.name for change in without_events)}",
            hint=_events_hint(session),
        )
    for change in unknown:
        result = counted[id(change)]
        why = Uncountable(result.problems, result.in_before)
        for found in findings(session, declared[change.name], why, named=False):
            yield dataclasses.replace(
                found,
                code="audience-unknown",
                severity=weight,
                summary=f"`{change.name}`: {found.summary}",
                hint=_events_hint(session) if _uses_events(result) else found.hint,
            )


def _uses_events(found: Evaluated) -> bool:
    return any(one.code == "no-events" for one in found.problems)


def _events_hint(session: Session) -> str:
    named = session.config.contacts
    contacts = PULLED if named is not None and named.contacts == PULLED else "…"
    return f"name a file of events in segctl.yaml: `contacts: {{contacts: {contacts}, events: …}}`"

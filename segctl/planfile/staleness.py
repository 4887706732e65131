"""Whether a saved plan is stale: its differences from a plan made now with the same options.

What the digest leaves out may differ: counts, times, places, diagnostics. Pure. Does not check
either plan against the safety rules.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from segctl.errors import Diagnostic, Severity
from segctl.model import Create, Delete, Replace
from segctl.planfile.to_json import PAST_TENSE, action_name, digest
from segctl.planning.definition_diff import definition_diff

if TYPE_CHECKING:
    from collections.abc import Iterator

    from segctl.errors import Span
    from segctl.model import Change, Plan, TargetRef

_FIELD_NAMES = {"name": "name", "query_dsl": "query", "parent_list_ids": "parent list"}

_Key = tuple[str, str, int]


def account_differences(saved: TargetRef, now: TargetRef) -> tuple[Diagnostic, ...]:
    """Return an error for each way in which the account differs from that of a saved plan."""
    facts = (
        ("target", saved.name, now.name),
        ("host", saved.host, now.host),
        ("subuser", saved.subuser or "none", now.subuser or "none"),
    )
    return tuple(
        _stale("other-account", f"the plan was made for {fact} `{before}`, but this is `{current}`")
        for fact, before, current in facts
        if before != current
    )


def other_project(saved: Plan, now: Plan) -> str:
    """Return how a plan made now shows that the saved one is of another project, or nothing.

    Segments of the same project change, but hardly all of them at once.
    """
    if saved.project and now.project and saved.project != now.project:
        return f"it was made in {saved.project}, but this is {now.project}"
    before, current = _names(saved), _names(now)
    if before and current and before.isdisjoint(current):
        return "none of its segments is declared here"
    return ""


def _names(plan: Plan) -> frozenset[str]:
    return frozenset(
        item.name for item in (*plan.changes, *plan.kept) if not isinstance(item, Delete)
    )


def plan_differences(saved: Plan, now: Plan) -> tuple[Diagnostic, ...]:
    """Return an error for each difference between a saved plan and one made now; empty if none.

    Both are for the same account, with the same options.
    """
    if digest(saved) == digest(now):
        return ()
    before, current = _by_segment(saved), _by_segment(now)
    differences = [
        *(_missing(before[key]) for key in before if key not in current),
        *(_added(current[key]) for key in current if key not in before),
    ]
    for key, change in before.items():
        if key in current:
            differences += _changed(change, current[key])
    return tuple(differences) or (
        _stale("stale-order", "the changes would be applied in another order"),
    )


def _by_segment(plan: Plan) -> dict[_Key, Change]:
    """Return the changes by segment and step: a segment in a swap takes two steps."""
    steps: dict[tuple[str, str], int] = defaultdict(int)
    changes: dict[_Key, Change] = {}
    for change in plan.changes:
        segment = ("", change.name) if change.id is None else (change.id, "")
        changes[(*segment, steps[segment])] = change
        steps[segment] += 1
    return changes


def _missing(change: Change) -> Diagnostic:
    verb = PAST_TENSE[action_name(change)]
    summary = f"`{change.name}` would no longer be {verb}"
    return _stale("stale-missing", summary, change.span)


def _added(change: Change) -> Diagnostic:
    verb = PAST_TENSE[action_name(change)]
    summary = f"`{change.name}` would now be {verb}"
    return _stale("stale-added", summary, change.span)


def _changed(saved: Change, now: Change) -> Iterator[Diagnostic]:
    """Report the differences between two changes of one segment."""
    before, current = PAST_TENSE[action_name(saved)], PAST_TENSE[action_name(now)]
    if before != current:
        summary = f"`{now.name}` would now be {current}, not {before}"
        yield _stale("stale-changed", summary, now.span)
    if not isinstance(saved, Create) and not isinstance(now, Create):
        for field in definition_diff(saved.before, now.before):
            summary = f"the {_FIELD_NAMES[field]} of `{now.name}` changed on the account"
            yield _stale("stale-changed", summary, now.span)
    if isinstance(saved, Replace) and isinstance(now, Replace) and saved.successor != now.successor:
        summary = f"the unfinished replacement of `{now.name}` changed on the account"
        yield _stale("stale-changed", summary, now.span)
    if not isinstance(saved, Delete) and not isinstance(now, Delete):
        for field in definition_diff(saved.after, now.after):
            summary = f"the {_FIELD_NAMES[field]} of `{now.name}` changed in the files"
            span = now.query_span if field == "query_dsl" else None
            yield _stale("stale-changed", summary, span or now.span)


def _stale(code: str, summary: str, span: Span | None = None) -> Diagnostic:
    return Diagnostic(code, Severity.ERROR, summary, span)

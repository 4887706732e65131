"""Whether a plan that was saved is still the plan: each difference, named.

Owns the comparison of a saved plan with one made now from the same question. What may differ is
what the digest leaves out: counts, times, places, findings. Pure; judges neither of the two.
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

_FIELDS = {"name": "name", "query_dsl": "query", "parent_list_ids": "parent list"}

_Key = tuple[str, str, int]


def account_differences(saved: TargetRef, now: TargetRef) -> tuple[Diagnostic, ...]:
    """Say in what the account of a saved plan is another than the one at hand."""
    facts = (
        ("target", saved.name, now.name),
        ("host", saved.host, now.host),
        ("subuser", saved.subuser or "none", now.subuser or "none"),
    )
    return tuple(
        _stale("other-account", f"the plan is for the {what} `{then}`, and this is `{here}`")
        for what, then, here in facts
        if then != here
    )


def plan_differences(saved: Plan, now: Plan) -> tuple[Diagnostic, ...]:
    """Say in what a saved plan would do something else than one made now; empty if in nothing.

    The two are for the same account and were asked the same.
    """
    if digest(saved) == digest(now):
        return ()
    then, here = _by_segment(saved), _by_segment(now)
    found = [
        *(_gone(then[key]) for key in then if key not in here),
        *(_come(here[key]) for key in here if key not in then),
        *(one for key in then if key in here for one in _altered(then[key], here[key])),
    ]
    return tuple(found) or (_stale("stale-order", "the changes would be made in another order"),)


def _by_segment(plan: Plan) -> dict[_Key, Change]:
    """Give each change by its segment, and by which step of it it is: a swap takes two."""
    steps: dict[tuple[str, str], int] = defaultdict(int)
    found: dict[_Key, Change] = {}
    for change in plan.changes:
        segment = ("", change.name) if change.id is None else (change.id, "")
        found[(*segment, steps[segment])] = change
        steps[segment] += 1
    return found


def _gone(change: Change) -> Diagnostic:
    words = f"`{change.name}` was to be {PAST_TENSE[action_name(change)]}, and now is not"
    return _stale("stale-missing", words, change.span)


def _come(change: Change) -> Diagnostic:
    words = f"`{change.name}` would be {PAST_TENSE[action_name(change)]} now, and was not to be"
    return _stale("stale-added", words, change.span)


def _altered(saved: Change, now: Change) -> Iterator[Diagnostic]:
    """Compare two changes of one segment."""
    was, is_now = PAST_TENSE[action_name(saved)], PAST_TENSE[action_name(now)]
    if was != is_now:
        words = f"`{now.name}` was to be {was}, and now would be {is_now}"
        yield _stale("stale-changed", words, now.span)
    if not isinstance(saved, Create) and not isinstance(now, Create):
        for field in definition_diff(saved.before, now.before):
            words = f"`{now.name}`: its {_FIELDS[field]} on the account is not what the plan saw"
            yield _stale("stale-changed", words, now.span)
    if isinstance(saved, Replace) and isinstance(now, Replace) and saved.successor != now.successor:
        words = f"`{now.name}`: the new one of its replacement is not what the plan saw"
        yield _stale("stale-changed", words, now.span)
    if not isinstance(saved, Delete) and not isinstance(now, Delete):
        for field in definition_diff(saved.after, now.after):
            words = f"`{now.name}`: its {_FIELDS[field]} in the files is not what the plan says"
            span = now.query_span if field == "query_dsl" else None
            yield _stale("stale-changed", words, span or now.span)


def _stale(code: str, summary: str, span: Span | None = None) -> Diagnostic:
    return Diagnostic(code, Severity.ERROR, summary, span)

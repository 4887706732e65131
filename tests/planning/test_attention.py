"""Which changes a reviewer sees first: the same order in every view, for reasons that are said."""

from __future__ import annotations

import dataclasses

import pytest

from segctl.errors import Span
from segctl.model import Change, Create, Delete, Impact, Patch, Plan, Precondition, Reason, Replace
from segctl.model.automations import Automation, AutomationRole, AutomationUse
from segctl.model.drift import Drift, DriftKind
from segctl.model.segments import Segment
from segctl.model.single_sends import SingleSend
from segctl.planning.attention import Attention, attention_of, review_order
from segctl.query.diff import clause_changes
from segctl.render.attention import describe_attention
from tests.planning.test_planner import TARGET
from tests.support.builders import query

SPAN = Span("segments/a.yaml", 1, 7)
ALL = query("total_spend > 5")


def patch(name: str, after: str = ALL, **fields: object) -> Patch:
    edit = Patch(
        Segment(name, ALL),
        Segment(name, after),
        ("query_dsl",),
        Precondition(f"id of {name}", None, "x"),
        SPAN,
        clauses=clause_changes(ALL, after),
    )
    return dataclasses.replace(edit, **fields)  # type: ignore[arg-type]


def counted(before: int, gained: int, lost: int = 0, base: int = 1000) -> Impact:
    return Impact(before, before + gained - lost, gained, lost, base, None)


def plan_of(*changes: Change, **fields: object) -> Plan:
    return dataclasses.replace(Plan(TARGET, changes), **fields)  # type: ignore[arg-type]


def reasons(change: Change, **fields: object) -> list[str]:
    return [reason.value for reason in attention_of(change, plan_of(change, **fields))]


@pytest.mark.parametrize(
    ("impact", "threshold", "needs"),
    [
        (counted(100, 20), 20, False),
        (counted(100, 21), 20, True),
        (counted(100, 11, 10), 20, True),
        (counted(100, 1), 0, True),
        (counted(100, 0), 0, False),
        # Of all contacts, where the segment is empty.
        (counted(0, 200), 20, False),
        (counted(0, 201), 20, True),
        (None, 0, False),
    ],
)
def test_a_large_change_needs_attention(
    impact: Impact | None, threshold: int, *, needs: bool
) -> None:
    assert reasons(patch("a", impact=impact), attention=threshold) == ["large-change"] * needs


def test_a_new_segment_is_not_called_empty() -> None:
    new = Create(Segment("New", ALL), SPAN, impact=counted(0, 300))
    emptied = patch("Empty", impact=counted(0, 300))
    for change, state in ((new, "new"), (emptied, "empty")):
        plan = plan_of(change)
        (item,) = review_order(plan)
        assert describe_attention(item, plan) == (
            f"it is {state} and gets 30 % of all contacts, more than 20 %"
        )


def test_a_scheduled_send_needs_attention_and_a_draft_does_not() -> None:
    change = patch("a")
    for status, expected in (("scheduled", ["scheduled-send"]), ("draft", [])):
        send = SingleSend("s", "Spring", status, (change.id,))
        assert reasons(change, single_sends=(send,)) == expected


def test_a_protected_segment_and_an_id_that_ends_need_attention() -> None:
    assert reasons(patch("a", is_protected=True)) == ["protected"]
    precondition = Precondition("id", None, "x")
    assert reasons(Delete(Segment("a", ALL), precondition)) == ["id-ends"]
    replace = Replace.of(patch("a", is_protected=True), Reason.PARENT_LIST_DIFFERS, is_allowed=True)
    assert reasons(replace) == ["id-ends", "protected"]
    assert reasons(Create(Segment("a", ALL), SPAN)) == []


def test_a_moved_time_window_needs_attention() -> None:
    month, quarter = (query(f"last_order > now() - {days} days") for days in (30, 90))
    change = patch("a", clauses=clause_changes(month, quarter))
    assert reasons(change) == ["time-window"]


def test_an_edit_in_sendgrid_that_is_undone_needs_attention() -> None:
    assert reasons(patch("a", drift=Drift(DriftKind.EDITED, "a"))) == ["outside-git"]


def test_a_live_automation_needs_attention_and_a_draft_does_not() -> None:
    change = patch("a")
    use = AutomationUse(AutomationRole.ENTRANCE, change.id)
    for status, expected in (("live", ["live-automation"]), ("draft", [])):
        automation = Automation("x", "Welcome", status, (use,))
        assert reasons(change, automations=(automation,)) == expected


def test_a_step_that_frees_a_name_needs_none() -> None:
    assert reasons(patch("a", is_protected=True, reason=Reason.FREES_NAME)) == []


def test_the_most_pressing_changes_come_first_and_the_others_keep_their_order() -> None:
    sent = patch("sent")
    plan = plan_of(
        patch("small 1"),
        patch("large", impact=counted(10, 10)),
        patch("small 2"),
        Delete(Segment("gone", ALL), Precondition("id", None, "x")),
        patch("protected", is_protected=True),
        sent,
        single_sends=(SingleSend("s", "Spring", "scheduled", (sent.id,)),),
    )
    order = review_order(plan)
    assert [item.change.name for item in order] == [
        "sent", "gone", "protected", "large", "small 1", "small 2",
    ]  # fmt: skip
    assert [item.number for item in order] == [6, 4, 5, 2, 1, 3]
    assert [bool(item.reasons) for item in order] == [True] * 4 + [False] * 2
    assert order[0].reasons == (Attention.SCHEDULED,)

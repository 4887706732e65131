"""A stale plan: every difference from a plan made now is named, and nothing else counts."""

from __future__ import annotations

import dataclasses

from hypothesis import HealthCheck, given, settings

from segctl.errors import Span
from segctl.model import Change, Create, Delete, Patch, Plan, Precondition, Segment, TargetRef
from segctl.planfile.staleness import account_differences, plan_differences
from segctl.planfile.to_json import digest
from tests.planfile.plans import PLANS

TARGET = TargetRef("production", "api.sendgrid.com")
FIRST, SECOND = Segment("A", "SELECT 1"), Segment("A", "SELECT 2", ("list",))
SPAN, QUERY_SPAN = Span("a.yaml", 1, 7), Span("a.sql", 1, 1)
PRECONDITION = Precondition("id-a", "then", "0" * 64)


def patch(before: Segment, after: Segment) -> Patch:
    return Patch(before, after, ("query_dsl",), PRECONDITION, SPAN, query_span=QUERY_SPAN)


def differences(saved: list[Change], now: list[Change]) -> list[str]:
    diagnostics = plan_differences(Plan(TARGET, tuple(saved)), Plan(TARGET, tuple(now)))
    return [f"{diagnostic.span}: {diagnostic.summary}" for diagnostic in diagnostics]


def test_each_difference_is_named() -> None:
    create, delete = Create(FIRST, SPAN), Delete(FIRST, PRECONDITION)
    assert differences([create], []) == ["a.yaml:1:7: `A` would no longer be created"]
    assert differences([], [create]) == ["a.yaml:1:7: `A` would now be created"]
    assert differences([delete], [patch(FIRST, SECOND)]) == [
        "a.yaml:1:7: `A` would now be patched, not deleted"
    ]
    assert differences([create], [Create(SECOND, SPAN, query_span=QUERY_SPAN)]) == [
        "a.sql:1:1: the query of `A` changed in the files",
        "a.yaml:1:7: the parent list of `A` changed in the files",
    ]
    assert differences([patch(FIRST, SECOND)], [patch(SECOND, SECOND)]) == [
        "a.yaml:1:7: the query of `A` changed on the account",
        "a.yaml:1:7: the parent list of `A` changed on the account",
    ]


def test_a_swap_is_compared_step_by_step() -> None:
    temporary = dataclasses.replace(FIRST, name="temporary")
    steps: list[Change] = [patch(FIRST, temporary), patch(temporary, SECOND)]
    assert differences(steps, steps[:1]) == ["a.yaml:1:7: `A` would no longer be patched"]


def test_another_order_is_a_difference() -> None:
    first, second = Create(FIRST, SPAN), Create(Segment("B", "SELECT 1"), SPAN)
    assert differences([first, second], [second, first]) == [
        "None: the changes would be applied in another order"
    ]


def test_each_difference_of_the_account_is_named() -> None:
    diagnostics = account_differences(TARGET, TargetRef("eu", "api.eu.sendgrid.com", "shop"))
    assert [diagnostic.summary for diagnostic in diagnostics] == [
        "the plan was made for target `production`, but this is `eu`",
        "the plan was made for host `api.sendgrid.com`, but this is `api.eu.sendgrid.com`",
        "the plan was made for subuser `none`, but this is `shop`",
    ]
    assert account_differences(TARGET, TARGET) == ()


@given(PLANS, PLANS)
@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=50)
def test_plans_differ_exactly_when_their_digests_do(saved: Plan, other: Plan) -> None:
    now = dataclasses.replace(other, target=saved.target, options=saved.options)
    assert bool(plan_differences(saved, now)) == (digest(saved) != digest(now))
    assert plan_differences(saved, saved) == ()

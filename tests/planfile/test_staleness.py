"""Saved plan against the one made now: what differs has a name, and nothing else counts."""

from __future__ import annotations

import dataclasses

from hypothesis import HealthCheck, given, settings

from segctl.errors import Span
from segctl.model import Change, Create, Delete, Patch, Plan, Precondition, Segment, TargetRef
from segctl.planfile.staleness import account_differences, plan_differences
from segctl.planfile.to_json import digest
from tests.planfile.plans import PLANS

TARGET = TargetRef("production", "api.sendgrid.com")
ONE, TWO = Segment("A", "SELECT 1"), Segment("A", "SELECT 2", ("list",))
SPAN, PLACE = Span("a.yaml", 1, 7), Span("a.sql", 1, 1)
SEEN = Precondition("id-a", "then", "0" * 64)


def patch(before: Segment, after: Segment) -> Patch:
    return Patch(before, after, ("query_dsl",), SEEN, SPAN, query_span=PLACE)


def told(saved: list[Change], now: list[Change]) -> list[str]:
    found = plan_differences(Plan(TARGET, tuple(saved)), Plan(TARGET, tuple(now)))
    return [f"{one.span}: {one.summary}" for one in found]


def test_each_difference_is_named() -> None:
    create, delete = Create(ONE, SPAN), Delete(ONE, SEEN)
    assert told([create], []) == ["a.yaml:1:7: `A` would no longer be created"]
    assert told([], [create]) == ["a.yaml:1:7: `A` would now be created"]
    assert told([delete], [patch(ONE, TWO)]) == [
        "a.yaml:1:7: `A` would now be patched, not deleted"
    ]
    assert told([create], [Create(TWO, SPAN, query_span=PLACE)]) == [
        "a.sql:1:1: the query of `A` changed in the files",
        "a.yaml:1:7: the parent list of `A` changed in the files",
    ]
    assert told([patch(ONE, TWO)], [patch(TWO, TWO)]) == [
        "a.yaml:1:7: the query of `A` changed on the account",
        "a.yaml:1:7: the parent list of `A` changed on the account",
    ]


def test_a_swap_is_compared_step_by_step() -> None:
    aside = dataclasses.replace(ONE, name="aside")
    steps: list[Change] = [patch(ONE, aside), patch(aside, TWO)]
    assert told(steps, steps[:1]) == ["a.yaml:1:7: `A` would no longer be patched"]


def test_another_order_is_another_plan() -> None:
    first, second = Create(ONE, SPAN), Create(Segment("B", "SELECT 1"), SPAN)
    assert told([first, second], [second, first]) == [
        "None: the changes would be applied in another order"
    ]


def test_another_account_is_told_by_what_differs() -> None:
    found = account_differences(TARGET, TargetRef("eu", "api.eu.sendgrid.com", "shop"))
    assert [one.summary for one in found] == [
        "the plan was made for target `production`, but this is `eu`",
        "the plan was made for host `api.sendgrid.com`, but this is `api.eu.sendgrid.com`",
        "the plan was made for subuser `none`, but this is `shop`",
    ]
    assert account_differences(TARGET, TARGET) == ()


@given(PLANS, PLANS)
@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=50)
def test_plans_differ_exactly_when_their_digests_do(one: Plan, other: Plan) -> None:
    asked = dataclasses.replace(other, target=one.target, options=one.options)
    assert bool(plan_differences(one, asked)) == (digest(one) != digest(asked))
    assert plan_differences(one, one) == ()

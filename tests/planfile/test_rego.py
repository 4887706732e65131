"""The Rego policy of the documentation, over the JSON of plans, as another tool evaluates it."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from segctl.errors import Span
from segctl.model import Delete, Metadata, Plan, Precondition, Segment, TargetRef
from segctl.model.policies import JudgedPolicy, Level, Outcome, PolicyResult, RuleKind
from segctl.planfile.to_json import plan_to_json
from tests.house.pages import BLOCK
from tests.support.builders import ALL
from tests.support.process import REPOSITORY

regopy = pytest.importorskip("regopy")

PAGE = (REPOSITORY / "docs/policies.md").read_text("utf-8")
(POLICY,) = [block["text"] for block in BLOCK.finditer(PAGE) if block["kind"] == "rego"]


def denied(document: dict[str, Any]) -> list[str]:
    interpreter = regopy.Interpreter()
    interpreter.add_module("segctl", POLICY)
    interpreter.set_input(json.loads(json.dumps(document)))
    output = json.loads(str(interpreter.query("data.segctl.deny")))
    ((messages,),) = [result["expressions"] for result in [output]]
    return sorted(messages)


def delete(name: str, owner: str) -> Delete:
    segment, held = Segment(name, ALL), Precondition("id", None, "0" * 64)
    return Delete(segment, held, None, metadata=Metadata(owner=owner))


def excepted(exception: str | None) -> JudgedPolicy:
    result = PolicyResult(
        "consent", RuleKind.EVERYONE, "VIP", Level.MANDATORY, Outcome.REFUTED, "3 of 5 are not",
        Span("segments/vip.yaml", 1, 1), Span("policies.yaml", 2, 3), 3, exception,
    )  # fmt: skip
    totals = {Outcome.REFUTED: 1}
    place = Span("policies.yaml", 2, 3)
    return JudgedPolicy("consent", Level.MANDATORY, "", place, totals, 0, (result,))


PLAN = Plan(TargetRef("production", "api.sendgrid.com"))


@pytest.mark.parametrize(
    ("plan", "messages"),
    [
        (PLAN, []),
        (
            dataclasses.replace(PLAN, changes=(delete("A", ""), delete("B", "crm"))),
            ["A: a segment without an owner must not be deleted"],
        ),
        (
            dataclasses.replace(PLAN, policies=(excepted("a pilot"),)),
            ["VIP: excepted from consent: a pilot"],
        ),
        (dataclasses.replace(PLAN, policies=(excepted(None),)), []),
    ],
    ids=["nothing", "delete", "exception", "no exception"],
)
def test_the_policy_judges_the_json_of_a_plan(plan: Plan, messages: list[str]) -> None:
    assert denied(plan_to_json(plan, "2026-07-15T00:00:00Z")) == messages


def test_the_policy_refuses_another_format() -> None:
    document = {**plan_to_json(PLAN, "2026-07-15T00:00:00Z"), "format_version": "2.0"}
    assert denied(document) == ["this policy is for plans of format 1"]

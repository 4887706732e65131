"""Annotations: one line each, whatever is in them; ten of a type at the most, none lost."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segctl.errors import Diagnostic, Severity, Span
from segctl.model import Create, Plan, Segment, TargetRef
from segctl.model.report import Outcome, Report, Status
from segctl.render.as_diagnostics import plan_diagnostics, report_diagnostics
from segctl.render.context import RenderContext
from segctl.render.github import MOST, workflow_annotations
from tests.render import values
from tests.support.account import KEY

FRAME = RenderContext(project="marketing")
COMMAND = re.compile(r"::(error|warning|notice) ((?:\w+=[^,:]*)(?:,\w+=[^,:]*)*)::(.*)")


def finding(severity: Severity, number: int = 1) -> Diagnostic:
    return Diagnostic("a-code", severity, f"number {number}", Span("segments/a.yaml", number, 3))


def read(text: str) -> list[tuple[str, dict[str, str], str]]:
    """Read annotations as the runner does."""
    found = []
    for line in text.split("\n")[:-1]:
        match = COMMAND.fullmatch(line)
        assert match, line
        kind, properties, message = match.groups()
        pairs = (one.split("=", 1) for one in properties.split(","))
        found.append((kind, {key: unescape(value) for key, value in pairs}, unescape(message)))
    return found


def unescape(text: str) -> str:
    for code, char in (("%3A", ":"), ("%2C", ","), ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
        text = text.replace(code, char)
    return text


def test_a_finding_has_its_place_and_its_way_out() -> None:
    found = Diagnostic(
        "odd, code:", Severity.ERROR, "50% of: a, b", Span("segments/a,b.yaml", 7, 3), "do\nthat"
    )
    assert workflow_annotations([found], FRAME) == (
        "::error file=marketing/segments/a%2Cb.yaml,line=7,col=3,title=segctl%3A odd%2C code%3A::"
        "50%25 of: a, b%0Ado\\x0athat\n"
    )


def test_what_an_apply_could_not_do_is_shown_where_the_blame_is() -> None:
    change = Create(Segment("A", "SELECT 1"), Span("segments/a.yaml", 1, 7))
    query = Span("segments/a.sql", 3, 9)
    blamed = Outcome(change, Status.FAILED, message="SendGrid does not accept it", span=query)
    plain = Outcome(change, Status.FAILED, message="the server failed")
    found = report_diagnostics(Report((blamed, plain)))
    assert [one.span for one in found] == [query, change.span]


def test_a_finding_without_a_place_has_none() -> None:
    found = Diagnostic("c", Severity.INFO, "said")
    assert workflow_annotations([found], FRAME) == "::notice title=segctl%3A c::said\n"


def test_errors_come_first_and_the_sum_is_the_first_notice() -> None:
    found = [finding(severity) for severity in (Severity.INFO, Severity.WARNING, Severity.ERROR)]
    read_back = read(workflow_annotations(found, FRAME, "Plan: 1 to create."))
    assert [kind for kind, _, _ in read_back] == ["error", "warning", "notice", "notice"]
    assert read_back[2][2] == "Plan: 1 to create."


@pytest.mark.parametrize(("number", "said"), [(10, None), (11, 2), (250, 241)])
def test_the_last_of_too_many_says_how_many_are_left_out(number: int, said: int | None) -> None:
    found = [finding(Severity.WARNING, n) for n in range(1, number + 1)]
    messages = [message for _, _, message in read(workflow_annotations(found, FRAME))]
    assert len(messages) == MOST
    shown = [message for message in messages if message.startswith("number")]
    if said is None:
        assert len(shown) == number
    else:
        assert messages[-1].startswith(f"{said} more warnings")
        assert len(shown) + said == number


def test_who_is_reached_comes_before_remarks() -> None:
    plan = Plan(
        TargetRef("production", "api.sendgrid.com"),
        (Create(Segment("New", "SELECT 1"), Span("segments/new.yaml", 1, 7)),),
        diagnostics=tuple(finding(Severity.INFO, number) for number in range(1, 30)),
    )
    first, *_, last = read(workflow_annotations(plan_diagnostics(plan), FRAME))
    assert first[2].startswith("`New` would be created")
    assert last[2].startswith("21 more notices")


@given(values.plans, values.frames)
def test_no_text_makes_an_annotation_of_its_own(plan: Plan, context: RenderContext) -> None:
    findings = plan_diagnostics(plan)
    lines = workflow_annotations(findings, context).split("\n")[:-1]
    assert len(lines) == sum(
        min(MOST, sum(one.severity is severity for one in findings)) for severity in Severity
    )
    for line in lines:
        assert KEY not in line
        assert re.match(r"::(error|warning|notice) ", line)


@given(st.lists(values.diagnostics, max_size=3))
def test_what_is_read_is_what_was_written(found: list[Diagnostic]) -> None:
    kinds = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}
    read_back = read(workflow_annotations(found, FRAME))
    assert sorted(kind for kind, _, _ in read_back) == sorted(kinds[one.severity] for one in found)

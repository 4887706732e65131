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
from segctl.render.github import MAX_ANNOTATIONS, workflow_annotations
from tests.render import values
from tests.support.account import KEY

CONTEXT = RenderContext(project="marketing")
COMMAND = re.compile(r"::(error|warning|notice) ((?:\w+=[^,:]*)(?:,\w+=[^,:]*)*)::(.*)")


def diagnostic(severity: Severity, number: int = 1) -> Diagnostic:
    return Diagnostic("a-code", severity, f"number {number}", Span("segments/a.yaml", number, 3))


def read(text: str) -> list[tuple[str, dict[str, str], str]]:
    """Return annotations as the runner reads them."""
    annotations = []
    for line in text.split("\n")[:-1]:
        match = COMMAND.fullmatch(line)
        assert match, line
        kind, properties, message = match.groups()
        pairs = (pair.split("=", 1) for pair in properties.split(","))
        annotations.append(
            (kind, {key: unescape(value) for key, value in pairs}, unescape(message))
        )
    return annotations


def unescape(text: str) -> str:
    for code, char in (("%3A", ":"), ("%2C", ","), ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
        text = text.replace(code, char)
    return text


def test_a_diagnostic_has_its_place_and_hint() -> None:
    error = Diagnostic(
        "odd, code:", Severity.ERROR, "50% of: a, b", Span("segments/a,b.yaml", 7, 3), "do\nthat"
    )
    assert workflow_annotations([error], CONTEXT) == (
        "::error file=marketing/segments/a%2Cb.yaml,line=7,col=3,title=segctl%3A odd%2C code%3A::"
        "50%25 of: a, b%0Ado\\x0athat\n"
    )


def test_a_failed_action_is_shown_at_its_cause() -> None:
    change = Create(Segment("A", "SELECT 1"), Span("segments/a.yaml", 1, 7))
    query = Span("segments/a.sql", 3, 9)
    blamed = Outcome(change, Status.FAILED, message="SendGrid does not accept it", span=query)
    plain = Outcome(change, Status.FAILED, message="the server failed")
    diagnostics = report_diagnostics(Report((blamed, plain)))
    assert [each.span for each in diagnostics] == [query, change.span]


def test_a_diagnostic_without_a_place_has_none() -> None:
    info = Diagnostic("c", Severity.INFO, "said")
    assert workflow_annotations([info], CONTEXT) == "::notice title=segctl%3A c::said\n"


def test_errors_come_first_and_the_summary_is_the_first_notice() -> None:
    diagnostics = [
        diagnostic(severity) for severity in (Severity.INFO, Severity.WARNING, Severity.ERROR)
    ]
    read_back = read(workflow_annotations(diagnostics, CONTEXT, "Plan: 1 to create."))
    assert [kind for kind, _, _ in read_back] == ["error", "warning", "notice", "notice"]
    assert read_back[2][2] == "Plan: 1 to create."


@pytest.mark.parametrize(("number", "left_out"), [(10, None), (11, 2), (250, 241)])
def test_the_last_annotation_says_how_many_are_left_out(number: int, left_out: int | None) -> None:
    diagnostics = [diagnostic(Severity.WARNING, n) for n in range(1, number + 1)]
    messages = [message for _, _, message in read(workflow_annotations(diagnostics, CONTEXT))]
    assert len(messages) == MAX_ANNOTATIONS
    shown = [message for message in messages if message.startswith("number")]
    if left_out is None:
        assert len(shown) == number
    else:
        assert messages[-1].startswith(f"{left_out} more warnings")
        assert len(shown) + left_out == number


def test_changes_come_before_notes() -> None:
    plan = Plan(
        TargetRef("production", "api.sendgrid.com"),
        (Create(Segment("New", "SELECT 1"), Span("segments/new.yaml", 1, 7)),),
        diagnostics=tuple(diagnostic(Severity.INFO, number) for number in range(1, 30)),
    )
    first, *_, last = read(workflow_annotations(plan_diagnostics(plan), CONTEXT))
    assert first[2].startswith("`New` would be created")
    assert last[2].startswith("21 more notices")


@given(values.plans, values.frames)
def test_no_text_makes_an_annotation(plan: Plan, context: RenderContext) -> None:
    diagnostics = plan_diagnostics(plan)
    lines = workflow_annotations(diagnostics, context).split("\n")[:-1]
    assert len(lines) == sum(
        min(MAX_ANNOTATIONS, sum(found.severity is severity for found in diagnostics))
        for severity in Severity
    )
    for line in lines:
        assert KEY not in line
        assert re.match(r"::(error|warning|notice) ", line)


@given(st.lists(values.diagnostics, max_size=3))
def test_annotations_can_be_read_back(diagnostics: list[Diagnostic]) -> None:
    kinds = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}
    read_back = read(workflow_annotations(diagnostics, CONTEXT))
    assert sorted(kind for kind, _, _ in read_back) == sorted(
        kinds[each.severity] for each in diagnostics
    )

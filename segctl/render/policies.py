"""The results of policies as text, as diagnostics and as JUnit XML. Judges nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.errors import Diagnostic, Severity
from segctl.model.policies import Level, Outcome
from segctl.render.terminal import Style, clean, count

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from segctl.model.policies import JudgedPolicy, PolicyResult

_INDENT = 12


def totals_phrase(policies: Sequence[JudgedPolicy]) -> str:
    """Return the number of results by outcome: "12 proven, 3 hold, 1 refuted"."""
    excepted = sum(policy.excepted for policy in policies)
    numbers = {
        outcome: sum(policy.totals.get(outcome, 0) for policy in policies) for outcome in Outcome
    }
    words = {
        **{outcome: outcome.value for outcome in Outcome},
        Outcome.HOLDS: "holds" if numbers[Outcome.HOLDS] == 1 else "hold",
    }
    parts = [f"{number:,} {words[outcome]}" for outcome, number in numbers.items() if number]
    phrase = ", ".join(parts) or "nothing to judge"
    return f"{phrase} ({excepted:,} excepted)" if excepted else phrase


def policies_line(policies: Sequence[JudgedPolicy]) -> str:
    """Return one sentence on all policies; empty without any."""
    if not policies:
        return ""
    noun = "1 policy" if len(policies) == 1 else f"{len(policies):,} policies"
    return f"{noun}: {totals_phrase(policies)}."


def policies_text(
    policies: Sequence[JudgedPolicy], style: Style, segments: int, *, quiet: bool = False
) -> str:
    """Return all results by policy; `quiet` omits those that are fulfilled."""
    blocks = []
    for policy in policies:
        lines = [
            _result(result, style)
            for result in policy.results
            if not (quiet and result.is_fulfilled)
        ]
        if quiet and not lines:
            continue
        why = f"  {clean(policy.why)}" if policy.why else ""
        place = style.dim(f"{policy.level}  {clean(str(policy.span))}{why}")
        totals = "" if lines else f"  {totals_phrase([policy])}\n"
        blocks.append(f"{style.bold(policy.name)}  {place}\n{''.join(lines)}{totals}")
    closing = style.bold(f"{policies_line(policies)} {count(segments, 'segment')} judged.")
    return "\n".join([*blocks, f"{closing}\n"])


def _result(result: PolicyResult, style: Style) -> str:
    paint = style.red
    if result.is_fulfilled:
        paint = style.green
    elif result.exception is not None or result.level is Level.ADVISORY:
        paint = style.yellow
    text = clean(result.sentence)
    if result.exception is not None:
        text += f"; excepted: {clean(result.exception)}"
    head = f"  {paint(f'{result.outcome.value:<8}')}  {style.bold(clean(result.segment))}: {text}\n"
    if result.is_fulfilled:
        return head
    places = f"{clean(str(result.source))}, {result.rule} at {clean(str(result.policy_source))}"
    return f"{head}{' ' * _INDENT}{style.dim(places)}\n"


def policy_diagnostics(policies: Sequence[JudgedPolicy]) -> Iterator[Diagnostic]:
    """Yield the totals of each policy at its place, for formats that show only diagnostics."""
    for policy in policies:
        summary = f"the policy `{policy.name}` ({policy.level}): {totals_phrase([policy])}"
        yield Diagnostic("policy-result", Severity.INFO, summary, policy.span, policy.why)


def policies_junit(policies: Sequence[JudgedPolicy], problems: Sequence[Diagnostic]) -> str:
    """Return a suite for each policy with a case for each result; `problems` are of no result.

    An advisory policy does not fail, and neither does an exception: both are in the output.
    """
    from xml.etree.ElementTree import (  # noqa: PLC0415 - for this format alone
        Element,
        SubElement,
        indent,
        tostring,
    )

    suites = Element("testsuites", name="segctl policy")
    for policy in policies:
        failing = [result for result in policy.results if _fails(result)]
        suite = SubElement(
            suites,
            "testsuite",
            name=policy.name,
            tests=str(len(policy.results)),
            failures=str(len(failing)),
            errors="0",
        )
        for result in policy.results:
            case = SubElement(
                suite,
                "testcase",
                name=f"{clean(result.segment)}: {result.rule}",
                classname=policy.name,
                file=clean(result.source.file),
                line=str(result.source.line),
            )
            text = f"{result.outcome}: {clean(result.sentence)}"
            if _fails(result):
                failure = SubElement(case, "failure", message=text)
                failure.text = f"{clean(str(result.source))}, policy at {result.policy_source}"
            else:
                if result.exception is not None:
                    text += f"; excepted: {clean(result.exception)}"
                SubElement(case, "system-out").text = text
    if problems:
        suite = SubElement(
            suites,
            "testsuite",
            name="segctl",
            tests=str(len(problems)),
            failures="0",
            errors=str(len(problems)),
        )
        for problem in problems:
            file = clean(problem.span.file) if problem.span else "segctl"
            case = SubElement(suite, "testcase", name=problem.code, classname=file)
            SubElement(case, "error", message=clean(problem.summary)).text = clean(problem.hint)
    indent(suites)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{tostring(suites, encoding="unicode")}\n'


def _fails(result: PolicyResult) -> bool:
    is_refusing = result.level is not Level.ADVISORY and result.exception is None
    return is_refusing and not result.is_fulfilled

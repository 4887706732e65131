"""Results of segment tests as text. Does not run the tests."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from segctl.audience.cases import CONTACT_ID
from segctl.errors import Diagnostic, Severity
from segctl.render.lists import lists_in_text
from segctl.render.terminal import Style, clean, count

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from segctl.audience.cases import CaseResult
    from segctl.model.contact_fields import ListNames


def cases_text(
    results: Sequence[CaseResult],
    style: Style,
    *,
    lists: ListNames | None = None,
    quiet: bool = False,
) -> str:
    """Return all tests by segment, failed ones with the reason; `quiet` omits those that passed.

    `lists` are the known names of contact lists.
    """
    blocks: dict[tuple[str, str], list[str]] = {}
    for result in results:
        if not (quiet and result.passed):
            key = (result.segment, result.file)
            blocks.setdefault(key, []).append(_result(result, style, lists))
    text = "".join(
        f"{style.bold(clean(name))}  {style.dim(clean(file))}\n{''.join(lines)}\n"
        for (name, file), lines in blocks.items()
    )
    return f"{text}{style.bold(cases_summary(results))}\n"


def cases_summary(results: Sequence[CaseResult]) -> str:
    """Return the numbers of tests: "5 tests: 4 passed, 1 failed."."""
    failed = sum(not result.passed for result in results)
    passed = len(results) - failed
    return f"{count(len(results), 'test')}: {passed} passed, {failed} failed."


def _result(result: CaseResult, style: Style, lists: ListNames | None) -> str:
    name = clean(result.case.name)
    if result.passed:
        return f"  {style.green('pass')}  {name}\n"
    head = f"  {style.red('FAIL')}  {name}  {style.dim(clean(str(result.case.span)))}"
    return (
        "\n".join([head, *(f"        {line}" for line in describe_failure(result, lists))]) + "\n"
    )


def describe_failure(result: CaseResult, lists: ListNames | None = None) -> list[str]:
    """Return the lines that explain a failure; addresses that may be real are masked.

    A last line names the lists that the others mention, as far as `lists` does.
    """
    from segctl.declarations.lint_rules import (  # noqa: PLC0415 - only of a failure
        mask_real_addresses,
    )

    lines = [result.problem] if result.problem else [describe_mismatch(result)]
    lines.append(f"contact: {format_row(result.case.contact)}")
    lines += [f"event: {format_row(event)}" for event in result.case.events]
    lines += [f"{reason.truth}: {reason.condition}  ({reason.span})" for reason in result.reasons]
    named = lists_in_text(lines, lists or {})
    lines += [f"lists: {named}"] if named else []
    return [clean(mask_real_addresses(line)) for line in lines]


def case_diagnostics(results: Iterable[CaseResult]) -> list[Diagnostic]:
    """Return a diagnostic for each test that did not pass, without the contact."""
    return [
        Diagnostic(
            "test-failed",
            Severity.ERROR,
            f"`{result.segment}`: {result.case.name}: "
            f"{result.problem or describe_mismatch(result)}",
            result.case.span,
            hint="; ".join(f"{reason.truth}: {reason.condition}" for reason in result.reasons),
        )
        for result in results
        if not result.passed
    ]


def describe_mismatch(result: CaseResult) -> str:
    """Return what was expected, and what the result is."""
    return "expected in, got out" if result.case.expected else "expected out, got in"


def format_row(row: Mapping[str, Any]) -> str:
    """Return a contact or an event on one line, without an id that the test does not set."""
    return ", ".join(_pairs(row)) or "no values"


def _pairs(row: Mapping[str, Any]) -> Iterable[str]:
    for key, value in row.items():
        if key != "contact_id" or value != CONTACT_ID:
            yield f"{key}: {_format_value(value)}"


def _format_value(value: Any) -> str:
    match value:
        case None:
            return "NULL"
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case Decimal():
            return f"{value:f}"
        case str():
            return repr(value) if not value or value != value.strip() else value
        case _:
            return json.dumps(value, ensure_ascii=False)

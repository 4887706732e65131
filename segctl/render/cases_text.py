"""What the tests of segments showed, as text."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from segctl.audience.cases import CONTACT_ID
from segctl.errors import Diagnostic, Severity
from segctl.render.terminal import Style, clean, count

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from segctl.audience.cases import CaseResult


def cases_text(results: Sequence[CaseResult], style: Style, *, quiet: bool = False) -> str:
    """Give every test by segment, failed ones with the reason; `quiet` leaves out the others."""
    blocks: dict[tuple[str, str], list[str]] = {}
    for one in results:
        if not (quiet and one.passed):
            blocks.setdefault((one.segment, one.file), []).append(_one(one, style))
    text = "".join(
        f"{style.bold(clean(name))}  {style.dim(clean(file))}\n{''.join(lines)}\n"
        for (name, file), lines in blocks.items()
    )
    return f"{text}{style.bold(summary(results))}\n"


def summary(results: Sequence[CaseResult]) -> str:
    """Count: "5 tests: 4 passed, 1 failed."."""
    failed = sum(not one.passed for one in results)
    passed = len(results) - failed
    return f"{count(len(results), 'test')}: {passed} passed, {failed} failed."


def _one(one: CaseResult, style: Style) -> str:
    name = clean(one.case.name)
    if one.passed:
        return f"  {style.green('pass')}  {name}\n"
    lines = [f"  {style.red('FAIL')}  {name}  {style.dim(clean(str(one.case.span)))}"]
    return "\n".join([*lines, *(f"        {line}" for line in details(one))]) + "\n"


def details(one: CaseResult) -> list[str]:
    """Say why a test failed, line by line; an address that may be somebody's is not shown."""
    from segctl.declarations.lint_rules import mask_real_addresses  # noqa: PLC0415 - only of a failure

    lines = [one.problem] if one.problem else [outcome(one)]
    lines.append(f"contact: {shown(one.case.contact)}")
    lines += [f"event: {shown(event)}" for event in one.case.events]
    lines += [f"{reason.truth}: {reason.condition}  ({reason.span})" for reason in one.reasons]
    return [clean(mask_real_addresses(line)) for line in lines]


def case_diagnostics(results: Iterable[CaseResult]) -> list[Diagnostic]:
    """Give each test that did not pass as a finding at its place, less the contact."""
    return [
        Diagnostic(
            "test-failed",
            Severity.ERROR,
            f"`{one.segment}`: {one.case.name}: {one.problem or outcome(one)}",
            one.case.span,
            hint="; ".join(f"{reason.truth}: {reason.condition}" for reason in one.reasons),
        )
        for one in results
        if not one.passed
    ]


def outcome(one: CaseResult) -> str:
    """Say what was expected and what came."""
    return "expected in, and is out" if one.case.expected else "expected out, and is in"


def shown(row: Mapping[str, Any]) -> str:
    """Write a contact or an event on one line, less the id that nobody gave it."""
    return ", ".join(_pairs(row)) or "nothing is set"


def _pairs(row: Mapping[str, Any]) -> Iterable[str]:
    for key, value in row.items():
        if key != "contact_id" or value != CONTACT_ID:
            yield f"{key}: {_value(value)}"


def _value(value: Any) -> str:
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

"""The run of a segment's tests: who is in, who is out, and which condition decided.

Takes the contacts from `audience.cases` and evaluates conditions with an `Engine`. Leaves the
wording to `render`.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from segctl.audience.cases import CaseResult, Reason
from segctl.audience.duckdb_engine import EvaluationFailed
from segctl.documents.document import excerpt_lines
from segctl.errors import Diagnostic, Severity, Span
from segctl.query.personal_data import mask_email_addresses

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from segctl.audience.cases import Case
    from segctl.audience.duckdb_engine import Engine
    from segctl.audience.to_duckdb import Audience, Condition
    from segctl.declarations.query_source import QuerySource
    from segctl.model import Declared
    from segctl.query.parser.errors import Problem
    from segctl.query.value_types import SqlBool

_SQL_BOOLS = {True: "true", False: "false", None: "NULL"}
_MAX_CONDITION = 200
"""Characters of a condition that a reason quotes."""


def run_cases(
    declared: Declared,
    source: QuerySource,
    audience: Audience,
    cases: Iterable[Case],
    *,
    engine: Engine,
    now: datetime,
) -> list[CaseResult]:
    """Run the tests of one segment; `now` is for tests that set no time of their own."""
    return [_run_case(declared, source, audience, case, engine=engine, now=now) for case in cases]


def _run_case(
    declared: Declared,
    source: QuerySource,
    audience: Audience,
    case: Case,
    *,
    engine: Engine,
    now: datetime,
) -> CaseResult:
    root, time = audience.condition, case.now or now
    try:
        engine.fill([case.contact], case.events)
        values = _evaluate(engine, [root], time)
    except EvaluationFailed as error:
        return CaseResult(declared.name, declared.source, case, None, problem=error.message)
    actual = values[root.sql] is True
    if actual is case.expected:
        return CaseResult(declared.name, declared.source, case, actual)
    deciding: Iterable[Condition] = (root,)
    # Alone, a condition may use events that the others rule out, and fail on them.
    with suppress(EvaluationFailed):
        values = _evaluate(engine, root.walk(), time)
        deciding = _find_deciding(root, values, value=True, holds=actual)
    reasons = tuple(
        _reason(condition, values[condition.sql], declared, source) for condition in deciding
    )
    return CaseResult(declared.name, declared.source, case, actual, reasons)


def _evaluate(engine: Engine, conditions: Iterable[Condition], now: datetime) -> dict[str, SqlBool]:
    """Return the values of conditions, by their SQL, for the one contact in the engine."""
    sqls = [*dict.fromkeys(condition.sql for condition in conditions)]
    (row,) = engine.evaluate(sqls, now).values()
    return dict(zip(sqls, row, strict=True))


def _find_deciding(
    condition: Condition, values: Mapping[str, SqlBool], *, value: bool, holds: bool
) -> Iterator[Condition]:
    """Yield the smallest conditions that make a condition `value`, or keep it from being so.

    For a NOT, the condition inside decides, by its opposite; both are yielded. Where each condition
    on the events of a join is met, but no single event meets all of them, the join is yielded.
    """
    operands = condition.operands
    if condition.operator == "ROW":
        join, operands = condition.operands[0], condition.operands[1:]
        if values[join.sql] is not True or not operands:
            yield join
            return
    if condition.operator == "NOT":
        yield condition
        value = not value
    deciding = [operand for operand in operands if (values[operand.sql] is value) is holds]
    if not deciding:
        yield condition
    for operand in deciding:
        yield from _find_deciding(operand, values, value=value, holds=holds)


def _reason(
    condition: Condition, value: SqlBool, declared: Declared, source: QuerySource
) -> Reason:
    if condition.start < 0:
        span = declared.parent_span or declared.span
        ids = ", ".join(declared.segment.parent_list_ids)
        return Reason(f"on the parent list {ids}", _SQL_BOOLS[value], span)
    span = query_span(source, condition.start, condition.end)
    if condition.operator == "ROW":
        conditions = [
            f"({_excerpt(operand, declared)})"
            if operand.operator == "OR"
            else _excerpt(operand, declared)
            for operand in condition.operands[1:]
        ]
        text = " AND ".join(conditions)
        return Reason(f"all on one event: {text}", _SQL_BOOLS[value], span)
    return Reason(_excerpt(condition, declared), _SQL_BOOLS[value], span)


def _excerpt(condition: Condition, declared: Declared) -> str:
    text = " ".join(declared.segment.query[condition.start : condition.end].split())
    return text if len(text) <= _MAX_CONDITION else f"{text[: _MAX_CONDITION - 1]}…"


def query_span(source: QuerySource, start: int, end: int) -> Span:
    """Return the place of a range of a query in its file."""
    first, last = source.range(start, end)
    return Span(source.file, *source.place(first), *source.place(last))


def translation_diagnostics(
    problems: Iterable[Problem], source: QuerySource, what: str = "its tests cannot run"
) -> list[Diagnostic]:
    """Return why something (`what`) is impossible with a query, without personal data."""
    lines = excerpt_lines(source.text)
    diagnostics = []
    for problem in problems:
        span = query_span(source, problem.start, problem.end)
        line = lines[span.line - 1] if span.line <= len(lines) else ""
        diagnostics.append(
            Diagnostic(
                problem.code,
                Severity.ERROR,
                f"{what}: {mask_email_addresses(problem.message)}",
                span,
                mask_email_addresses(problem.hint),
                line,
            )
        )
    return diagnostics

"""Tries the tests of a segment: who is in, who is out, and which condition decided.

Owns the run and the search for the reason; the contacts come from `audience.cases`, the truth from
`engine`. Knows no words for people: `render` has them.
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
    from segctl.audience.duckdb_engine import Engine, SqlBool
    from segctl.audience.to_duckdb import Audience, Condition
    from segctl.declarations.query_source import QuerySource
    from segctl.model import Declared
    from segctl.query.parser.errors import Problem

_WORDS = {True: "true", False: "false", None: "NULL"}
_LONGEST = 200


def run_cases(
    declared: Declared,
    source: QuerySource,
    audience: Audience,
    cases: Iterable[Case],
    *,
    engine: Engine,
    now: datetime,
) -> list[CaseResult]:
    """Try the tests of one segment; `now` is for those that do not say when they are."""
    return [_try(declared, source, audience, case, engine=engine, now=now) for case in cases]


def _try(
    declared: Declared,
    source: QuerySource,
    audience: Audience,
    case: Case,
    *,
    engine: Engine,
    now: datetime,
) -> CaseResult:
    whole, moment = audience.condition, case.now or now
    try:
        engine.fill([case.contact], case.events)
        truths = _evaluate(engine, [whole], moment)
    except EvaluationFailed as error:
        return CaseResult(declared.name, declared.file, case, None, problem=error.message)
    actual = truths[whole.sql] is True
    if actual is case.expected:
        return CaseResult(declared.name, declared.file, case, actual)
    decided: Iterable[Condition] = (whole,)
    # By itself, a part may look into events that the others rule out, and fail on them.
    with suppress(EvaluationFailed):
        truths = _evaluate(engine, whole.walk(), moment)
        decided = _deciding(whole, truths, value=True, holds=actual)
    reasons = tuple(_reason(part, truths[part.sql], declared, source) for part in decided)
    return CaseResult(declared.name, declared.file, case, actual, reasons)


def _evaluate(engine: Engine, parts: Iterable[Condition], now: datetime) -> dict[str, SqlBool]:
    """Give the truth of parts for the one contact that the engine holds."""
    conditions = [*dict.fromkeys(part.sql for part in parts)]
    (row,) = engine.evaluate(conditions, now).values()
    return dict(zip(conditions, row, strict=True))


def _deciding(
    part: Condition, truths: Mapping[str, SqlBool], *, value: bool, holds: bool
) -> Iterator[Condition]:
    """Yield the smallest conditions that make a part `value`, or keep it from being so.

    Of a NOT it is the condition inside that decides, by the opposite; both are told. Where each
    condition on the events of a join is met, but by no single event all of them, they are told as
    one.
    """
    inside = part.parts
    if part.joiner == "ROW":
        join, inside = part.parts[0], part.parts[1:]
        if truths[join.sql] is not True or not inside:
            yield join
            return
    if part.joiner == "NOT":
        yield part
        value = not value
    guilty = [inner for inner in inside if (truths[inner.sql] is value) is holds]
    if not guilty:
        yield part
    for inner in guilty:
        yield from _deciding(inner, truths, value=value, holds=holds)


def _reason(part: Condition, truth: SqlBool, declared: Declared, source: QuerySource) -> Reason:
    if part.start < 0:
        span = declared.parent_span or declared.span
        ids = ", ".join(declared.segment.parent_list_ids)
        return Reason(f"on the parent list {ids}", _WORDS[truth], span)
    span = query_span(source, part.start, part.end)
    if part.joiner == "ROW":
        conditions = [
            f"({_written(inner, declared)})" if inner.joiner == "OR" else _written(inner, declared)
            for inner in part.parts[1:]
        ]
        every = " AND ".join(conditions)
        return Reason(f"one and the same event: {every}", _WORDS[truth], span)
    return Reason(_written(part, declared), _WORDS[truth], span)


def _written(part: Condition, declared: Declared) -> str:
    written = " ".join(declared.segment.query[part.start : part.end].split())
    return written if len(written) <= _LONGEST else f"{written[: _LONGEST - 1]}…"


def query_span(source: QuerySource, start: int, end: int) -> Span:
    """Give the place of a range of a query in its file."""
    first, last = source.range(start, end)
    return Span(source.file, *source.place(first), *source.place(last))


def translation_diagnostics(
    problems: Iterable[Problem], source: QuerySource, what: str = "its tests cannot be tried"
) -> list[Diagnostic]:
    """Say why something cannot be done with a query; nothing personal is shown."""
    lines = excerpt_lines(source.text)
    found = []
    for problem in problems:
        span = query_span(source, problem.start, problem.end)
        line = lines[span.line - 1] if span.line <= len(lines) else ""
        found.append(
            Diagnostic(
                problem.code,
                Severity.ERROR,
                f"{what}: {mask_email_addresses(problem.message)}",
                span,
                mask_email_addresses(problem.hint),
                line,
            )
        )
    return found

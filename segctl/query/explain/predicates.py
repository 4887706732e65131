"""One condition as a statement: `country = 'US'` is "whose country is US".

Returns no statement for a condition without words; `conditions` quotes it. If a condition excludes
contacts without a value (`!=`, NOT IN, NOT LIKE), the statement says so. `patterns` reads LIKE and
the conditions that are calls.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from segctl.query import ast
from segctl.query.comparison_operators import FLIPPED, INVERSE
from segctl.query.explain.comparisons import (
    compare_terms,
    compare_with_literal,
    point_or_text,
)
from segctl.query.explain.folding import fold_case
from segctl.query.explain.operands import read_term
from segctl.query.explain.patterns import read_call, read_like
from segctl.query.explain.phrases import counted, join_with
from segctl.query.explain.ranges import exact_time, outside_range, time_range, whole_day
from segctl.query.explain.statements import (
    FieldStatement,
    Statement,
    group_statements,
    number_range,
)
from segctl.query.explain.times import TimeBound, TimePoint
from segctl.query.explain.values import number_text, string_values
from segctl.query.parser.tokens import lower, upper
from segctl.query.value_types import ValueType
from segctl.query.visit import walk

if TYPE_CHECKING:
    from segctl.query.explain.scope import ExplainScope
    from segctl.query.explain.terms import Term


def read_predicate(  # noqa: PLR0911 - one return per shape
    scope: ExplainScope, node: ast.Expression, *, negated: bool
) -> Statement | None:
    """Return the statement of one condition, or of its negation; `None` if it has no words."""
    match node:
        case ast.Comparison():
            return _read_comparison(scope, node, negated=negated)
        case ast.In(items=tuple(items), operand=operand, negated=is_negated):
            return _read_in_list(scope, operand, items, negated=is_negated != negated)
        case ast.IsNull(operand=operand, negated=is_negated):
            return read_is_set(scope, operand, is_unset=is_negated == negated)
        case ast.Like():
            return read_like(scope, node, negated=negated)
        case ast.Between():
            return _read_between(scope, node, negated=negated)
        case ast.Call(name=ast.Name(text=name, quoted=False), args=(left, right)) if (
            lower(name) == "equal_null"
        ):
            comparison = ast.Comparison(
                start=node.start, end=node.end, left=left, op="IS NOT DISTINCT FROM", right=right
            )
            return _read_comparison(scope, comparison, negated=negated)
        case ast.Call():
            return read_call(scope, node, negated=negated)
        case _:
            return None


def read_is_set(
    scope: ExplainScope, operand: ast.Expression, *, is_unset: bool
) -> FieldStatement | None:
    """Return the statement that a value is set, or is not."""
    term = _subject(scope, operand)
    if term is None:
        return None
    return FieldStatement(term, f"{term.be}{' not' if is_unset else ''} set", is_unset=is_unset)


def read_truth(
    scope: ExplainScope, column: ast.Column, *, value: bool, or_unset: bool
) -> FieldStatement | None:
    """Return the statement that a field is `value`, or, if `or_unset`, not set."""
    term = _subject(scope, column)
    if term is None:
        return None
    words = f"{lower(str(value))}{' or not set' if or_unset else ''}"
    return FieldStatement(term, f"{term.be} {words}")


def _subject(scope: ExplainScope, node: ast.Expression) -> Term | None:
    """Return what a statement can be about: a value that differs between contacts or events."""
    return read_term(scope, node) if _uses_column(node) else None


def _uses_column(node: ast.Expression) -> bool:
    return any(isinstance(part, ast.Column) for part in walk(node))


def _read_comparison(
    scope: ExplainScope, node: ast.Comparison, *, negated: bool
) -> Statement | None:
    left, right, op = node.left, node.right, str(node.op)
    if not _uses_column(left):
        left, right, op = right, left, FLIPPED.get(op, op)
    op, case = INVERSE[op] if negated else op, ""
    if isinstance(right, ast.Null):
        is_unset = op == "IS NOT DISTINCT FROM"
        return read_is_set(scope, left, is_unset=is_unset) if op.startswith("IS") else None
    multiple = _read_multiple(scope, left, op, right)
    if multiple:
        return multiple
    if op not in FLIPPED:
        left, (right,), case = fold_case(left, (right,))
    term, other = _subject(scope, left), read_term(scope, right)
    if term is None or (case and not term.may_be_text):
        return None
    if other and other.pronoun == "the" and term.pronoun != "the":
        return compare_terms(other, FLIPPED.get(op, op), term)  # what the condition is about first
    with_literal = compare_with_literal(term, op, right, case)
    return with_literal or (compare_terms(term, op, other) if other else None)


def _read_multiple(
    scope: ExplainScope, left: ast.Expression, op: str, right: ast.Expression
) -> FieldStatement | None:
    """Return the statement of `n % 10 = 0`: a multiple of 10."""
    match left:
        case ast.Binary(op="%", left=dividend, right=ast.Number(text=divisor)):
            pass
        case ast.Call(name=name, args=(dividend, ast.Number(text=divisor))) if (
            upper(name.text) == "MOD"
        ):
            pass
        case _:
            return None
    match right:
        case ast.Number(text="0") if op in ("=", "!=") and divisor.strip("0."):
            term = _subject(scope, dividend)
            if term is None or term.type not in (ValueType.NUMBER, None):
                return None
            predicate = f"{term.be} {'not ' if op == '!=' else ''}a multiple of {divisor}"
            return FieldStatement(term, predicate, excludes_unset=op == "!=")
        case _:
            return None


def _read_in_list(
    scope: ExplainScope,
    operand: ast.Expression,
    items: tuple[ast.Expression, ...],
    *,
    negated: bool,
) -> Statement | None:
    if not negated:  # NULL is equal to nothing, and makes NOT IN unknown
        items = tuple(item for item in items if not isinstance(item, ast.Null))
    operand, items, case = fold_case(operand, items)
    term = _subject(scope, operand)
    if term is None or not items or (case and not term.may_be_text):
        return None
    values = [point_or_text(term, item) for item in items]
    texts = [
        exact_time(value) if not isinstance(value, str) else value for value in values if value
    ]
    mixed = term.type is ValueType.TEXT and any(number_text(item) for item in items)
    if len(texts) < len(values) or mixed:
        return None
    distinct = list(dict.fromkeys(texts))
    if any(text.startswith("“") for text in distinct) and len(string_values(items)) == len(texts):
        distinct = [f"“{text}”" if _is_word(text) else text for text in distinct]
    return FieldStatement(
        term, f"{term.be} {_one_of(distinct, negated=negated)}{case}", excludes_unset=negated
    )


def _is_word(text: str) -> bool:
    """Return whether a text of a list is a value without quotation marks, and not a time."""
    return not text.startswith(("“", "exactly "))


def _one_of(values: list[str], *, negated: bool) -> str:
    if len(values) == 1:
        return f"{'not ' if negated else ''}{values[0]}"
    if len(values) == 2:  # noqa: PLR2004
        return f"neither {' nor '.join(values)}" if negated else " or ".join(values)
    return f"{'not ' if negated else ''}one of {counted(values)}{join_with(values)}"


def _read_between(scope: ExplainScope, node: ast.Between, *, negated: bool) -> Statement | None:
    term, is_negated = _subject(scope, node.operand), node.negated != negated
    if term is None:
        return None
    low, high = point_or_text(term, node.low), point_or_text(term, node.high)
    statement = None
    match low, high:
        case str(), str() if term.type is ValueType.TEXT and not number_text(node.low):
            where = f"before {low} or after {high}" if is_negated else f"from {low} to {high}"
            statement = FieldStatement(term, f"{term.verb('sort', negated=False)} {where}")
        case str(), str():
            words = number_range(low, high)
            predicate = f"{term.be} {'not ' if is_negated else ''}{words}"
            statement = FieldStatement(term, predicate, excludes_unset=is_negated)
            statement = statement if words and term.type is not ValueType.TEXT else None
        case (None | str(), _) | (_, None | str()):
            pass
        case start, end:
            statement = _time_between(term, start, end, negated=is_negated)
    return statement or _two_comparisons(scope, node, negated=is_negated)


def _time_between(
    term: Term, start: TimePoint, end: TimePoint, *, negated: bool
) -> FieldStatement | None:
    first, last = whole_day(start), whole_day(end)
    if term.day and first and last:
        days = replace(term, text=term.day)
        return None if negated else FieldStatement(days, f"is from {first} to {last}")
    if negated:
        words = outside_range(start, end, past=term.past)
    else:
        low, high = TimeBound(start, inclusive=True), TimeBound(end, inclusive=True)
        words = time_range(low, high, past=term.past)
    return FieldStatement(term, f"{term.be} {words}", is_time=True)


def _two_comparisons(scope: ExplainScope, node: ast.Between, *, negated: bool) -> Statement | None:
    """Return a BETWEEN as what it stands for: at least the one, and at most the other."""
    parts: list[Statement] = []
    for op, bound in ((">=", node.low), ("<=", node.high)):
        comparison = ast.Comparison(
            start=node.start, end=node.end, left=node.operand, op=op, right=bound  # type: ignore[arg-type]
        )  # fmt: skip
        part = _read_comparison(scope, comparison, negated=negated)
        if part is None:
            return None
        parts.append(part)
    return group_statements(every=not negated, parts=parts)

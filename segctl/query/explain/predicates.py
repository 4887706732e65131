"""One condition on a contact's field as a statement: `country = 'US'` is "whose country is US".

Returns no statement for a condition without words; `conditions` quotes it. If a condition excludes
contacts without a value (`!=`, NOT IN, NOT LIKE), the statement says so.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from segctl.query import ast
from segctl.query.explain.events import FLIPPED, read_time_bounds
from segctl.query.explain.phrases import (
    join_with,
    literal_text,
    number_text,
    plain_text,
    string_value,
    value_text,
)
from segctl.query.explain.statements import (
    FieldStatement,
    Statement,
    VerbStatement,
    be_form,
    conjugate,
    list_membership,
)
from segctl.query.explain.times import TimeBound, TimePoint, exact_time, read_time, time_range
from segctl.query.parser.tokens import lower, upper

if TYPE_CHECKING:
    from collections.abc import Mapping

    from segctl.query.explain.scope import ExplainScope

_NEGATED = {"=": "!=", "!=": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">",
            "IS DISTINCT FROM": "IS NOT DISTINCT FROM",
            "IS NOT DISTINCT FROM": "IS DISTINCT FROM"}  # fmt: skip
_BOUND_WORDS = {"<": "less than", "<=": "at most", ">": "more than", ">=": "at least"}
_ORDER_WORDS = {
    "<": "less than", "<=": "less than or equal to",
    ">": "greater than", ">=": "greater than or equal to",
}  # fmt: skip
_NEVER_FUTURE = frozenset(("created_at", "updated_at"))
_SEARCH_VERBS: Mapping[str, Literal["contain", "start with", "end with"]] = {
    "CONTAINS": "contain", "STARTSWITH": "start with", "ENDSWITH": "end with",
}  # fmt: skip


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
            return _read_is_set(scope, operand, is_unset=is_negated == negated)
        case ast.IsTruth(operand=operand, value=value, negated=is_negated):
            return _read_truth(scope, operand, value=value, or_unset=is_negated != negated)
        case ast.Like():
            return _read_like(scope, node, negated=negated)
        case ast.Between():
            return _read_between(scope, node, negated=negated)
        case ast.Call():
            return _read_call(scope, node, negated=negated)
        case ast.Column():
            return _read_truth(scope, node, value=not negated, or_unset=False)
        case _:
            return None


def _read_is_set(
    scope: ExplainScope, operand: ast.Expression, *, is_unset: bool
) -> FieldStatement | None:
    field = scope.field_phrase(operand)
    if field is None:
        return None
    return FieldStatement(
        field, f"{be_form(field)}{' not' if is_unset else ''} set", is_unset=is_unset
    )


def _read_truth(
    scope: ExplainScope, operand: ast.Expression, *, value: bool, or_unset: bool
) -> FieldStatement | None:
    """Return the statement that a field is `value`; if `or_unset`, the opposite or not set."""
    field = scope.field_phrase(operand)
    if field is None:
        return None
    words = f"{lower(str(not value))} or not set" if or_unset else lower(str(value))
    return FieldStatement(field, f"{be_form(field)} {words}")


def _read_comparison(
    scope: ExplainScope, node: ast.Comparison, *, negated: bool
) -> Statement | None:
    left, right, op = node.left, node.right, str(node.op)
    field, other_field = scope.field_phrase(left), scope.field_phrase(right)
    if field is None and other_field is not None:
        left, right, op = right, left, FLIPPED.get(op, op)
        field, other_field = other_field, None
    op = _NEGATED[op] if negated else op
    if field is None or not isinstance(left, ast.Column):
        return None
    if other_field is not None:
        words = {"=": "the same as", **_BOUND_WORDS}.get(op)
        predicate = f"{be_form(field)} {words} their {other_field}"
        return FieldStatement(field, predicate) if words else None
    point = read_time(right)
    if point and op in _BOUND_WORDS:
        past = lower(left.name.text) in _NEVER_FUTURE
        return _time_bound(field, op, point, past=past)
    value = exact_time(point) if point else literal_text(right)
    return None if value is None else _value_comparison(field, op, value, number_text(right))


def _read_in_list(
    scope: ExplainScope,
    operand: ast.Expression,
    items: tuple[ast.Expression, ...],
    *,
    negated: bool,
) -> Statement | None:
    field = scope.field_phrase(operand)
    values = [text for item in items if (text := literal_text(item)) is not None]
    if field is None or len(values) < len(items):
        return None
    if len(values) == 1:
        words = f"{'not ' if negated else ''}{values[0]}"
    elif len(values) == 2:  # noqa: PLR2004
        words = " nor ".join(values) if negated else " or ".join(values)
        words = f"neither {words}" if negated else words
    else:
        words = f"{'not ' if negated else ''}one of {join_with(values)}"
    return FieldStatement(field, f"{be_form(field)} {words}", excludes_unset=negated)


def _read_like(scope: ExplainScope, node: ast.Like, *, negated: bool) -> Statement | None:
    field, pattern = scope.field_phrase(node.operand), node.pattern
    if field is None or not isinstance(pattern, ast.String) or node.escape:
        return None
    is_negated = node.negated != negated
    case = ", ignoring case" if node.kind == "ILIKE" else ""
    if node.kind in ("RLIKE", "REGEXP"):
        verb, wanted = "match", f"the regular expression “{plain_text(pattern.value)}”"
    else:
        verb, value = _like_verb(pattern)
        wanted = ("the pattern " if verb == "match" else "") + f"“{plain_text(value)}”"
    predicate = f"{conjugate(field, verb, negated=is_negated)} {wanted}{case}"
    return FieldStatement(field, predicate, excludes_unset=is_negated)


def _read_between(scope: ExplainScope, node: ast.Between, *, negated: bool) -> Statement | None:
    field, is_negated = scope.field_phrase(node.operand), node.negated != negated
    if field is None or not isinstance(node.operand, ast.Column):
        return None
    time_bounds = read_time_bounds(replace(node, negated=False))
    if time_bounds:
        _, low_bound, high_bound = time_bounds
        past = lower(node.operand.name.text) in _NEVER_FUTURE
        predicate = f"{be_form(field)} {time_range(low_bound, high_bound, past=past)}"
        return None if is_negated else FieldStatement(field, predicate, is_time=True)
    low, high = literal_text(node.low), literal_text(node.high)
    if low is None or high is None:
        return None
    predicate = f"{be_form(field)} {'not ' if is_negated else ''}between {low} and {high}"
    return FieldStatement(field, predicate, excludes_unset=is_negated)


def _read_call(scope: ExplainScope, node: ast.Call, *, negated: bool) -> Statement | None:
    name = "" if node.name.quoted else upper(node.name.text)
    if len(node.args) != 2 or node.distinct:  # noqa: PLR2004
        return None
    container, item = node.args
    if name == "ARRAY_CONTAINS":
        if scope.field_phrase(container) is None:
            container, item = item, container  # Snowflake takes the value first
        return _read_array_contains(scope, container, item, negated=negated)
    if name in _SEARCH_VERBS and isinstance(container, ast.Column):
        if lower(container.name.text) == "list_ids":
            return _read_array_contains(scope, container, item, negated=negated)
        field, value = scope.field_phrase(container), string_value(item)
        if field is None or value is None:
            return None
        verb = conjugate(field, _SEARCH_VERBS[name], negated=negated)
        return FieldStatement(field, f"{verb} “{plain_text(value)}”", excludes_unset=negated)
    return None


def _read_array_contains(
    scope: ExplainScope, array: ast.Expression, item: ast.Expression, *, negated: bool
) -> Statement | None:
    field = scope.field_phrase(array)
    items = item.items if isinstance(item, ast.Array) else (item,)
    values = [value for node in items if (value := string_value(node)) is not None]
    if field is None or not isinstance(array, ast.Column) or not values:
        return None
    if len(values) < len(items):
        return None
    if lower(array.name.text) == "list_ids":
        return VerbStatement(list_membership(values, scope.lists, negated=negated))
    any_of = "any of " if len(values) > 1 else ""
    wanted = join_with([value_text(value) for value in values])
    return FieldStatement(field, f"{conjugate(field, 'include', negated=negated)} {any_of}{wanted}")


def _time_bound(field: str, op: str, point: TimePoint, *, past: bool) -> FieldStatement:
    bound = TimeBound(point, inclusive=len(op) > 1)
    after, before = (bound, None) if op[0] == ">" else (None, bound)
    predicate = f"{be_form(field)} {time_range(after, before, past=past)}"
    return FieldStatement(field, predicate, after=after, before=before, past=past, is_time=True)


def _value_comparison(field: str, op: str, value: str, number: str | None) -> FieldStatement:
    """Return the statement of a comparison with a value; `number` is the value if it is one."""
    verb = be_form(field)
    match op:
        case "=" | "IS NOT DISTINCT FROM":
            return FieldStatement(field, f"{verb} {value}")
        case "!=":
            return FieldStatement(field, f"{verb} not {value}", excludes_unset=True)
        case "IS DISTINCT FROM":
            return FieldStatement(field, f"{verb} not {value} or {verb} not set")
        case _ if number is None:
            return FieldStatement(field, f"{verb} {_ORDER_WORDS[op]} {value}")
        case _:
            low, high = ((op, number), None) if op[0] == ">" else (None, (op, number))
            predicate = f"{verb} {_BOUND_WORDS[op]} {value}"
            return FieldStatement(field, predicate, low=low, high=high)


def _like_verb(pattern: ast.String) -> tuple[str, str]:
    """Return the verb and value of a LIKE pattern: `contain`, or `match` if it is not certain."""
    value = pattern.value
    body = value.strip("%")
    escapes = "\\" in pattern.raw.replace('\\"', "").replace("\\'", "")
    if not body or escapes or "%" in body or "_" in body or "%%" in value:
        return "match", value
    match value.startswith("%"), value.endswith("%"):
        case True, True:
            return "contain", body
        case True, False:
            return "end with", body
        case False, True:
            return "start with", body
        case _:
            return "match", value

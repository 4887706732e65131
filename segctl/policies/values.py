"""Values that depend on others: when an expression is NULL, and what it is in which case."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.query import ast
from segctl.query.catalogue import FUNCTIONS
from segctl.query.parser.tokens import upper
from segctl.query.visit import walk

if TYPE_CHECKING:
    from collections.abc import Sequence

_STRICT = frozenset((
    "LOWER", "UPPER", "TRIM", "LTRIM", "RTRIM", "LENGTH", "LEN", "LEFT", "RIGHT", "SUBSTR",
    "SUBSTRING", "CONCAT", "ABS", "YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "DAYOFWEEK",
    "DAYOFYEAR", "DAYOFMONTH", "HOUR", "MINUTE", "SECOND", "TIMESTAMPADD", "DATEADD", "TIMEADD",
    "DATEDIFF", "TIMEDIFF", "TIMESTAMPDIFF", "DATE_TRUNC", "DATE_PART", "LAST_DAY", "ARRAY_SIZE",
))  # fmt: skip
"""Functions that return NULL exactly where an argument is NULL."""

Cases = tuple[tuple[ast.Expression, ast.Expression], ...]
"""Values by condition: that of the first condition that is TRUE."""


def null_parts(node: ast.Expression) -> tuple[ast.Expression, ...] | None:
    """Return parts of an expression, which is NULL exactly where one of them is.

    `None` where that is not certain.
    """
    match node:
        case ast.Binary(op="+" | "-" | "*" | "||", left=left, right=right):
            return left, right
        case ast.Unary(operand=operand):
            return (operand,)
        case ast.Cast(operand=ast.Column(path=(_, *_))):
            return None  # a JSON null is not NULL until it is cast
        case ast.Cast(operand=operand, form="CAST" | "::"):
            return (operand,)
        case ast.Call(name=name, args=args) if upper(name.text) in _STRICT:
            parts = tuple(argument for argument in args if not isinstance(argument, ast.DatePart))
            return parts or None
        case _:
            return None


def cases_of(node: ast.Expression) -> Cases | None:
    """Return the values that an expression has in which case; `None` if it is not of that kind."""
    place = {"start": node.start, "end": node.end}
    always = ast.Boolean(**place, value=True)
    match node:
        case ast.Case(operand=operand, whens=whens, otherwise=otherwise):
            tests = [
                when.condition
                if operand is None
                else ast.Comparison(**place, op="=", left=operand, right=when.condition)
                for when in whens
            ]
            results = [when.result for when in whens]
            return (*zip(tests, results, strict=True), (always, otherwise or ast.Null(**place)))
        case ast.Call(name=name, args=args, distinct=False):
            return _cases_of_call(upper(name.text), args, always)
        case _:
            return None


def _cases_of_call(
    name: str, args: Sequence[ast.Expression], always: ast.Expression
) -> Cases | None:
    place = {"start": always.start, "end": always.end}
    match name, args:
        case ("COALESCE" | "NVL" | "IFNULL", [*firsts, last]) if firsts:
            return (*((_is_not_null(each), each) for each in firsts), (always, last))
        case ("NVL2", [value, first, second]):
            return (_is_not_null(value), first), (always, second)
        case ("IFF", [condition, first, second]):
            return (condition, first), (always, second)
        case ("NULLIF", [value, other]):
            equal = ast.Comparison(**place, op="=", left=value, right=other)
            return (equal, ast.Null(**place)), (always, value)
        case _:
            return None


def _is_not_null(node: ast.Expression) -> ast.Expression:
    return ast.IsNull(start=node.start, end=node.end, operand=node, negated=True)


def is_aggregate(node: ast.Expression) -> bool:
    """Return whether an expression is computed from all rows: then there is always one row."""
    return any(
        isinstance(part, ast.Call)
        and upper(part.name.text) in FUNCTIONS
        and FUNCTIONS[upper(part.name.text)].aggregate
        for part in walk(node)
    )

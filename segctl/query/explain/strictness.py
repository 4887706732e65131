"""Whether a condition is unknown as soon as one of its values is not set.

Then "is not true" is "is false, or a value is not set". COALESCE, CASE, IN with a column among its
items and the like can be known all the same.
"""

from __future__ import annotations

from segctl.query import ast
from segctl.query.explain.functions import FUNCTION_WORDS
from segctl.query.parser.tokens import upper
from segctl.query.visit import walk

_TOLERANT = frozenset(("COALESCE", "NVL", "IFNULL", "NULLIF", "ZEROIFNULL"))
_STRICT = (frozenset(FUNCTION_WORDS) - _TOLERANT) | frozenset(
    ("ARRAY_CONTAINS", "STARTSWITH", "ENDSWITH", "CONTAINS", "REGEXP_LIKE", "NOW",
     "CURRENT_TIMESTAMP", "CURRENT_DATE")
)  # fmt: skip
_STRICT_NODES = (
    ast.Name, ast.Column, ast.String, ast.Number, ast.Boolean, ast.Unary, ast.Binary, ast.Interval,
    ast.DatePart, ast.Array, ast.Like,
)  # fmt: skip


def needs_all_values(node: ast.Expression) -> bool:
    """Return whether a condition is neither true nor false where a column of it is not set."""
    match node:
        case ast.Comparison(op="IS DISTINCT FROM" | "IS NOT DISTINCT FROM"):
            return False
        case ast.Comparison(left=left, right=right):
            parts: tuple[ast.Expression, ...] = (left, right)
        case ast.In(operand=operand, items=tuple(items)) if not _uses_columns(items):
            parts = (operand, *items)
        case ast.Between(operand=operand, low=low, high=high) if not _uses_columns((low, high)):
            parts = (operand, low, high)
        case ast.Like() | ast.Call():
            parts = (node,)
        case _:
            return False
    return all(_is_strict(descendant) for part in parts for descendant in walk(part))


def _uses_columns(nodes: tuple[ast.Expression, ...]) -> bool:
    return any(isinstance(part, ast.Column) for node in nodes for part in walk(node))


def _is_strict(node: ast.Node) -> bool:
    match node:
        case ast.Call(name=name):
            return not name.quoted and upper(name.text) in _STRICT
        case ast.Cast(form=form):
            return form != "TRY_CAST"
        case _:
            return isinstance(node, _STRICT_NODES)

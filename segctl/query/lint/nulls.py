"""Rules about NULL: contacts without a value, which conditions leave out without notice.

This is the most frequent complaint about segments (sendgrid-api.md §6): `country != 'US'` does not
select contacts whose country is unknown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.errors import Severity
from segctl.query import ast
from segctl.query.catalogue import ColumnType
from segctl.query.lint.rule import Violation, quote_sql, rule, violation_at
from segctl.query.lint.scope import NodeContext, Resolution
from segctl.query.parser.tokens import lower, upper

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_OPERANDS = 200
"""A longer AND or OR was written by a program, and is not checked."""

_NULL_PRESERVING = frozenset(("LOWER", "UPPER", "TRIM", "LTRIM", "RTRIM"))
"""Functions that return NULL for NULL, and a value for a value."""


@rule("drops-nulls", Severity.WARNING, ast.Comparison, ast.In, ast.Like, ast.Not)
def drops_nulls(node: ast.Expression, context: NodeContext) -> Iterator[Violation]:
    """Report `!=`, NOT IN and NOT LIKE conditions that leave out contacts without a value.

    In SQL, an empty field is unknown: not equal to 'US', and not different from it either. So
    `country != 'US'` does not select contacts whose country is empty, who are often most of the
    audience, and nothing shows that they are missing.

    If they belong in the audience, add OR … IS NULL. If they do not, add AND … IS NOT NULL, to
    tell the next reader that this is intended.

    Bad::

        country != 'US'

    Good::

        country != 'US' OR country IS NULL
    """
    if not context.is_asserted:
        return
    column = _dropped_column(node)
    if column is None or column.path:
        return
    resolved = context.resolve(column)
    if not resolved.nullable or resolved.type is ColumnType.ARRAY:
        return
    if resolved.resolution in (Resolution.NO_TABLE, Resolution.HIDDEN):
        return
    if _is_null_considered(node, resolved.key, context):
        return
    name = context.source(column)
    with_nulls = f"{context.source(node)} OR {name} IS NULL"
    if any(isinstance(group, ast.And) for group in context.enclosing):
        with_nulls = f"({with_nulls})"
    yield violation_at(
        node,
        f"contacts whose {quote_sql(name)} is empty are left out",
        f"write {quote_sql(with_nulls)} to include them,"
        f" or add {quote_sql(f'AND {name} IS NOT NULL')} if this is intended",
    )


def _dropped_column(node: ast.Expression) -> ast.Column | None:
    """Return the column whose NULLs a condition drops, or `None`."""
    match node:
        case ast.Comparison(op="!=", left=left, right=right) if _is_value(right):
            return _column_in(left)
        case ast.Comparison(op="!=", left=left, right=right) if _is_value(left):
            return _column_in(right)
        case ast.In(operand=operand, items=tuple(items), negated=True):
            return _column_in(operand) if all(_is_value(item) for item in items) else None
        case ast.Like(operand=operand, negated=True):
            return _column_in(operand)
        case ast.Not(operand=operand):
            return _matched_column(operand)
    return None


def _matched_column(node: ast.Expression) -> ast.Column | None:
    """Return the column that a condition matches with values and nothing else, or `None`."""
    match node:
        case ast.Comparison(op="=", left=left, right=right):
            return _column_in(left) if _is_value(right) else None
        case ast.In(operand=operand, items=tuple(), negated=False):
            return _column_in(operand)
        case ast.Like(operand=operand, negated=False):
            return _column_in(operand)
        case ast.Or(operands=operands) if len(operands) <= MAX_OPERANDS:
            # An IN in long form. With several columns, which one was forgotten is not certain.
            columns = [
                None if isinstance(operand, ast.Or) else _matched_column(operand)
                for operand in operands
            ]
            identities = {_identity(column) for column in columns}
            return columns[0] if len(identities) == 1 else None
    return None


def _identity(column: ast.Column | None) -> tuple[object, ...]:
    """Return a value that two columns of one query share only if they are the same."""
    if column is None:
        return ()
    table = lower(column.qualifier.text) if column.qualifier else ""
    is_quoted = column.name.quoted
    name = column.name.text if is_quoted else lower(column.name.text)
    # The rule ignores every column with a path, so which path it is makes no difference.
    return table, is_quoted, name, bool(column.path)


def _is_value(node: ast.Expression) -> bool:
    # Excluding the empty string is an idiom for "has a value": there, NULLs are not missed.
    if isinstance(node, ast.String):
        return bool(node.value.strip())
    return isinstance(node, ast.Number | ast.Boolean | ast.Unary | ast.Call | ast.Binary)


def _column_in(node: ast.Expression) -> ast.Column | None:
    match node:
        case ast.Column():
            return node
        case ast.Call(name=name, args=(ast.Column() as column,)):
            return column if upper(name.text) in _NULL_PRESERVING else None
    return None


def _is_null_considered(
    node: ast.Expression, key: tuple[object, ...], context: NodeContext
) -> bool:
    """Return whether the surrounding conditions show that NULL was considered.

    They do if one of them tests for NULL, or if another one requires a value anyway.
    """
    for group in context.enclosing:
        if isinstance(group, ast.Not) or len(group.operands) > MAX_OPERANDS:
            return True
        for other in group.operands:
            if other is node:
                continue
            inner = other.operand if isinstance(other, ast.Not) else other
            if isinstance(inner, ast.IsNull) and _refers_to(inner.operand, key, context):
                return True
            if isinstance(group, ast.And) and _requires_value(other, key, context):
                return True
            column = _dropped_column(other) if isinstance(group, ast.Or) else None
            if column and _refers_to(column, key, context):
                return True  # a worse mistake, which `always-true` reports
    return False


def _requires_value(node: ast.Expression, key: tuple[object, ...], context: NodeContext) -> bool:
    """Return whether a condition is never true for a contact without a value."""
    match node:
        case ast.Comparison(op="=" | "<" | ">" | "<=" | ">=", left=left, right=right):
            return _refers_to(left, key, context) or _refers_to(right, key, context)
        case ast.In(operand=operand, negated=False) | ast.Like(operand=operand, negated=False):
            return _refers_to(operand, key, context)
        case ast.Between(operand=operand):
            return _refers_to(operand, key, context)
        case ast.Comparison(op="!=", left=left, right=ast.String(value="")):
            return _refers_to(left, key, context)
    return False


def _refers_to(node: ast.Expression, key: tuple[object, ...], context: NodeContext) -> bool:
    column = _column_in(node)
    return column is not None and context.resolve(column).key == key


@rule("null-comparison", Severity.WARNING, ast.Comparison, ast.In, ast.Like)
def null_comparison(node: ast.Expression, context: NodeContext) -> Iterator[Violation]:
    """Report comparisons with NULL, which are never true.

    NULL is not a value but the absence of one, so nothing is equal to it and nothing differs from
    it: `country = NULL` selects nobody, and neither does `country NOT IN ('US', NULL)`.

    Write IS NULL or IS NOT NULL.

    Bad::

        country = NULL

    Good::

        country IS NULL
    """
    match node:
        case ast.Comparison(op=op, left=left, right=right) if not op.startswith("IS"):
            if isinstance(left, ast.Null) or isinstance(right, ast.Null):
                operand = right if isinstance(left, ast.Null) else left
                test = "IS NOT NULL" if op == "!=" else "IS NULL"
                yield violation_at(
                    node,
                    f"`{op} NULL` is never true",
                    f"write {quote_sql(f'{context.source(operand)} {test}')}",
                )
        case ast.In(operand=operand, items=tuple(items), negated=negated):
            name = context.source(operand)
            for item in items:
                if isinstance(item, ast.Null):
                    yield _null_in_list(item, name, negated=negated)
        case ast.Like(operand=operand, pattern=ast.Null()):
            hint = f"write {quote_sql(f'{context.source(operand)} IS NULL')}"
            yield violation_at(node, "`LIKE NULL` is never true", hint)


def _null_in_list(item: ast.Null, name: str, *, negated: bool) -> Violation:
    if negated:
        return violation_at(
            item,
            "NOT IN is never true when its list contains NULL",
            f"remove it, and add {quote_sql(f'AND {name} IS NOT NULL')} if that is what you mean",
        )
    return violation_at(
        item, "NULL in a list never matches", f"write {quote_sql(f'OR {name} IS NULL')} instead"
    )

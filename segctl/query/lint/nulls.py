"""Rules about NULL: contacts without a value, whom conditions leave out silently.

Owns the commonest complaint about segments (sendgrid-api.md §6): `country != 'US'` does not
select those whose country nobody knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.errors import Severity
from segctl.query import ast
from segctl.query.catalogue import ColumnType
from segctl.query.lint.rule import Spot, quoted, rule
from segctl.query.lint.scope import Found, Here
from segctl.query.parser.tokens import lower, upper

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_OPERANDS = 200
"""In a longer AND or OR, written by a program, nothing is looked for."""

_TRANSPARENT = frozenset(("LOWER", "UPPER", "TRIM", "LTRIM", "RTRIM"))
"""Functions that give NULL for NULL, and otherwise a value."""


@rule("drops-nulls", Severity.WARNING, ast.Comparison, ast.In, ast.Like, ast.Not)
def drops_nulls(node: ast.Expression, here: Here) -> Iterator[Spot]:
    """Find `!=`, NOT IN and NOT LIKE that leave out contacts without a value.

    In SQL nothing is known of an empty field, not even that it is different from 'US'. So
    `country != 'US'` does not select the contacts whose country is not filled in, often the
    greater part of the audience, and nobody notices but the missing readers.

    If they belong to the audience, add OR … IS NULL. If not, say so: AND … IS NOT NULL, and
    the next reader of the segment knows that it was meant.

    Bad::

        country != 'US'

    Good::

        country != 'US' OR country IS NULL
    """
    if not here.plain:
        return
    column = _dropped(node)
    if column is None or column.path:
        return
    resolved = here.resolve(column)
    if not resolved.nullable or resolved.type is ColumnType.ARRAY:
        return
    if resolved.found in (Found.NO_TABLE, Found.HIDDEN):
        return
    if _thought_of(node, resolved.key, here):
        return
    name = here.source(column)
    within = any(isinstance(one, ast.And) for one in here.around)
    rewritten = f"{here.source(node)} OR {name} IS NULL"
    yield Spot(
        node.start,
        node.end,
        f"contacts whose {quoted(name)} is empty are left out, too",
        f"write {quoted(f'({rewritten})' if within else rewritten)},"
        f" or add {quoted(f'AND {name} IS NOT NULL')} if that is meant",
    )


def _dropped(node: ast.Expression) -> ast.Column | None:
    """Give the column whose NULLs a condition drops."""
    match node:
        case ast.Comparison(op="!=", left=left, right=right) if _is_value(right):
            return _inside(left)
        case ast.Comparison(op="!=", left=left, right=right) if _is_value(left):
            return _inside(right)
        case ast.In(operand=operand, items=tuple(items), negated=True):
            return _inside(operand) if all(_is_value(item) for item in items) else None
        case ast.Like(operand=operand, negated=True):
            return _inside(operand)
        case ast.Not(operand=operand):
            return _asked(operand)
    return None


def _asked(node: ast.Expression) -> ast.Column | None:
    """Give the column that a condition asks for values, and nothing else."""
    match node:
        case ast.Comparison(op="=", left=left, right=right):
            return _inside(left) if _is_value(right) else None
        case ast.In(operand=operand, items=tuple(), negated=False):
            return _inside(operand)
        case ast.Like(operand=operand, negated=False):
            return _inside(operand)
        case ast.Or(operands=operands) if len(operands) <= MOST_OPERANDS:
            # IN spelt out. Of several columns it is not said which was forgotten: silence.
            columns = [None if isinstance(one, ast.Or) else _asked(one) for one in operands]
            names = {_spelling(column) for column in columns}
            return columns[0] if len(names) == 1 else None
    return None


def _spelling(column: ast.Column | None) -> tuple[object, ...]:
    """Give what two columns of one query have in common only if they are the same."""
    if column is None:
        return ()
    table = lower(column.qualifier.text) if column.qualifier else ""
    quoted_name = column.name.quoted
    name = column.name.text if quoted_name else lower(column.name.text)
    # A path is as good as a column of its own, and the rule leaves those alone.
    return table, quoted_name, name, bool(column.path)


def _is_value(node: ast.Expression) -> bool:
    # To exclude the empty text is an idiom for "has a value": there nobody misses the NULLs.
    if isinstance(node, ast.String):
        return bool(node.value.strip())
    return isinstance(node, ast.Number | ast.Boolean | ast.Unary | ast.Call | ast.Binary)


def _inside(node: ast.Expression) -> ast.Column | None:
    match node:
        case ast.Column():
            return node
        case ast.Call(name=name, args=(ast.Column() as column,)):
            return column if upper(name.text) in _TRANSPARENT else None
    return None


def _thought_of(node: ast.Expression, key: tuple[object, ...], here: Here) -> bool:
    """Tell whether the conditions around show that NULL was thought of.

    They do where one of them asks for NULL, or where another one demands a value anyway.
    """
    for group in here.around:
        if isinstance(group, ast.Not) or len(group.operands) > MOST_OPERANDS:
            return True
        for other in group.operands:
            if other is node:
                continue
            inner = other.operand if isinstance(other, ast.Not) else other
            if isinstance(inner, ast.IsNull) and _is(inner.operand, key, here):
                return True
            if isinstance(group, ast.And) and _demands(other, key, here):
                return True
            column = _dropped(other) if isinstance(group, ast.Or) else None
            if column and _is(column, key, here):
                return True  # a worse mistake, and for `always-true` to say
    return False


def _demands(node: ast.Expression, key: tuple[object, ...], here: Here) -> bool:
    """Tell whether a condition is never true without a value."""
    match node:
        case ast.Comparison(op="=" | "<" | ">" | "<=" | ">=", left=left, right=right):
            return _is(left, key, here) or _is(right, key, here)
        case ast.In(operand=operand, negated=False) | ast.Like(operand=operand, negated=False):
            return _is(operand, key, here)
        case ast.Between(operand=operand):
            return _is(operand, key, here)
        case ast.Comparison(op="!=", left=left, right=ast.String(value="")):
            return _is(left, key, here)
    return False


def _is(node: ast.Expression, key: tuple[object, ...], here: Here) -> bool:
    column = _inside(node)
    return column is not None and here.resolve(column).key == key


@rule("null-comparison", Severity.WARNING, ast.Comparison, ast.In, ast.Like)
def null_comparison(node: ast.Expression, here: Here) -> Iterator[Spot]:
    """Find comparisons with NULL, which are never true.

    NULL is not a value but the absence of one, so nothing is equal to it and nothing different
    from it: `country = NULL` selects nobody, and so does `country NOT IN ('US', NULL)`.

    Write IS NULL or IS NOT NULL.

    Bad::

        country = NULL

    Good::

        country IS NULL
    """
    match node:
        case ast.Comparison(op=op, left=left, right=right) if not op.startswith("IS"):
            if not isinstance(left, ast.Null) and not isinstance(right, ast.Null):
                return
            operand = right if isinstance(left, ast.Null) else left
            negation = "NOT " if op == "!=" else ""
            hint = f"write {quoted(f'{here.source(operand)} IS {negation}NULL')}"
            yield Spot(node.start, node.end, f"a comparison with NULL by {op} is never true", hint)
        case ast.In(operand=operand, items=tuple(items), negated=negated):
            for item in items:
                if isinstance(item, ast.Null):
                    name = here.source(operand)
                    yield Spot(
                        item.start,
                        item.end,
                        "NOT IN is never true when the list holds NULL"
                        if negated
                        else "NULL in a list never matches",
                        f"remove it, and write {quoted(f'{name} IS NOT NULL')} if that is meant"
                        if negated
                        else f"write {quoted(f'OR {name} IS NULL')} instead",
                    )
        case ast.Like(operand=operand, pattern=ast.Null()):
            hint = f"write {quoted(f'{here.source(operand)} IS NULL')}"
            yield Spot(node.start, node.end, "LIKE NULL is never true", hint)

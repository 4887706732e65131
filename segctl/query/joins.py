"""The conditions of a join, also in SendGrid's general form.

`JOIN <table> ON contact_id` is SendGrid's own form (sendgrid-api.md §6): the bare column stands for
the equality of both tables' contact_id, and is not ambiguous elsewhere in such a query. Judges no
join: which ones SendGrid documents is up to the lint rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.query import ast
from segctl.query.aliases import alias_of
from segctl.query.catalogue import JOIN_COLUMN
from segctl.query.parser.tokens import lower

if TYPE_CHECKING:
    from collections.abc import Sequence


def is_bare(join: ast.Join) -> bool:
    """Return whether a join has the general form: an inner join whose condition is a column."""
    match join:
        case ast.Join(kind="INNER", on=ast.Column(qualifier=None, path=(), name=name)):
            return lower(name.text) == JOIN_COLUMN and not name.quoted
    return False


def merges_contact_id(query: ast.Query) -> bool:
    """Return whether a bare contact_id is the same in all tables: all joins have that form."""
    return len(query.sources) == 1 and bool(query.joins) and all(map(is_bare, query.joins))


def join_condition(query: ast.Query, join: ast.Join) -> ast.Expression | None:
    """Return the condition of a join, with the general form as an equality with the first table.

    The nodes of that equality all have the place of the bare column.
    """
    on = join.on
    left, right = alias_of(query.sources[0]), alias_of(join.source)
    if not isinstance(on, ast.Column) or not is_bare(join) or left is None or right is None:
        return on
    columns = (
        ast.Column(start=on.start, end=on.end, qualifier=alias, name=on.name, path=())
        for alias in (left, right)
    )
    return ast.Comparison(
        start=on.start, end=on.end, left=next(columns), op="=", right=next(columns)
    )


def is_contact_join(node: ast.Expression) -> bool:
    """Return whether a condition equates the contact_id of two tables."""
    match node:
        case ast.Comparison(
            op="=",
            left=ast.Column(qualifier=ast.Name(text=left_table), name=left),
            right=ast.Column(qualifier=ast.Name(text=right_table), name=right),
        ):
            names = {lower(left.text), lower(right.text)}
            return names == {JOIN_COLUMN} and lower(left_table) != lower(right_table)
    return False


def operands_of(where: ast.Expression | None) -> Sequence[ast.Expression]:
    """Return the conditions that must all hold."""
    if isinstance(where, ast.And):
        return where.operands
    return (where,) if where else ()


def conditions_of(query: ast.Query) -> list[ast.Expression]:
    """Return the conditions on the rows of a query that must all hold: those of ON and WHERE."""
    on = [node for join in query.joins for node in operands_of(join_condition(query, join))]
    return [*on, *operands_of(query.where)]

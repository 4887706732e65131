"""Conditions that link two tables: `c.contact_id = e.contact_id`."""

from __future__ import annotations

from segctl.query import ast
from segctl.query.parser.tokens import lower


def linked_aliases(node: ast.Expression) -> set[str]:
    """Return the two folded aliases that `a.contact_id = b.contact_id` links, or nothing."""
    match node:
        case ast.Comparison(op="=", left=ast.Column() as left, right=ast.Column() as right):
            if not (is_contact_id(left) and is_contact_id(right)):
                return set()
            names = (left.qualifier, right.qualifier)
            return {lower(name.text) for name in names if name and not name.quoted}
        case _:
            return set()


def is_contact_id(column: ast.Column) -> bool:
    """Return whether a column is the id of a contact."""
    return lower(column.name.text) == "contact_id" and not column.path

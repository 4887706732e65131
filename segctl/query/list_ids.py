"""The ids of contact lists in a query.

They compare as ids, in whatever case, as in `parent_list_ids`: SendGrid's are UUIDs. Knows which
strings of a call are such ids, and nothing of the lists of an account.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.query import ast
from segctl.query.parser.tokens import lower, upper

if TYPE_CHECKING:
    from collections.abc import Iterable

LIST_IDS = "list_ids"
"""The column with the lists of a contact."""

_LIST_FUNCTIONS = frozenset(("ARRAY_CONTAINS", "ARRAYS_OVERLAP", "ARRAY_POSITION", "CONTAINS"))


def list_ids_of_call(call: ast.Call) -> tuple[ast.String, ...]:
    """Return the strings that a call looks for in `list_ids`, on whichever side they are."""
    if upper(call.name.text) not in _LIST_FUNCTIONS or not any(map(is_list_column, call.args)):
        return ()
    items: list[ast.Expression] = []
    for argument in call.args:
        items += argument.items if isinstance(argument, ast.Array) else (argument,)
    literals = [item.operand if isinstance(item, ast.Cast) else item for item in items]
    return tuple(literal for literal in literals if isinstance(literal, ast.String))


def is_list_column(node: ast.Expression) -> bool:
    """Return whether an expression is the column `list_ids`."""
    return isinstance(node, ast.Column) and lower(node.name.text) == LIST_IDS and not node.path


def normal_list_ids(list_ids: Iterable[str]) -> list[str]:
    """Return ids in the case in which they compare."""
    return [lower(list_id) for list_id in list_ids]

"""Going through a tree without knowing its nodes.

Owns the order of a walk. Refuses to tell nodes apart: whoever needs that uses `match`.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from segctl.query.ast import Node

if TYPE_CHECKING:
    from collections.abc import Iterator


def children(node: Node) -> Iterator[Node]:
    """Yield the nodes right below `node` in the order of the fields, names among them."""
    for field in fields(node):
        value = getattr(node, field.name)
        if isinstance(value, Node):
            yield value
        elif isinstance(value, tuple):
            yield from value


def walk(node: Node) -> Iterator[Node]:
    """Yield `node` and everything below it, parents first, subqueries included."""
    pending: list[Node] = [node]
    while pending:
        found = pending.pop()
        yield found
        pending.extend(reversed(tuple(children(found))))

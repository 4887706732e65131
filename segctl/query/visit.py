"""Traversal of a tree, whatever its nodes.

Does not tell nodes apart: use `match` for that.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from segctl.query.ast import Node

if TYPE_CHECKING:
    from collections.abc import Iterator


def children(node: Node) -> Iterator[Node]:
    """Yield the nodes directly below `node`, names included, in the order of the fields."""
    for field in fields(node):
        value = getattr(node, field.name)
        if isinstance(value, Node):
            yield value
        elif isinstance(value, tuple):
            yield from value


def walk(root: Node) -> Iterator[Node]:
    """Yield `root` and all nodes below it, parents first, subqueries included."""
    pending: list[Node] = [root]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(reversed(tuple(children(node))))

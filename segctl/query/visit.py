"""Traversal of a tree, whatever its nodes.

Does not tell nodes apart: use `match` for that.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from segctl.query.ast import Node

if TYPE_CHECKING:
    from collections.abc import Iterator


def children(node: Node) -> Iterator[Node]:
    """Yield the nodes directly below `node`, names included, in the order of the fields."""
    for name in child_fields(node):
        value = getattr(node, name)
        if isinstance(value, Node):
            yield value
        elif isinstance(value, tuple):
            yield from value


_NAMES: dict[type[Any], tuple[str, ...]] = {}


def child_fields(node: Node) -> tuple[str, ...]:
    """Return the fields of a node that can hold nodes."""
    # Once per kind: `fields` took a sixth of the time of a format.
    names = _NAMES.get(type(node))
    if names is None:
        kept = (field for field in fields(node) if field.type not in {"int", "str", "bool"})
        names = _NAMES[type(node)] = tuple(field.name for field in kept)
    return names


def walk(root: Node) -> Iterator[Node]:
    """Yield `root` and all nodes below it, parents first, subqueries included."""
    pending: list[Node] = [root]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(reversed(tuple(children(node))))

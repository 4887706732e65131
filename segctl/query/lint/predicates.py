"""Conditions on one column and fixed values, in a form that the rules of logic can compare.

Reads an `Atom` from a condition. A condition that is not certain yields none, and the rules
conclude nothing from it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from segctl.query import ast
from segctl.query.catalogue import ColumnType
from segctl.query.comparison_operators import FLIPPED
from segctl.query.lint.values import value_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from segctl.query.lint.scope import NodeContext
    from segctl.query.lint.values import Value

AtomKind: TypeAlias = Literal["in", "not in", "<", "<=", ">", ">=", "null", "not null", "like"]

MAX_ATOMS: Final = 100
"""The number of conditions on one column that are compared, each with each."""

_NEGATED: Final[dict[AtomKind, AtomKind]] = {
    "in": "not in",
    "not in": "in",
    "<": ">=",
    "<=": ">",
    ">": "<=",
    ">=": "<",
    "null": "not null",
    "not null": "null",
}


class Atom(NamedTuple):
    """A condition on the column `key`; `=` is an IN with one value.

    `name` is the column as written.
    """

    node: ast.Expression
    key: tuple[object, ...]
    name: str
    kind: AtomKind
    values: tuple[Value, ...]


def flatten(group: ast.And | ast.Or) -> Iterator[ast.Expression]:
    """Yield the operands of a group, with those of nested groups of the same kind."""
    pending: list[ast.Expression] = [*reversed(group.operands)]
    while pending:
        operand = pending.pop()
        if type(operand) is type(group):
            pending.extend(reversed(operand.operands))
        else:
            yield operand


def is_outermost(group: ast.And | ast.Or, context: NodeContext) -> bool:
    """Whether a group is not part of a larger one of the same kind."""
    return not context.enclosing or type(context.enclosing[0]) is not type(group)


def atoms_by_column(
    group: ast.And | ast.Or, context: NodeContext
) -> dict[tuple[object, ...], list[Atom]]:
    """Return the atoms among the operands of a group, by column, where a column has several."""
    cache = context.run.cache
    if id(group) not in cache:
        by_column: dict[tuple[object, ...], list[Atom]] = {}
        for operand in flatten(group):
            for atom in atoms_of(operand, context):
                by_column.setdefault(atom.key, []).append(atom)
        cache[id(group)] = {
            key: atoms[:MAX_ATOMS] for key, atoms in by_column.items() if len(atoms) > 1
        }
    cached: dict[tuple[object, ...], list[Atom]] = cache[id(group)]
    return cached


def atoms_of(node: ast.Expression, context: NodeContext) -> Iterator[Atom]:
    """Yield the atoms that make up a condition: one, two for BETWEEN, or none."""
    match node:
        case ast.Not(operand=operand) if not isinstance(operand, ast.Between):
            for atom in atoms_of(operand, context):
                if atom.kind in _NEGATED:
                    yield atom._replace(node=node, kind=_NEGATED[atom.kind])
        case ast.Comparison():
            yield from _comparison_atom(node, context)
        case ast.In(operand=ast.Column() as column, items=tuple(items), negated=negated):
            yield from _atom(node, column, "not in" if negated else "in", items, context)
        case ast.IsNull(operand=ast.Column() as column, negated=negated):
            yield from _atom(node, column, "not null" if negated else "null", (), context)
        case ast.Like(operand=ast.Column() as column, negated=False):
            yield from _atom(node, column, "like", (), context)
        case ast.Between(operand=ast.Column() as column, low=low, high=high, negated=False):
            yield from _atom(node, column, ">=", (low,), context)
            yield from _atom(node, column, "<=", (high,), context)


def _comparison_atom(node: ast.Comparison, context: NodeContext) -> Iterator[Atom]:
    left, right = node.left, node.right
    op: str = node.op
    if isinstance(right, ast.Column) and not isinstance(left, ast.Column):
        left, right, op = right, left, FLIPPED.get(op, op)
    if not isinstance(left, ast.Column):
        return
    match op:
        case "=":
            yield from _atom(node, left, "in", (right,), context)
        case "!=":
            yield from _atom(node, left, "not in", (right,), context)
        case "<" | "<=" | ">" | ">=" as kind:
            yield from _atom(node, left, kind, (right,), context)


def _atom(
    node: ast.Expression,
    column: ast.Column,
    kind: AtomKind,
    operands: tuple[ast.Expression, ...],
    context: NodeContext,
) -> Iterator[Atom]:
    resolved = context.resolve(column)
    if resolved.type is ColumnType.ARRAY:
        return
    values = tuple(value_of(operand, resolved.type) for operand in operands)
    known = tuple(value for value in values if value is not None)
    if len(known) == len(values):
        yield Atom(node, resolved.key, context.source(column), kind, known)

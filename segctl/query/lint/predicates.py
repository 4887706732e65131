"""Conditions about one column and fixed values, as the rules of logic compare them.

Owns `Atom` and the reading of one from a condition. Refuses what is not certain: a condition that
is no atom takes no part in any conclusion.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from segctl.query import ast
from segctl.query.catalogue import ColumnType
from segctl.query.lint.values import value_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from segctl.query.lint.scope import Here
    from segctl.query.lint.values import Value

Kind: TypeAlias = Literal["in", "not in", "<", "<=", ">", ">=", "null", "not null", "like"]

MOST_ATOMS: Final = 100
"""So many conditions about one column are compared with each other, each with each."""

_FLIPPED: Final[dict[str, str]] = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_NEGATED: Final[dict[Kind, Kind]] = {
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
    """A condition about the column `key`; `=` is an IN with one value.

    `name` is the column as it was written.
    """

    node: ast.Expression
    key: tuple[object, ...]
    name: str
    kind: Kind
    values: tuple[Value, ...]


def flattened(group: ast.And | ast.Or) -> Iterator[ast.Expression]:
    """Yield the operands, those of groups of the same kind inside it among them."""
    pending: list[ast.Expression] = [*reversed(group.operands)]
    while pending:
        one = pending.pop()
        if type(one) is type(group):
            pending.extend(reversed(one.operands))
        else:
            yield one


def is_outermost(group: ast.And | ast.Or, here: Here) -> bool:
    """Tell whether a group is not part of a larger one of the same kind."""
    return not here.around or type(here.around[0]) is not type(group)


def atoms_by_column(group: ast.And | ast.Or, here: Here) -> dict[tuple[object, ...], list[Atom]]:
    """Give the atoms among the operands of a group, by column, where there are several."""
    notes = here.work.notes
    if id(group) not in notes:
        found: dict[tuple[object, ...], list[Atom]] = {}
        for operand in flattened(group):
            for atom in atoms_of(operand, here):
                found.setdefault(atom.key, []).append(atom)
        several = {key: some[:MOST_ATOMS] for key, some in found.items() if len(some) > 1}
        notes[id(group)] = several
    known: dict[tuple[object, ...], list[Atom]] = notes[id(group)]
    return known


def atoms_of(node: ast.Expression, here: Here) -> Iterator[Atom]:
    """Yield the atoms of which a condition consists: one, two for BETWEEN, or none."""
    match node:
        case ast.Not(operand=operand) if not isinstance(operand, ast.Between):
            for atom in atoms_of(operand, here):
                if atom.kind in _NEGATED:
                    yield atom._replace(node=node, kind=_NEGATED[atom.kind])
        case ast.Comparison():
            yield from _comparison(node, here)
        case ast.In(operand=ast.Column() as column, items=tuple(items), negated=negated):
            yield from _atom(node, column, "not in" if negated else "in", items, here)
        case ast.IsNull(operand=ast.Column() as column, negated=negated):
            yield from _atom(node, column, "not null" if negated else "null", (), here)
        case ast.Like(operand=ast.Column() as column, negated=False):
            yield from _atom(node, column, "like", (), here)
        case ast.Between(operand=ast.Column() as column, low=low, high=high, negated=False):
            yield from _atom(node, column, ">=", (low,), here)
            yield from _atom(node, column, "<=", (high,), here)


def _comparison(node: ast.Comparison, here: Here) -> Iterator[Atom]:
    left, right, op = node.left, node.right, node.op
    if isinstance(right, ast.Column) and not isinstance(left, ast.Column):
        left, right, written = right, left, _FLIPPED.get(op, op)
    else:
        written = op
    if not isinstance(left, ast.Column):
        return
    match written:
        case "=":
            yield from _atom(node, left, "in", (right,), here)
        case "!=":
            yield from _atom(node, left, "not in", (right,), here)
        case "<" | "<=" | ">" | ">=" as kind:
            yield from _atom(node, left, kind, (right,), here)


def _atom(
    node: ast.Expression,
    column: ast.Column,
    kind: Kind,
    values: tuple[ast.Expression, ...],
    here: Here,
) -> Iterator[Atom]:
    resolved = here.resolve(column)
    if resolved.type is ColumnType.ARRAY:
        return
    read = tuple(value_of(value, resolved.type) for value in values)
    known = tuple(value for value in read if value is not None)
    if len(known) == len(read):
        yield Atom(node, resolved.key, here.source(column), kind, known)

"""Rules about conditions that are always true, always false, or said twice.

Owns conclusions from several conditions about one column. Concludes only what is certain: two
values that might be equal to the server (texts that differ by case alone) prove nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.errors import Severity
from segctl.query import ast
from segctl.query.lint.predicates import Atom, atoms_by_column, flattened, is_outermost
from segctl.query.lint.rule import Spot, quoted, rule
from segctl.query.lint.values import order, same, value_of
from segctl.query.to_sql import SqlWriter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from segctl.query.lint.scope import Here
    from segctl.query.lint.values import Value

_EVENT_COLUMNS = ("event_type", "event_source")
MOST_PAIRS = 1000
"""Lists are compared with each other where that takes no more than so many comparisons."""

_ALL = "{} or {} is always true"
_ALL_VALUES = "{} or {} is always true where there is a value"
_NONE = "{} and {} are never true together"
_TRUE_OF_EQUALS = ("=", "<=", ">=", "IS NOT DISTINCT FROM")


@rule("not-a-condition", Severity.WARNING, ast.And, ast.Or, ast.Not, ast.Query)
def not_a_condition(node: ast.And | ast.Or | ast.Not | ast.Query, here: Here) -> Iterator[Spot]:
    """Find bare values where a condition is expected.

    `country = 'US' OR 'CA'` reads well, and means nothing: OR joins two conditions, and 'CA'
    alone is none. The query is refused, or selects the wrong contacts.

    Repeat the column, or write IN.

    Bad::

        country = 'US' OR 'CA'

    Good::

        country IN ('US', 'CA')
    """
    operands: Iterable[ast.Expression | None] = ()
    match node:
        case ast.And() | ast.Or():
            operands = node.operands
        case ast.Not():
            operands = (node.operand,)
        case ast.Query():
            operands = (node.where,)
    before: ast.Expression | None = None
    bare: list[ast.Expression] = []
    for operand in (*operands, None):
        if isinstance(operand, ast.String | ast.Number):
            bare.append(operand)
            continue
        if bare:
            yield _bare_values(node, before, bare, here)
        before, bare = operand, []


def _bare_values(
    node: ast.Node, before: ast.Expression | None, bare: list[ast.Expression], here: Here
) -> Spot:
    """Say what to do with values that follow each other: one hint, as it must keep them all."""
    values = [here.source(one) for one in bare]
    hint = "compare a column with it" if len(bare) == 1 else "compare a column with them"
    match before:
        case ast.Comparison(op="=", left=ast.Column() as column, right=right):
            if isinstance(node, ast.Or):
                listing = ", ".join((here.source(right), *values))
                hint = f"write {quoted(f'{here.source(column)} IN ({listing})')}"
    message = f"{quoted(values[0])} alone is no condition"
    if len(bare) > 1:
        message = f"{quoted(', '.join(values))} are no conditions"
    return Spot(bare[0].start, bare[-1].end, message, hint)


@rule("always-true", Severity.WARNING, ast.Comparison, ast.Or, ast.Query)
def always_true(node: ast.Comparison | ast.Or | ast.Query, here: Here) -> Iterator[Spot]:
    """Find conditions that every contact fulfils.

    `country != 'US' OR country != 'CA'` excludes nobody: who is in Canada is not in the US. A
    campaign to such a segment goes to everybody. `1 = 1` is a leftover of a generated query.

    To exclude several values, write NOT IN, or AND between the conditions; delete what is
    always true.

    Bad::

        plan != 'free' OR plan != 'trial'

    Good::

        plan NOT IN ('free', 'trial') OR plan IS NULL
    """
    match node:
        case ast.Comparison():
            outcome = _constant(node, here)
            if outcome:
                column = isinstance(node.left, ast.Column)
                yield Spot(
                    node.start,
                    node.end,
                    f"{quoted(here.source(node))} is always true"
                    + (" where there is a value" if column else ""),
                    f"write {quoted(f'{here.source(node.left)} IS NOT NULL')}, or delete it"
                    if column
                    else "delete it",
                )
        case ast.Or() if is_outermost(node, here):
            for atoms in atoms_by_column(node, here).values():
                yield from _covers_all(atoms, here)
        case ast.Query(where=ast.Boolean(value=True) as where):
            yield Spot(where.start, where.end, "the condition is always true", "delete WHERE")


def _covers_all(atoms: list[Atom], here: Here) -> Iterator[Spot]:
    for index, atom in enumerate(atoms):
        for other in atoms[:index]:
            if atom.node is other.node:
                continue
            kinds = {atom.kind, other.kind}
            if kinds == {"null", "not null"}:
                yield _together(other, atom, here, _ALL, "delete both")
                return
            if kinds == {"not in"} and _disjoint(other.values, atom.values):
                written = _not_in(other, atom, here)
                yield _together(other, atom, here, _ALL_VALUES, written)
                return
            if kinds == {"in", "not in"} and _covered(other, atom):
                hint = f"write {quoted(f'{atom.name} IS NOT NULL')}, or delete both"
                yield _together(other, atom, here, _ALL_VALUES, hint)
                return
            if _bounds_cover(other, atom) or _bounds_cover(atom, other):
                hint = f"write AND between them, or {quoted(f'{atom.name} IS NOT NULL')}"
                yield _together(other, atom, here, _ALL_VALUES, hint)
                return


def _not_in(one: Atom, other: Atom, here: Here) -> str:
    """Say how to exclude the values of both."""
    texts: list[str] = []
    for node in (one.node, other.node):
        match node:
            case ast.Comparison(left=left, right=right):
                texts.append(here.source(left if isinstance(right, ast.Column) else right))
            case ast.In(items=tuple(items)):
                texts.extend(here.source(item) for item in items)
            case _:
                return "write AND between them"
    written = f"{one.name} NOT IN ({', '.join(texts)})"
    return f"to exclude all of them, write {quoted(written)}"


def _together(one: Atom, other: Atom, here: Here, outcome: str, hint: str) -> Spot:
    """Make the finding about two conditions; `outcome` is a sentence with a place for each."""
    first, second = (quoted(here.source(atom.node), 60) for atom in (one, other))
    return Spot(other.node.start, other.node.end, outcome.format(first, second), hint)


def _disjoint(some: tuple[Value, ...], others: tuple[Value, ...]) -> bool:
    """Tell whether certainly no value of the one stands among the others."""
    if len(some) * len(others) > MOST_PAIRS:
        return False
    return all(same(one, other) is False for one in some for other in others)


def _covered(one: Atom, other: Atom) -> bool:
    """Tell whether every value that the one excludes is among those the other allows."""
    excluded, allowed = (one, other) if one.kind == "not in" else (other, one)
    return _within(excluded.values, allowed.values)


def _within(some: tuple[Value, ...], others: tuple[Value, ...]) -> bool:
    """Tell whether certainly every value of the one stands among the others."""
    if len(some) * len(others) > MOST_PAIRS:
        return False
    return all(any(same(one, other) is True for other in others) for one in some)


def _bounds_cover(low: Atom, high: Atom) -> bool:
    """Tell whether what is above the one or below the other is everything."""
    if low.kind not in (">", ">=") or high.kind not in ("<", "<="):
        return False
    compared = order(low.values[0], high.values[0])
    if compared is None:
        return False
    return compared < 0 or (compared == 0 and "=" in low.kind + high.kind)


@rule("always-false", Severity.WARNING, ast.Comparison, ast.And, ast.Query)
def always_false(node: ast.Comparison | ast.And | ast.Query, here: Here) -> Iterator[Spot]:
    """Find conditions that no contact can fulfil.

    `country = 'US' AND country = 'CA'` selects nobody, for a contact has one country: the
    campaign goes out to an empty audience. With events it is the same: one event is an open or
    a click, so `event_type = 'open' AND event_type = 'click'` never holds.

    For "one or the other" write IN, or OR. To ask for two events, join event_data twice.

    Bad::

        country = 'US' AND country = 'CA'

    Good::

        country IN ('US', 'CA')
    """
    match node:
        case ast.Comparison():
            if _constant(node, here) is False:
                yield Spot(
                    node.start,
                    node.end,
                    f"{quoted(here.source(node))} is always false",
                    "delete it, or correct what it compares",
                )
        case ast.And() if is_outermost(node, here):
            for atoms in atoms_by_column(node, here).values():
                yield from _excludes_all(atoms, here)
        case ast.Query(where=ast.Boolean(value=False) as where):
            yield Spot(where.start, where.end, "the condition is always false", "")


def _excludes_all(atoms: list[Atom], here: Here) -> Iterator[Spot]:
    for index, atom in enumerate(atoms):
        for other in atoms[:index]:
            if atom.node is not other.node and _excludes(other, atom):
                yield _together(other, atom, here, _NONE, _way_out(other, atom))
                return


def _excludes(one: Atom, other: Atom) -> bool:
    """Tell whether two conditions certainly cannot hold together."""
    if "null" in (one.kind, other.kind):
        return one.kind != other.kind
    kinds = {one.kind, other.kind}
    if kinds == {"in"}:
        return _disjoint(one.values, other.values)
    if kinds == {"in", "not in"}:
        allowed, excluded = (one, other) if one.kind == "in" else (other, one)
        return _within(allowed.values, excluded.values)
    return False


def _way_out(one: Atom, other: Atom) -> str:
    if {one.kind, other.kind} != {"in"}:
        return "delete one of them, or write OR"
    if str(one.key[1]) in _EVENT_COLUMNS:
        return "join event_data twice to ask for two events, or write IN for one or the other"
    return "write IN, or OR between them"


def _constant(node: ast.Comparison, here: Here) -> bool | None:
    """Tell what a comparison of two literals, or of a column with itself, always gives."""
    left, right, op = node.left, node.right, node.op
    if isinstance(left, ast.Column) and isinstance(right, ast.Column):
        if here.resolve(left).key == here.resolve(right).key:
            return op in _TRUE_OF_EQUALS
        return None
    one, other = value_of(left), value_of(right)
    if one is None or other is None:
        return None
    if op in ("=", "!="):
        equal = same(one, other)
        return None if equal is None else equal is (op == "=")
    compared = order(one, other)
    if compared is None:
        return None
    return {"<": compared < 0, "<=": compared <= 0, ">": compared > 0, ">=": compared >= 0}.get(op)


@rule("duplicate-condition", Severity.WARNING, ast.And, ast.Or)
def duplicate_condition(group: ast.And | ast.Or, here: Here) -> Iterator[Spot]:
    """Find conditions that stand twice in one AND or OR.

    The second one changes nothing. Mostly it was to be something else: another value, another
    column, copied and not adapted, and then the audience is not the one you meant.

    Correct the copy, or delete it.

    Bad::

        country = 'US' OR country = 'US'

    Good::

        country = 'US' OR country = 'CA'
    """
    if not is_outermost(group, here):
        return
    by_kind: dict[object, list[ast.Expression]] = {}
    for operand in flattened(group):
        by_kind.setdefault((type(operand), getattr(operand, "op", "")), []).append(operand)
    writer = SqlWriter()
    for operands in by_kind.values():
        if len(operands) == 1:
            continue
        seen: set[str] = set()
        for operand in operands:
            written = writer.write(operand)
            if written in seen:
                yield Spot(
                    operand.start,
                    operand.end,
                    f"{quoted(here.source(operand))} stands here twice",
                    "delete it, or correct it if it was to be something else",
                )
            seen.add(written)


@rule("duplicate-value", Severity.WARNING, ast.In, ast.Array)
def duplicate_value(node: ast.In | ast.Array, here: Here) -> Iterator[Spot]:
    """Find values that stand twice in a list.

    The second one changes nothing. Perhaps it was to be another one.

    Correct it, or delete it.

    Bad::

        country IN ('US', 'CA', 'US')

    Good::

        country IN ('US', 'CA')
    """
    if isinstance(node.items, ast.Subquery) or len(node.items) == 1:
        return
    seen: set[str] = set()
    for item in node.items:
        if isinstance(item, ast.String | ast.Number):
            written = here.source(item)
            if written in seen:
                yield Spot(
                    item.start,
                    item.end,
                    f"{quoted(written)} stands in the list twice",
                    "delete it, or correct it if it was to be something else",
                )
            seen.add(written)

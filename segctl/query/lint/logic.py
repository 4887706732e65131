"""Rules about conditions that are always true, always false, or repeated.

Draws conclusions from several conditions on one column, and only certain ones: two values that
might be equal to the server (strings that differ only in case) prove nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.errors import Severity
from segctl.query import ast
from segctl.query.lint.predicates import Atom, atoms_by_column, flatten, is_outermost
from segctl.query.lint.rule import Violation, quote_sql, rule, violation_at
from segctl.query.lint.values import are_equal, compare, value_of
from segctl.query.to_sql import SqlWriter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from segctl.query.lint.scope import NodeContext
    from segctl.query.lint.types import AnyComparison
    from segctl.query.lint.values import Value

_COMPARISONS = (ast.Comparison, ast.In, ast.Between)
_EVENT_COLUMNS = ("event_type", "event_source")
MAX_PAIRS = 1000
"""Two lists are compared only if that takes no more comparisons than this."""

_ALWAYS_TRUE = "{} OR {} is always true"
_TRUE_FOR_VALUES = "{} OR {} is always true where there is a value"
_NEVER_BOTH = "{} and {} are never both true"
_TRUE_OF_EQUALS = ("=", "<=", ">=", "IS NOT DISTINCT FROM")
_FIX_DUPLICATE = "remove it, or correct it if you meant another one"


@rule("not-a-condition", Severity.WARNING, ast.And, ast.Or, ast.Not, ast.Query)
def not_a_condition(
    node: ast.And | ast.Or | ast.Not | ast.Query, context: NodeContext
) -> Iterator[Violation]:
    """Report bare values where a condition is expected.

    `country = 'US' OR 'CA'` reads well, but OR must join two conditions, and 'CA' alone is not
    one. SendGrid refuses the query, or it selects the wrong contacts.

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
    previous: ast.Expression | None = None
    bare_values: list[ast.Expression] = []
    for operand in (*operands, None):
        if isinstance(operand, ast.String | ast.Number):
            bare_values.append(operand)
            continue
        if bare_values:
            yield _bare_values(node, previous, bare_values, context)
        previous, bare_values = operand, []


def _bare_values(
    node: ast.Node,
    previous: ast.Expression | None,
    bare_values: list[ast.Expression],
    context: NodeContext,
) -> Violation:
    """Report consecutive bare values together, so that the hint can keep all of them."""
    sources = [context.source(value) for value in bare_values]
    message = f"{quote_sql(sources[0])} is not a condition"
    hint = "compare a column with it"
    if len(sources) > 1:
        message = f"{quote_sql(', '.join(sources))} are not conditions"
        hint = "compare a column with them"
    match previous:
        case ast.Comparison(op="=", left=ast.Column() as column, right=right):
            if isinstance(node, ast.Or):
                items = ", ".join((context.source(right), *sources))
                hint = f"write {quote_sql(f'{context.source(column)} IN ({items})')}"
    return Violation(bare_values[0].start, bare_values[-1].end, message, hint)


@rule("always-true", Severity.WARNING, *_COMPARISONS, ast.Or, ast.Query)
def always_true(
    node: AnyComparison | ast.Or | ast.Query, context: NodeContext
) -> Iterator[Violation]:
    """Report conditions that are true for every contact.

    `country != 'US' OR country != 'CA'` excludes nobody: a contact in Canada is not in the US,
    and a contact in the US is not in Canada. A campaign to such a segment goes to everyone.
    `1 = 1` is left over from a generated query.

    To exclude several values, write NOT IN, or AND between the conditions. Remove a condition
    that is always true.

    Bad::

        plan != 'free' OR plan != 'trial'

    Good::

        plan NOT IN ('free', 'trial') OR plan IS NULL
    """
    match node:
        case ast.Comparison() | ast.In() | ast.Between():
            if _constant_result(node, context):
                source = quote_sql(context.source(node))
                if isinstance(node, ast.Comparison) and isinstance(node.left, ast.Column):
                    not_null = quote_sql(f"{context.source(node.left)} IS NOT NULL")
                    message = f"{source} is always true where there is a value"
                    yield violation_at(node, message, f"write {not_null}, or remove it")
                else:
                    yield violation_at(node, f"{source} is always true", "remove it")
        case ast.Or() if is_outermost(node, context):
            for atoms in atoms_by_column(node, context).values():
                yield from _always_true_pair(atoms, context)
        case ast.Query(where=ast.Boolean(value=True) as where):
            yield violation_at(where, "the condition is always true", "remove WHERE")


def _always_true_pair(atoms: list[Atom], context: NodeContext) -> Iterator[Violation]:
    """Yield the first pair of atoms of which one is always true."""
    for index, atom in enumerate(atoms):
        for earlier in atoms[:index]:
            if atom.node is earlier.node:
                continue
            kinds = {atom.kind, earlier.kind}
            not_null = quote_sql(f"{atom.name} IS NOT NULL")
            if kinds == {"null", "not null"}:
                message, hint = _ALWAYS_TRUE, "remove both"
            elif kinds == {"not in"} and _are_disjoint(earlier.values, atom.values):
                message, hint = _TRUE_FOR_VALUES, _exclude_both_hint(earlier, atom, context)
            elif kinds == {"in", "not in"} and _excluded_are_allowed(earlier, atom):
                message, hint = _TRUE_FOR_VALUES, f"write {not_null}, or remove both"
            elif _bounds_cover_all(earlier, atom) or _bounds_cover_all(atom, earlier):
                message, hint = _TRUE_FOR_VALUES, f"write AND between them, or {not_null}"
            else:
                continue
            yield _pair_violation(earlier, atom, context, message, hint)
            return


def _exclude_both_hint(first: Atom, second: Atom, context: NodeContext) -> str:
    """Return how to exclude the values of both atoms."""
    items: list[str] = []
    for node in (first.node, second.node):
        match node:
            case ast.Comparison(left=left, right=right):
                items.append(context.source(left if isinstance(right, ast.Column) else right))
            case ast.In(items=tuple(values)):
                items.extend(context.source(value) for value in values)
            case _:
                return "write AND between them"
    replacement = f"{first.name} NOT IN ({', '.join(items)})"
    return f"to exclude all of them, write {quote_sql(replacement)}"


def _pair_violation(
    first: Atom, second: Atom, context: NodeContext, template: str, hint: str
) -> Violation:
    """Report two conditions at the place of the second; `template` has a `{}` for each."""
    quotes = (quote_sql(context.source(atom.node), 60) for atom in (first, second))
    return violation_at(second.node, template.format(*quotes), hint)


def _are_disjoint(first: tuple[Value, ...], second: tuple[Value, ...]) -> bool:
    """Return whether the two groups of values certainly have no value in common."""
    if len(first) * len(second) > MAX_PAIRS:
        return False
    return all(are_equal(value, other) is False for value in first for other in second)


def _excluded_are_allowed(first: Atom, second: Atom) -> bool:
    """Return whether the IN of two atoms allows every value that the NOT IN excludes."""
    excluded, allowed = (first, second) if first.kind == "not in" else (second, first)
    return _is_subset(excluded.values, allowed.values)


def _is_subset(values: tuple[Value, ...], others: tuple[Value, ...]) -> bool:
    """Return whether every value is certainly among the others."""
    if len(values) * len(others) > MAX_PAIRS:
        return False
    return all(any(are_equal(value, other) is True for other in others) for value in values)


def _bounds_cover_all(low: Atom, high: Atom) -> bool:
    """Return whether every value is above the first bound or below the second."""
    if low.kind not in (">", ">=") or high.kind not in ("<", "<="):
        return False
    order = compare(low.values[0], high.values[0])
    if order is None:
        return False
    return order < 0 or (order == 0 and "=" in low.kind + high.kind)


@rule("always-false", Severity.WARNING, *_COMPARISONS, ast.And, ast.Query)
def always_false(
    node: AnyComparison | ast.And | ast.Query, context: NodeContext
) -> Iterator[Violation]:
    """Report conditions that are true for no contact.

    `country = 'US' AND country = 'CA'` selects nobody, because a contact has one country: the
    campaign goes to an empty audience. The same is true of events: one event is an open or a
    click, so `event_type = 'open' AND event_type = 'click'` is never true.

    For "one or the other", write IN or OR. To ask for two events, join event_data twice.

    Bad::

        country = 'US' AND country = 'CA'

    Good::

        country IN ('US', 'CA')
    """
    match node:
        case ast.Comparison() | ast.In() | ast.Between():
            if _constant_result(node, context) is False:
                message = f"{quote_sql(context.source(node))} is always false"
                yield violation_at(node, message, "remove it, or correct what it compares")
        case ast.And() if is_outermost(node, context):
            for atoms in atoms_by_column(node, context).values():
                yield from _exclusive_pair(atoms, context)
        case ast.Query(where=ast.Boolean(value=False) as where):
            yield violation_at(where, "the condition is always false")


def _exclusive_pair(atoms: list[Atom], context: NodeContext) -> Iterator[Violation]:
    """Yield the first pair of atoms that are never both true."""
    for index, atom in enumerate(atoms):
        for earlier in atoms[:index]:
            if atom.node is not earlier.node and _are_exclusive(earlier, atom):
                hint = _exclusive_hint(earlier, atom)
                yield _pair_violation(earlier, atom, context, _NEVER_BOTH, hint)
                return


def _are_exclusive(first: Atom, second: Atom) -> bool:
    """Return whether two conditions certainly cannot both be true."""
    kinds = {first.kind, second.kind}
    if "null" in kinds:
        return len(kinds) > 1
    if kinds == {"in"}:
        return _are_disjoint(first.values, second.values)
    if kinds == {"in", "not in"}:
        allowed, excluded = (first, second) if first.kind == "in" else (second, first)
        return _is_subset(allowed.values, excluded.values)
    return False


def _exclusive_hint(first: Atom, second: Atom) -> str:
    if {first.kind, second.kind} != {"in"}:
        return "remove one of them, or write OR between them"
    if str(first.key[1]) in _EVENT_COLUMNS:
        return "join event_data twice to ask for two events, or write IN for one or the other"
    return "write IN, or OR between them"


def _constant_result(node: AnyComparison, context: NodeContext) -> bool | None:
    """Return what a comparison of constants, or of a column with itself, always is."""
    match node:
        case ast.Comparison(left=ast.Column() as left, right=ast.Column() as right):
            if context.resolve(left).key == context.resolve(right).key:
                return node.op in _TRUE_OF_EQUALS
            return None
        case ast.Comparison(left=left, op=op, right=right):
            return _compared(left, op, right)
        case ast.Between(operand=operand, low=low, high=high):
            bounds = (_compared(operand, ">=", low), _compared(operand, "<=", high))
            result = False if False in bounds else None if None in bounds else True
        case ast.In(operand=operand, items=tuple(items)):
            equal = [_compared(operand, "=", item) for item in items]
            result = True if True in equal else None if None in equal else False
        case _:
            return None
    return None if result is None else result != node.negated


def _compared(left: ast.Expression, op: str, right: ast.Expression) -> bool | None:
    """Return the result of a comparison of constants; `None` if it is not certain."""
    first, second = value_of(left), value_of(right)
    if first is None or second is None:
        return None
    if op in ("=", "!="):
        equal = are_equal(first, second)
        return None if equal is None else equal is (op == "=")
    order = compare(first, second)
    if order is None:
        return None
    return {"<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0}.get(op)


@rule("duplicate-condition", Severity.WARNING, ast.And, ast.Or)
def duplicate_condition(group: ast.And | ast.Or, context: NodeContext) -> Iterator[Violation]:
    """Report conditions that occur twice in one AND or OR.

    The second one changes nothing. Often it was copied to become another condition, with another
    value or another column, and was never changed, so the audience is not the one you expect.

    Correct the copy, or remove it.

    Bad::

        country = 'US' OR country = 'US'

    Good::

        country = 'US' OR country = 'CA'
    """
    if not is_outermost(group, context):
        return
    by_shape: dict[object, list[ast.Expression]] = {}
    for operand in flatten(group):
        by_shape.setdefault((type(operand), getattr(operand, "op", "")), []).append(operand)
    writer = SqlWriter()
    for operands in by_shape.values():
        if len(operands) == 1:
            continue
        seen: set[str] = set()
        for operand in operands:
            sql = writer.write(operand)
            if sql in seen:
                message = f"duplicate condition {quote_sql(context.source(operand))}"
                yield violation_at(operand, message, _FIX_DUPLICATE)
            seen.add(sql)


@rule("duplicate-value", Severity.WARNING, ast.In, ast.Array)
def duplicate_value(node: ast.In | ast.Array, context: NodeContext) -> Iterator[Violation]:
    """Report values that occur twice in a list.

    The second one changes nothing. You may have meant another value.

    Correct it, or remove it.

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
            source = context.source(item)
            if source in seen:
                yield violation_at(item, f"duplicate value {quote_sql(source)}", _FIX_DUPLICATE)
            seen.add(source)

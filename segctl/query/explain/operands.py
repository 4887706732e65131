"""The values that a query compares, in words. `predicates` says what is true of them.

A value without words has no term, so that its condition is quoted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.query import ast
from segctl.query.explain.functions import FUNCTION_WORDS
from segctl.query.explain.phrases import field_name, takes_plural, without
from segctl.query.explain.terms import Term, computed, day_of, joined, remainder, shifted
from segctl.query.explain.times import interval_of, is_time_type, whole_span
from segctl.query.explain.values import literal_text, visible_text
from segctl.query.parser.tokens import lower, upper
from segctl.query.value_types import ValueType

if TYPE_CHECKING:
    from segctl.query.explain.scope import ExplainScope

_EVENT_FIELDS = {"event_type": "type", "event_source": "source", "timestamp": "time"}
SINGLE_SEND_PATH = ("payload", "unique_args", "singlesend_id")
"""The path in `event_data.data` to the id of a Single Send."""
_ARITHMETIC = {"+": "plus", "-": "minus", "*": "times", "/": "divided by"}
_NEVER_FUTURE = frozenset(("created_at", "updated_at"))


def read_term(scope: ExplainScope, node: ast.Expression) -> Term | None:
    """Return the words for a value, or `None` if there are none."""
    match node:
        case ast.Column():
            return _column(scope, node)
        case ast.Call(name=name, args=args, distinct=False) if not name.quoted:
            return _call(scope, upper(name.text), args)
        case ast.Binary():
            return _binary(scope, node)
        case ast.Cast():
            return _cast(scope, node)
        case ast.Unary(op="-", operand=ast.Column() as column):
            operand = _column(scope, column)
            return operand and computed(f"minus {operand.operand}", ValueType.NUMBER, operand)
        case _:
            return _literal(node)


def _literal(node: ast.Expression) -> Term | None:
    text = literal_text(node)
    if text is None:
        return None
    kinds = {ast.String: ValueType.TEXT, ast.Boolean: ValueType.BOOLEAN}
    return Term(text, kinds.get(type(node), ValueType.NUMBER), is_literal=True)


def _column(scope: ExplainScope, column: ast.Column) -> Term | None:
    owner, kind = scope.owner(column), scope.column_type(column)
    past = lower(column.name.text) in _NEVER_FUTURE or (owner in scope.events and not column.path)
    if owner is None or (column.path and owner not in scope.events):
        return None
    if owner not in scope.events:
        text = field_name(column.name)
        return Term(text, kind, "their", takes_plural(text), without(text), past=past)
    text = _event_field(column)
    if not text:
        return None
    if owner != scope.subject:
        return Term(f"the {text} of event {owner}", kind, unset=without(text), past=past)
    return Term(text, kind, "the", unset=without(text), past=past)


def _event_field(column: ast.Column) -> str:
    """Return the name of a column of an event, or of what is inside its data."""
    name = lower(column.name.text)
    if name in _EVENT_FIELDS and not column.path:
        return _EVENT_FIELDS[name]
    if name != "data" or not column.path:
        return f"“{visible_text(name)}”" if not column.path else ""
    keys = tuple(step.text if isinstance(step, ast.Name) else "" for step in column.path)
    if keys == SINGLE_SEND_PATH:
        return "Single Send"
    if len(keys) == len(SINGLE_SEND_PATH) and keys[:-1] == SINGLE_SEND_PATH[:-1] and keys[-1]:
        return f"unique argument “{visible_text(keys[-1])}”"
    return f"“{visible_text(path_text(column))}”"


def path_text(column: ast.Column) -> str:
    """Return a path as written in a query, exactly: `payload.items[0]."odd key"`."""
    text = ""
    for step in column.path:
        match step:
            case ast.Name(text=key, quoted=quoted):
                text += f"{'.' if text else ''}" + (f'"{key}"' if quoted else key)
            case ast.Number(text=index):
                text += f"[{index}]"
            case ast.String(raw=raw):
                text += f"['{raw}']"
    return text


def _call(scope: ExplainScope, function: str, nodes: tuple[ast.Expression, ...]) -> Term | None:
    least, most, words = FUNCTION_WORDS.get(function, (1, 0, None))
    if words is None or not least <= len(nodes) <= most:
        return None
    return words(nodes, tuple(read_term(scope, node) for node in nodes))


def _binary(scope: ExplainScope, node: ast.Binary) -> Term | None:
    if isinstance(node.right, ast.Interval):
        left = read_term(scope, node.left)
        amount, unit = interval_of(node.right)
        span = whole_span(amount, unit, 1 if node.op == "+" else -1)
        return shifted(left, span) if left else None
    operands = [read_term(scope, part) for part in _chain(node)]
    known = [operand for operand in operands if operand]
    if len(known) < len(operands):
        return None
    if node.op == "||":
        return joined(known)
    if any(operand.type not in (ValueType.NUMBER, None) for operand in known):
        return None
    if node.op == "%":
        return remainder(*known)
    text = f" {_ARITHMETIC[node.op]} ".join(operand.operand for operand in known)
    return computed(text, ValueType.NUMBER, *known)


def _chain(node: ast.Binary) -> list[ast.Expression]:
    """Return the operands of a chain whose order of evaluation does not matter, or just two."""
    parts: list[ast.Expression] = [node.right]
    left = node.left
    while node.op in ("+", "*", "||") and isinstance(left, ast.Binary) and left.op == node.op:
        parts.append(left.right)
        left = left.left
    return [left, *reversed(parts)]


def _cast(scope: ExplainScope, node: ast.Cast) -> Term | None:
    operand = read_term(scope, node.operand)
    if operand is None or operand.is_literal or node.form == "TRY_CAST":
        return None
    if node.type == "DATE" and operand.type is ValueType.TIME:
        return day_of(operand)
    if is_time_type(node.type) and operand.type is ValueType.TIME and node.type == "TIMESTAMP":
        return operand
    return None

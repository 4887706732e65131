"""The literals of a query, and the query without them: what two queries must share to be folded.

A literal is only one where a name such as `@country` may stand in its place, and where the name
would be written out as the same SQL. So the number of an interval, the string of TIMESTAMP '…' and
a string with escapes that segctl would write in another way are part of the shape. Compares
nothing, and knows no segments.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from segctl.model.values import value_problem
from segctl.query import ast
from segctl.query.list_ids import list_ids_of_call
from segctl.query.parser.parse import parse
from segctl.query.references import literal
from segctl.query.visit import children

if TYPE_CHECKING:
    from collections.abc import Iterator

    from segctl.model.values import Scalar, Value
    from segctl.query.parser.tokens import Token

_INTEGER = re.compile(r"0|[1-9]\d{0,14}")
_DECIMAL = re.compile(r"\d{1,9}\.\d{1,6}")


@dataclass(frozen=True, slots=True)
class Literal:
    """A literal, or a list of them: `text[start:end]`, and its value.

    `noun` is the column that it is compared with, or the unit that it counts, empty where there is
    neither. `items` are those of a list, whose `value` is a tuple; a list after IN is
    `text[start:end]` with its parentheses. `is_list_id` says that it is the id of a contact list,
    or a list of them. `number_start` is where a negative number is without its sign.
    """

    start: int
    end: int
    value: Value
    noun: str = ""
    items: tuple[Literal, ...] = ()
    is_list_id: bool = False
    number_start: int = 0

    @property
    def is_negative(self) -> bool:
        """Whether it is a number with a minus."""
        return self.number_start > self.start


@dataclass(frozen=True, slots=True)
class QueryShape:
    """A query as what is left of it without its literals, and the literals in their order.

    `tokens` are equal for two queries that differ in nothing but literals, in the lengths of their
    lists, and in white space. Comments belong to them.
    """

    tokens: tuple[str, ...]
    literals: tuple[Literal, ...]


def query_shape(text: str) -> QueryShape | None:
    """Return the shape of a query, or `None` where segctl cannot read it."""
    parsed = parse(text)
    if parsed.query is None:
        return None
    tokens = parsed.tokens
    literals = [*_literals(parsed.query, "", _TokenIndex(tokens))]
    shape = [comment.text for comment in parsed.query.comments]
    position = 0
    for part in literals:
        while tokens[position].start < part.start:
            shape.append(tokens[position].text)
            position += 1
        while position < len(tokens) and tokens[position].start < part.end:
            position += 1
        shape.append("@[]" if isinstance(part.value, tuple) else "@")
    shape += [token.text for token in tokens[position:]]
    return QueryShape(tuple(shape), tuple(literals))


class _TokenIndex:
    """The tokens beside a place."""

    def __init__(self, tokens: tuple[Token, ...]) -> None:
        self._by_start = {token.start: number for number, token in enumerate(tokens)}
        self._by_end = {token.end: number for number, token in enumerate(tokens)}
        self._tokens = tokens

    def around(self, start: int, end: int) -> tuple[int, int] | None:
        """Return the range with the parentheses right around it, after IN; else `None`."""
        first, last = self._by_start[start], self._by_end[end]
        before = [token.upper for token in self._tokens[max(first - 2, 0) : first]]
        if before != ["IN", "("] or self._tokens[last + 1].text != ")":
            return None
        return self._tokens[first - 1].start, self._tokens[last + 1].end


def _literals(node: ast.Node, noun: str, tokens: _TokenIndex) -> Iterator[Literal]:
    """Yield the literals of an expression or a query, in the order of their places.

    `noun` is that of what it is part of.
    """
    if isinstance(node, ast.Column | ast.Interval) or _is_typed(node):
        return
    whole = _scalar(node, noun) or _list(node, noun, tokens)
    if isinstance(node, ast.Comparison | ast.Like | ast.Between | ast.In | ast.Call):
        noun = _noun(node.operand if isinstance(node, ast.In) else node) or noun
    if whole is not None:
        yield whole
    ids = list_ids_of_call(node) if isinstance(node, ast.Call) else ()
    starts = {item.start for item in ids}
    parts = [
        _as_list_id(part, starts)
        for child in children(node)
        if whole is None or child.start < whole.start
        for part in _literals(child, noun, tokens)
    ]
    yield from sorted(parts, key=lambda part: part.start)


def _is_typed(node: ast.Node) -> bool:
    """Return whether it is a literal such as DATE '…', whose string no name can replace."""
    return isinstance(node, ast.Cast) and node.form == "literal"


def _as_list_id(part: Literal, ids: set[int]) -> Literal:
    if not ids:
        return part
    items = tuple(_as_list_id(item, ids) for item in part.items)
    is_list_id = all(item.is_list_id for item in items) if items else part.start in ids
    noun = "list_id" if is_list_id else part.noun
    return replace(part, noun=noun, items=items, is_list_id=is_list_id)


def _list(node: ast.Node, noun: str, tokens: _TokenIndex) -> Literal | None:
    """Return a list of literals: an array, or that of an IN; `None` where an item is none."""
    match node:
        case ast.Array(items=nodes, start=start, end=end) if nodes:
            place: tuple[int, int] | None = start, end
        case ast.In(items=tuple() as nodes, operand=operand):
            place, noun = tokens.around(nodes[0].start, nodes[-1].end), _noun(operand) or noun
        case _:
            return None
    items = tuple(item for part in nodes if (item := _scalar(part, noun)) is not None)
    values: list[Scalar] = [item.value for item in items if not isinstance(item.value, tuple)]
    if (
        place is None
        or len(values) != len(nodes)
        or any(isinstance(value, bool) for value in values)
    ):
        return None
    return Literal(*place, tuple(values), noun, items)


def _scalar(node: ast.Node, noun: str) -> Literal | None:
    match node:
        case ast.String(value=value, raw=raw) if literal(value) == f"'{raw}'":
            return None if value_problem(value) else Literal(node.start, node.end, value, noun)
        case ast.Boolean(value=value):
            return Literal(node.start, node.end, value, noun)
        case ast.Number(text=text):
            number = _number(text)
            return None if number is None else Literal(node.start, node.end, number, noun)
        case ast.Unary(op="-", operand=ast.Number(text=text, start=start)):
            number = _number(text)
            if number:
                return Literal(node.start, node.end, -number, noun, number_start=start)
    return None


def _number(text: str) -> int | float | None:
    """Return a number that is written as `text`."""
    if _INTEGER.fullmatch(text):
        return int(text)
    number = float(text) if _DECIMAL.fullmatch(text) else None
    return number if number is not None and literal(number) == text else None


def _noun(node: ast.Node) -> str:
    """Return the first column in an expression, or the unit of a date function; else nothing."""
    pending: list[Any] = [node]
    while pending:
        part = pending.pop(0)
        match part:
            case ast.DatePart(name=name):
                return name.text if name.text.lower().endswith("s") else f"{name.text}s"
            case ast.Column(name=name, path=path):
                keys = [step.text for step in path if isinstance(step, ast.Name)]
                return keys[-1] if keys else name.text
            case ast.Subquery() | ast.Exists():
                continue
        pending += children(part)
    return ""

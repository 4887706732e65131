"""Classes of literals: those that no rule can tell apart, whatever query has them.

`validate` checks one of a thousand queries that differ in such literals only. What no class
covers for certain (e-mail addresses, phone numbers, patterns, escapes) is in a class of its own:
slower, never wrong. Whoever adds a rule that looks at literals adds here what it sees. Checks
nothing itself.
"""

from __future__ import annotations

import itertools
import re
from bisect import bisect_left
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from segctl.common.timestamps import TIME, parse_lenient_time
from segctl.common.uuids import UUID
from segctl.query import ast
from segctl.query.catalogue import COLUMN_LENGTHS
from segctl.query.lint.literals import is_phone_number
from segctl.query.lint.types import NUMERIC_TEXT
from segctl.query.lint.values import compare, is_time_sum, value_of
from segctl.query.parser.tokens import TokenKind, lower
from segctl.query.visit import children

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from segctl.query.parser.parse import ParsedQuery
    from segctl.query.parser.tokens import Token

_ITEM = r"'[^'\\]*+'|\d{1,12}(?:\.\d{1,6})?+|\(-\d{1,12}(?:\.\d{1,6})?\)"
_LITERAL = re.compile(_ITEM)
_OPERAND = re.compile(rf"(?:{_ITEM})|(?P<list>[\[(](?:{_ITEM})(?:, (?:{_ITEM}))*+[\])])")
_SPECIAL = re.compile(r"[@%${<]|segctl:")
"""What may make a string personal data, a pattern, a placeholder or a comment."""

_LENGTHS = sorted({*COLUMN_LENGTHS.values()})
_EVENT_COLUMNS = frozenset(("event_type", "event_source"))
_LITERAL_TOKENS = (TokenKind.STRING, TokenKind.NUMBER, TokenKind.QUOTED)
_COMPARES = (ast.Comparison, ast.In, ast.Between, ast.Array)
_COMPARES_TEXT = (*_COMPARES, ast.Like, ast.Call)
_ARITHMETIC = (ast.Number, ast.Unary, ast.Binary)
_MAX_AMOUNT = 10**9
"""Larger numbers are no amount of time."""

_MAX_COMPARED = 8
"""Numbers, or times, of one query that are compared with each other to find its class."""


class Operand(NamedTuple):
    """SQL in place of a reference: its `shape`, which has no literals, and its literals in order.

    Two queries with the same text around operands of the same shapes have the same tree but for
    those literals. SQL that is not a literal or a list of them is its own shape.
    """

    shape: str
    literals: tuple[str, ...] = ()
    offsets: tuple[int, ...] = ()


@lru_cache(1 << 14)
def split_operand(sql: str) -> Operand:
    """Return the shape and the literals of an operand. Those without a class are in the shape."""
    match = _OPERAND.fullmatch(sql)
    if match is None:
        return Operand(sql)
    if match["list"] is None:
        kind = _kind(sql)
        return Operand(kind, (sql,), (0,)) if kind else Operand(sql)
    found = [*_LITERAL.finditer(sql, 1, len(sql) - 1)]
    if not all(_kind(item[0]) for item in found):
        return Operand(sql)
    # NUL is in no query, so no operand has this shape by its text.
    shape = f"{sql[0]}{','.join(_kind(item[0]) for item in found)}{sql[-1]}"
    return Operand(shape, tuple(item[0] for item in found), tuple(item.start() for item in found))


def _kind(literal: str) -> str:
    """Return what stands for a literal in a shape, empty where no class covers it."""
    if literal[0] == "'":
        return "\0text" if _traits(literal) else ""
    if is_phone_number(literal):
        return ""
    return "\0negative" if literal[0] == "(" else "\0number"


def literal_tokens(parsed: ParsedQuery) -> Iterator[Token]:
    """Yield the tokens of a query that are literals, and quoted names."""
    return (token for token in parsed.tokens if token.kind in _LITERAL_TOKENS)


class _Traits(NamedTuple):
    """What rules see in a string alone; the rest they see in comparing it with others."""

    length: int
    has_underscore: bool = False
    is_digits: bool = False
    is_numeric: bool = False
    is_id: bool = False
    time_form: tuple[bool, bool] | None = None


@lru_cache(1 << 14)
def _traits(literal: str) -> _Traits | None:
    """Return the traits of a string in quotes, `None` where no class covers it."""
    text = literal[1:-1]
    length = bisect_left(_LENGTHS, len(text))
    if text.isidentifier():  # neither a number nor a time nor an id
        return _Traits(length, "_" in text)
    if text != text.strip() or not text or not text.isprintable() or _SPECIAL.search(text):
        return None
    if is_phone_number(text):
        return None
    form = TIME.fullmatch(text)
    if form is not None and parse_lenient_time(text) is None:
        return None
    return _Traits(
        length,
        "_" in text,
        text.isdigit(),
        NUMERIC_TEXT.fullmatch(text) is not None,
        UUID.fullmatch(text) is not None,
        (form["clock"] is None, form["zone"] is None) if form else None,
    )


class LiteralClasses:
    """The classes of some of the literals of one query: those with these texts at these offsets.

    `known_lists` are the ids of the account's lists in lower case, `None` where they are not known.
    """

    def __init__(
        self,
        parsed: ParsedQuery,
        literals: Sequence[str],
        offsets: Sequence[int],
        known_lists: Collection[str] | None,
    ) -> None:
        self._known_lists = known_lists
        self._texts: set[str] = set()
        self._times: list[datetime] = []
        self._numbers: list[Decimal] = []
        places = {
            # A negative number begins with a parenthesis and its sign.
            offset + 2 * (literal[0] == "("): number
            for number, (literal, offset) in enumerate(zip(literals, offsets, strict=True))
        }
        covered = set()
        if parsed.query is not None:
            nodes = [*_with_parents(parsed.query)]
            self._read_constants(nodes, places)
            covered = {*_covered(nodes, literals, places)}
        self.exact = tuple(number for number in range(len(literals)) if number not in covered)
        """The numbers of the literals at places where no class covers any."""
        self.other_literals = [
            token.text for token in literal_tokens(parsed) if token.start not in places
        ]
        """The literals elsewhere in the query, as written."""

    def _read_constants(self, nodes: Iterable[_Placed], places: Mapping[int, int]) -> None:
        """Note what else in the query the literals are compared with."""
        for node, parent, _ in nodes:
            if isinstance(node, ast.String):
                if node.start not in places:
                    self._texts |= {_fold(node.raw), _fold(node.value)}
                    time = parse_lenient_time(node.value)
                    self._times += [] if time is None else [time]
            elif isinstance(node, _ARITHMETIC) and not isinstance(parent, _ARITHMETIC):
                value = value_of(node)
                if isinstance(value, Decimal) and _without_signs(node).start not in places:
                    self._numbers.append(value)
        self._numbers.sort()

    def key(self, literals: Sequence[str]) -> Hashable:
        """Return what is equal for literals that no rule tells apart in this query."""
        key: list[Hashable] = []
        first_by_text: dict[str, tuple[int, str]] = {}
        times: list[datetime] = []
        numbers: list[tuple[Decimal, str]] = []
        for number, literal in enumerate(literals):
            if literal[0] == "'":
                folded, traits = _fold(literal[1:-1]), _traits(literal)
                first, same = first_by_text.setdefault(folded, (number, literal))
                is_unknown = traits is None or (traits.is_id and self._is_unknown(folded))
                is_exact = is_unknown or folded in self._texts or same != literal
                key.append((traits, first, (literal, same) if is_exact else ""))
                if traits is not None and traits.time_form is not None:
                    time = parse_lenient_time(literal[1:-1])
                    times += [] if time is None else [time]
            else:
                value = Decimal(literal.strip("()"))
                rank = bisect_left(self._numbers, value)
                is_exact = self._numbers[rank : rank + 1] == [value]
                key.append((rank, value == 0, value > _MAX_AMOUNT, literal if is_exact else ""))
                numbers.append((value, literal))
        if len(numbers) > 1 or times:
            key.append(tuple(self._order(literals, numbers, times)))
        return tuple(key)

    def _is_unknown(self, list_id: str) -> bool:
        return self._known_lists is not None and list_id not in self._known_lists

    def _order(
        self,
        literals: Sequence[str],
        numbers: Sequence[tuple[Decimal, str]],
        times: Sequence[datetime],
    ) -> Iterator[Hashable]:
        """Yield how numbers and times compare with each other, and times with other ones."""
        if max(len(numbers), len(times)) > _MAX_COMPARED:
            yield tuple(literals)
            return
        for (value, literal), (other, other_literal) in itertools.combinations(numbers, 2):
            yield compare(value, other)
            if value == other and literal != other_literal:
                yield literal, other_literal
        for time, other_time in itertools.combinations(times, 2):
            yield compare(time, other_time)
        for time in times:
            yield tuple(compare(time, other_time) for other_time in self._times)


def _fold(text: str) -> str:
    """Return a form that is equal for strings that rules may take for equal."""
    return text.strip().casefold()


def _without_signs(node: ast.Node) -> ast.Node:
    while isinstance(node, ast.Unary):
        node = node.operand
    return node


class _Placed(NamedTuple):
    """A node, the first node above it that is not a sign, and the number of signs between."""

    node: ast.Node
    parent: ast.Node
    signs: int


def _with_parents(query: ast.Query) -> Iterator[_Placed]:
    pending = [_Placed(query, query, 0)]
    while pending:
        placed = pending.pop()
        yield placed
        node, parent, signs = placed
        above = (parent, signs + 1) if isinstance(node, ast.Unary) else (node, 0)
        pending += [_Placed(child, *above) for child in children(node)]


def _covered(
    nodes: Sequence[_Placed], literals: Sequence[str], places: Mapping[int, int]
) -> Iterator[int]:
    """Yield the numbers of the literals that rules see as `LiteralClasses` compares them."""
    relative_times = sum(isinstance(node, ast.Interval) or is_time_sum(node) for node, *_ in nodes)
    joins_strings = any(isinstance(node, ast.Binary) and node.op == "||" for node, *_ in nodes)
    for node, parent, signs in nodes:
        number = places.get(node.start)
        if number is None:
            continue
        if isinstance(node, ast.String):
            is_escape = isinstance(parent, ast.Like) and parent.escape is node
            is_certain = isinstance(parent, _COMPARES_TEXT) and not is_time_sum(parent)
            if is_certain and not is_escape and not joins_strings and not _asks_event(parent):
                yield number
        elif isinstance(node, ast.Number):
            if isinstance(parent, ast.Interval) or is_time_sum(parent):
                # Two of them are compared with each other: that is not covered.
                if relative_times == 1:
                    yield number
            elif isinstance(parent, _COMPARES) and signs == (literals[number][0] == "("):
                yield number


def _asks_event(node: ast.Node) -> bool:
    """Return whether a column of `node` has known words, of which a string may be a misspelling."""
    return any(
        isinstance(child, ast.Column) and lower(child.name.text) in _EVENT_COLUMNS
        for child in children(node)
    )

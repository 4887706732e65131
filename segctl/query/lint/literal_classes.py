"""Classes of literals: those that no rule can tell apart, whatever query has them.

`validate` checks one of a thousand queries that differ in such literals only. What no class
covers for certain (e-mail addresses, phone numbers, patterns, escapes) is in a class of its own:
slower, never wrong. A new rule that looks at literals adds to the traits here what it looks at.
Checks nothing itself.
"""

from __future__ import annotations

import itertools
import re
from bisect import bisect_left
from dataclasses import fields, replace
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from segctl.common.timestamps import TIME, parse_lenient_time
from segctl.common.uuids import UUID
from segctl.query import ast
from segctl.query.catalogue import COLUMN_LENGTHS
from segctl.query.lint.literals import is_phone_number
from segctl.query.lint.types import NUMERIC_TEXT
from segctl.query.lint.values import (
    RelativeTime,
    Value,
    compare,
    is_time_sum,
    relative_time,
    value_of,
)
from segctl.query.parser.lexer import Lexer
from segctl.query.parser.tokens import TokenKind, lower
from segctl.query.visit import children

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from segctl.query.parser.parse import ParsedQuery
    from segctl.query.parser.tokens import Token

_LITERAL = re.compile(r"'[^'\\]*+'|\d{1,12}(?:\.\d{1,6})?|\(-\d{1,12}(?:\.\d{1,6})?\)", re.ASCII)
_SPECIAL = re.compile(r"[@%${<]|segctl:")
"""What may make a string personal data, a pattern, a placeholder or a comment."""

_LENGTHS = sorted({*COLUMN_LENGTHS.values()})
_EVENT_COLUMNS = frozenset(("event_type", "event_source"))
_LITERAL_TOKENS = (TokenKind.STRING, TokenKind.NUMBER, TokenKind.QUOTED)
_COMPARES = (ast.Comparison, ast.In, ast.Between, ast.Array)
_COMPARES_TEXT = (*_COMPARES, ast.Like, ast.Call)
_ARITHMETIC = (ast.Number, ast.Unary, ast.Binary)
_MAX_AMOUNT_DIGITS = 9
_MAX_COMPARED = 8
"""Numbers, or times, of one query that are compared with each other to find its class."""


class Operand(NamedTuple):
    """SQL in place of a reference: its `shape`, which has no literals, and its literals in order.

    Two queries with the same text around operands of the same shapes have the same tree but for
    those literals. In a shape, a NUL, which no query contains, starts the placeholder of a literal.
    """

    shape: str
    literals: tuple[str, ...] = ()
    offsets: tuple[int, ...] = ()


@lru_cache(1 << 14)
def split_operand(sql: str) -> Operand:
    """Return the shape and the literals of an operand. Those without a class are in the shape."""
    if _LITERAL.fullmatch(sql):
        kind = _kind(sql)
        return Operand(kind, (sql,), (0,)) if kind else Operand(sql)
    lexer = Lexer(sql)
    lexer.tokenize()
    if lexer.problems or not lexer.tokens:
        return Operand(sql)
    literals = [
        token for token in lexer.tokens if _LITERAL.fullmatch(token.text) and _kind(token.text)
    ]
    pieces, end = [], 0
    for token in literals:
        pieces += [sql[end : token.start], _kind(token.text)]
        end = token.end
    texts, offsets = [token.text for token in literals], [token.start for token in literals]
    return Operand("".join([*pieces, sql[end:]]), tuple(texts), tuple(offsets))


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
        self._relative_times: list[RelativeTime] = []
        self._amounts: dict[int, _Amount] = {}
        self._known: dict[tuple[int, str], _Seen] = {}
        places = {
            # A negative number begins with a parenthesis and its sign.
            offset + 2 * (literal[0] == "("): number
            for number, (literal, offset) in enumerate(zip(literals, offsets, strict=True))
        }
        covered = set()
        if parsed.query is not None:
            nodes = [*_with_parents(parsed.query)]
            self._read_constants(nodes, places)
            self._read_relative_times(nodes, places)
            covered = {*self._amounts, *_covered(nodes, literals, places)}
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

    def _read_relative_times(self, nodes: Sequence[_Placed], places: Mapping[int, int]) -> None:
        """Note the times relative to now, and which of the literals are an amount in one."""
        amounts = {
            node.start
            for node, parent, _ in nodes
            if isinstance(node, ast.Number)
            and (isinstance(parent, ast.Interval) or is_time_sum(parent))
        }
        for node, parent, _ in nodes:
            if not isinstance(parent, _COMPARES) or not isinstance(node, ast.Call | ast.Binary):
                continue
            inside = [place for place in places if node.start <= place < node.end]
            if not inside:
                relative = relative_time(node)
                self._relative_times += [] if relative is None else [relative]
            elif len(inside) == 1 and inside[0] in amounts:
                amount = _Amount.read(node, inside[0])
                if amount is not None:
                    self._amounts[places[inside[0]]] = amount

    def key(self, literals: Sequence[str]) -> Hashable:
        """Return what is equal for literals that no rule tells apart in this query."""
        known = self._known
        seen = []
        for number, literal in enumerate(literals):
            if (number, literal) not in known:
                known[number, literal] = self._look_at(number, literal)
            seen.append(known[number, literal])
        if len(seen) == 1:
            return seen[0].key
        return tuple([literal.key for literal in seen]), tuple(_relations(seen))

    def _look_at(self, number: int, literal: str) -> _Seen:
        """Return what rules see in a literal with this number alone, and beside the query."""
        if number in self._amounts:
            relative = self._amounts[number].time(literal)
            if relative is None:
                return _Seen(literal, literal)
            earliest, _ = relative.bounds
            orders = [compare(relative, other) for other in self._relative_times]
            exact = literal if 0 in orders else ""
            return _Seen(literal, (earliest > 0, earliest == 0, *orders, exact), amount=relative)
        if literal[0] != "'":
            value = Decimal(literal.strip("()"))
            rank = bisect_left(self._numbers, value)
            exact = literal if self._numbers[rank : rank + 1] == [value] else ""
            return _Seen(literal, (rank, exact), number=value)
        folded, traits = _fold(literal[1:-1]), _traits(literal)
        if traits is None or folded in self._texts or (traits.is_id and self._is_unknown(folded)):
            return _Seen(literal, literal, folded)
        time = parse_lenient_time(literal[1:-1]) if traits.time_form else None
        orders = [compare(time, other) for other in self._times] if time else []
        return _Seen(literal, (traits, *orders), folded, time=time)

    def _is_unknown(self, list_id: str) -> bool:
        return self._known_lists is not None and list_id not in self._known_lists


class _Seen(NamedTuple):
    """What rules see in a literal, and what they compare it by with the others."""

    literal: str
    key: Hashable
    text: str | None = None
    number: Decimal | None = None
    time: datetime | None = None
    amount: RelativeTime | None = None


def _relations(seen: Sequence[_Seen]) -> Iterator[Hashable]:
    """Yield what rules see in comparing literals of one query with each other."""
    texts = [(item.text, item.literal) for item in seen if item.text is not None]
    if len({text for text, _ in texts}) < len(texts):
        firsts: dict[str, str] = {}
        for text, literal in texts:
            first = firsts.setdefault(text, literal)
            yield [*firsts].index(text), "" if first == literal else (first, literal)
    numbers = [(item.number, item.literal) for item in seen if item.number is not None]
    times = [(item.time, item.literal) for item in seen if item.time is not None]
    amounts = [(item.amount, item.literal) for item in seen if item.amount is not None]
    ordered: tuple[Sequence[tuple[Value, str]], ...] = (numbers, times, amounts)
    for values in ordered:
        if len(values) > _MAX_COMPARED:
            yield tuple(literal for _, literal in values)
            continue
        for (value, literal), (other, other_literal) in itertools.combinations(values, 2):
            order = compare(value, other)
            yield order, "" if order or literal == other_literal else (literal, other_literal)


def _fold(text: str) -> str:
    """Return a form that is equal for strings that rules may take for equal."""
    return text.strip().casefold()


class _Amount(NamedTuple):
    """A literal that is the amount in a time relative to now: the time with 0, and with 1."""

    none: RelativeTime
    unit: RelativeTime

    @classmethod
    def read(cls, node: ast.Node, offset: int) -> _Amount | None:
        """Return the amount at an offset of a node, `None` where the node is no such time."""
        none, unit = (relative_time(_replaced(node, offset, text)) for text in ("0", "1"))
        return None if none is None or unit is None else cls(none, unit)

    def time(self, literal: str) -> RelativeTime | None:
        """Return the time with a literal of the same shape, `None` where it is no usual amount."""
        text = literal.strip("(-)")
        if not text.isdecimal() or len(text) > _MAX_AMOUNT_DIGITS:
            return None
        (months, seconds), amount = self._difference, int(text)
        return RelativeTime(
            self.none.months + amount * months, self.none.seconds + amount * seconds
        )

    @property
    def _difference(self) -> tuple[int, int]:
        return self.unit.months - self.none.months, self.unit.seconds - self.none.seconds


def _replaced(node: Any, offset: int, text: str) -> Any:
    """Return a node with the number at an offset replaced."""
    if isinstance(node, ast.Number):
        return replace(node, text=text)
    if isinstance(node, tuple):
        return tuple(
            _replaced(item, offset, text) if item.start <= offset < item.end else item
            for item in node
        )
    changes = {
        field.name: _replaced(value, offset, text)
        for field in fields(node)
        if isinstance(value := getattr(node, field.name), tuple)
        or (isinstance(value, ast.Node) and value.start <= offset < value.end)
    }
    return replace(node, **changes)


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
            has_sign = literals[number][0] == "("
            if isinstance(parent, _COMPARES) and signs == has_sign:
                yield number


def _asks_event(node: ast.Node) -> bool:
    """Return whether a column of `node` has known words, of which a string may be a misspelling."""
    return any(
        isinstance(child, ast.Column) and lower(child.name.text) in _EVENT_COLUMNS
        for child in children(node)
    )

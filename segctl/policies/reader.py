"""Formulas from conditions: what it means for a contact that one is TRUE, or is not.

Works on conditions whose columns are named (`names`). Each step is exact in three-valued logic or
says less than the condition, never more: what is not understood becomes one unknown value, which is
the same wherever the same is written, and whatever is not certain says nothing.
"""

from __future__ import annotations

import re
from itertools import count
from typing import TYPE_CHECKING

from segctl.audience.literals import text_value
from segctl.policies.comparisons import VALUES, ComparisonReader, known_value
from segctl.policies.formulas import (
    ANYTHING,
    FALSE,
    NEGATED,
    NOTHING,
    OPPOSITE,
    POSITIVE,
    TRUE,
    Conditions,
    Contains,
    Formula,
    Matches,
    NoRow,
    OneOf,
    Row,
    Wanted,
    all_of,
    any_of,
)
from segctl.policies.names import CONTACT, CONTACTS, NotUnderstood, with_aliases
from segctl.policies.patterns import Wildcard, in_lower_case, read_pattern
from segctl.policies.values import cases_of, is_aggregate
from segctl.query import ast
from segctl.query.catalogue import JOIN_COLUMN, ColumnType
from segctl.query.joins import operands_of
from segctl.query.list_ids import is_list_column, normal_list_ids
from segctl.query.parser.tokens import upper
from segctl.query.value_types import CannotTranslate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_LISTS = frozenset(("ARRAY_CONTAINS", "ARRAYS_OVERLAP"))
_PARTS_OF_TEXTS = frozenset(("STARTSWITH", "ENDSWITH", "CONTAINS"))
_fresh = count(1)

MAX_STEPS = 20_000
"""Steps in which a condition is read: CASE in conditions of CASE takes exponentially many."""


class Reader(ComparisonReader):
    """Reads conditions on a contact."""

    def formula(  # noqa: C901, PLR0911, PLR0912 - one branch a shape
        self, node: ast.Expression, wanted: Wanted
    ) -> Formula:
        """Return what it means that a condition is what it must be. Raises `NotUnderstood`."""
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise NotUnderstood(node, "the condition is too large")
        match node:
            case ast.And(operands=operands) | ast.Or(operands=operands):
                parts = [self.formula(operand, wanted) for operand in operands]
                is_all = isinstance(node, ast.And) == (wanted in POSITIVE)
                return all_of(parts) if is_all else any_of(parts)
            case ast.Not(operand=operand):
                return self.formula(operand, NEGATED[wanted])
            case ast.IsTruth(operand=operand, value=value, negated=negated):
                inner = Wanted.TRUE if value else Wanted.FALSE
                holds = negated != (wanted in POSITIVE)
                return self.formula(operand, inner if holds else OPPOSITE[inner])
            case ast.Boolean(value=value):
                return known_value(wanted, value)
            case ast.Null():
                return known_value(wanted, None)
            case ast.Comparison(op=op, left=left, right=right):
                return self.comparison(op, left, right, wanted)
            case ast.Between(operand=operand, low=low, high=high, negated=negated):
                inner = NEGATED[wanted] if negated else wanted
                bounds = (
                    self.comparison(">=", operand, low, inner),
                    self.comparison("<=", operand, high, inner),
                )
                return all_of(bounds) if inner in POSITIVE else any_of(bounds)
            case ast.In(operand=operand, items=items, negated=negated):
                inner = NEGATED[wanted] if negated else wanted
                if isinstance(items, ast.Subquery):
                    return self._in_subquery(operand, items.query, inner)
                return self.in_items(operand, items, inner)
            case ast.IsNull(operand=operand, negated=negated):
                return self._null_test(operand, is_null=negated != (wanted in POSITIVE))
            case ast.Like():
                return self._like(node, wanted)
            case ast.Exists(query=query):
                known = OneOf(self.key(node), TRUE if wanted in POSITIVE else FALSE)
                return all_of((known, self._rows(query, (), holds=wanted in POSITIVE)))
            case ast.Call(name=name) if upper(name.text) in _LISTS:
                return self._list_call(node, wanted)
            case ast.Call(name=name, args=(text, part)) if upper(name.text) in _PARTS_OF_TEXTS:
                return self._part_of_text(node, text, part, wanted)
            case ast.Call(name=name, args=(left, right)) if upper(name.text) == "EQUAL_NULL":
                return self.comparison("IS NOT DISTINCT FROM", left, right, wanted)
            case ast.Call() | ast.Case() if cases := cases_of(node):
                return self.by_case(cases, lambda value: self.formula(value, wanted))
            case _:
                return self.opaque(node, wanted)

    def _null_test(self, operand: ast.Expression, *, is_null: bool) -> Formula:
        """Return that IS NULL is true of an expression, or not."""
        if not isinstance(operand, ast.Column) or not operand.path:
            return self.null(operand, is_null=is_null)
        # A JSON null is not NULL, although it compares like it.
        test = OneOf(f"{self.key(operand)} IS NULL", TRUE if is_null else FALSE)
        return all_of((test, self.null(operand, is_null=True))) if is_null else test

    def _like(self, node: ast.Like, wanted: Wanted) -> Formula:
        pattern = _pattern_of(node)
        if pattern is None:
            return self.opaque(node, wanted)
        inner = NEGATED[wanted] if node.negated else wanted
        folded = node.kind == "ILIKE"
        return self._matches(
            node.operand, in_lower_case(pattern) if folded else pattern, inner, folded=folded
        )

    def _matches(
        self,
        operand: ast.Expression,
        pattern: tuple[str | Wildcard, ...],
        wanted: Wanted,
        *,
        folded: bool = False,
    ) -> Formula:
        negated = wanted not in POSITIVE
        fact: Formula = Matches(self.key(operand), pattern, folded, negated)
        if pattern == (Wildcard.MANY,):
            fact = NOTHING if negated else ANYTHING
        return self.of_value(operand, fact, wanted)

    def _part_of_text(
        self, node: ast.Call, text: ast.Expression, part: ast.Expression, wanted: Wanted
    ) -> Formula:
        value = _text(part)
        if value is None or self.type_of(text) in (ColumnType.ARRAY, ColumnType.VARIANT):
            return self.opaque(node, wanted)
        function = upper(node.name.text)
        pattern: list[str | Wildcard] = [*value]
        if function != "STARTSWITH":
            pattern.insert(0, Wildcard.MANY)
        if function != "ENDSWITH" and pattern != [Wildcard.MANY]:
            pattern.append(Wildcard.MANY)
        return self._matches(text, tuple(pattern), wanted)

    def _list_call(self, node: ast.Call, wanted: Wanted) -> Formula:
        match node.args:
            case (ast.Column(path=()) as column, ast.Array(items=items)):
                pass
            case (ast.Column(path=()) as column, ast.String() as item) if (
                upper(node.name.text) == "ARRAY_CONTAINS"
            ):
                items = (item,)
            case _:
                return self.opaque(node, wanted)
        texts = [_text(item) for item in items]
        if None in texts or not texts:
            return self.opaque(node, wanted)
        known = [text for text in texts if text is not None]
        return self.contains(column, known, wanted)

    def contains(self, column: ast.Column, items: Iterable[str], wanted: Wanted) -> Formula:
        """Return that a list contains one of the items, or does not."""
        chosen = frozenset(normal_list_ids(items) if is_list_column(column) else items)
        fact = Contains(self.key(column), chosen, negated=wanted not in POSITIVE)
        return self.of_value(column, fact, wanted)

    def _in_subquery(self, operand: ast.Expression, query: ast.Query, wanted: Wanted) -> Formula:
        known = OneOf(f"{self.key(operand)} IN ({self._writer.query(query)})", VALUES[wanted])
        if len(query.select) != 1:
            return known
        item = query.select[0].value
        equal = ast.Comparison(start=0, end=0, op="=", left=operand, right=item)
        # It is NULL where no row has an equal item, but some row has one that may be.
        needed = Wanted.TRUE if wanted in (Wanted.TRUE, Wanted.NOT_TRUE) else Wanted.NOT_FALSE
        rows = self._rows(query, ((equal, needed),), holds=wanted in POSITIVE)
        return all_of((known, rows))

    def _rows(self, query: ast.Query, more: Conditions, *, holds: bool) -> Formula:
        """Return that a subquery has a row, or that it has none."""
        if any(is_aggregate(item.value) for item in query.select):
            return ANYTHING
        tables = tuple(_tables_of(query))
        conditions = (*((node, Wanted.TRUE) for node in operands_of(query.where)), *more)
        return self.some_row(tables, conditions) if holds else NoRow(tables, conditions)

    def some_row(self, tables: tuple[tuple[str, str], ...], conditions: Conditions) -> Formula:
        """Return that rows of tables, by alias, fulfil all conditions: they get a name each."""
        linked = linked_aliases(conditions, {alias for alias, _ in tables})
        aliases = {}
        parts: list[Formula] = []
        new_linked = set()
        for alias, table in tables:
            if alias in linked and table == CONTACTS:
                # A contact has one row.
                aliases[alias] = CONTACT
                continue
            name = aliases[alias] = f"r{next(_fresh)}"
            if alias in linked:
                new_linked.add(name)
            parts.append(Row(name, table, alias in linked))
        for node, wanted in conditions:
            renamed = with_aliases(node, aliases, frozenset(new_linked))
            parts.append(self.formula(renamed, wanted))
        return all_of(parts)

    def not_met(self, no_row: NoRow, rows: Sequence[Row]) -> Formula:
        """Return that these rows do not fulfil all conditions together."""
        aliases = {alias: row.alias for (alias, _), row in zip(no_row.tables, rows, strict=True)}
        linked = frozenset(row.alias for row in rows if row.is_linked)
        return any_of(
            self.formula(with_aliases(node, aliases, linked), OPPOSITE[wanted])
            for node, wanted in no_row.conditions
        )


def linked_aliases(conditions: Conditions, aliases: set[str]) -> set[str]:
    """Return the aliases whose contact_id must be that of the contact."""
    linked = {CONTACT}
    pairs = [pair for node, wanted in conditions if wanted is Wanted.TRUE
             and (pair := _contact_ids(node))]  # fmt: skip
    for _ in pairs:
        for first, second in pairs:
            if first in linked or second in linked:
                linked |= {first, second}
    return linked & aliases


def _contact_ids(node: ast.Expression) -> tuple[str, str] | None:
    match node:
        case ast.Comparison(
            op="=",
            left=ast.Column(qualifier=ast.Name(text=first), name=left, path=()),
            right=ast.Column(qualifier=ast.Name(text=second), name=right, path=()),
        ) if {left.text, right.text} == {JOIN_COLUMN} and not (left.quoted or right.quoted):
            return first, second
    return None


def _tables_of(query: ast.Query) -> Iterator[tuple[str, str]]:
    for source in query.sources:
        if not isinstance(source, ast.Table) or source.alias is None:
            raise NotUnderstood(source, "the query reads from something else than a table")
        yield source.alias.text, source.name.text


def _text(node: ast.Expression) -> str | None:
    """Return a string that means the same everywhere, or `None`."""
    if not isinstance(node, ast.String):
        return None
    try:
        return text_value(node)
    except CannotTranslate:
        return None


def _pattern_of(node: ast.Like) -> tuple[str | Wildcard, ...] | None:
    """Return the pattern of a LIKE, or `None` where its meaning is not certain."""
    text = _text(node.pattern)
    escape = _text(node.escape) if node.escape else ""
    if node.kind not in ("LIKE", "ILIKE") or text is None or escape is None:
        return None
    if node.kind == "ILIKE" and not (text.isascii() and (escape + "!").isascii()):
        return None
    if not escape:
        return None if "\\" in text else read_pattern(text)
    if len(escape) != 1 or escape.isalnum() or escape in "%_":
        return None
    quoted = re.escape(escape)
    is_certain = re.fullmatch(rf"(?:[^{quoted}]|{quoted}[%_{quoted}])*", text, re.DOTALL)
    return read_pattern(text, escape) if is_certain else None

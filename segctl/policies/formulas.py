"""What conditions say of a contact: facts on values, joined by "all of" and "any of".

A fact holds or does not; the third value of SQL is gone, because a formula says of a condition that
it is TRUE, FALSE, not TRUE or not FALSE. Facts are about terms: a column, or any other expression
that has one value for a contact, by its normal form.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from segctl.query import ast

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from segctl.policies.constants import Constant
    from segctl.policies.patterns import Pattern


class Wanted(StrEnum):
    """What a condition must be."""

    TRUE = "TRUE"
    FALSE = "FALSE"
    NOT_TRUE = "NOT TRUE"
    NOT_FALSE = "NOT FALSE"


POSITIVE = (Wanted.TRUE, Wanted.NOT_FALSE)
CERTAIN = (Wanted.TRUE, Wanted.FALSE)
"""Where NULL does not fulfil it."""

NEGATED = {
    Wanted.TRUE: Wanted.FALSE,
    Wanted.FALSE: Wanted.TRUE,
    Wanted.NOT_TRUE: Wanted.NOT_FALSE,
    Wanted.NOT_FALSE: Wanted.NOT_TRUE,
}
"""What the operand of NOT must be."""

OPPOSITE = {
    Wanted.TRUE: Wanted.NOT_TRUE,
    Wanted.NOT_TRUE: Wanted.TRUE,
    Wanted.FALSE: Wanted.NOT_FALSE,
    Wanted.NOT_FALSE: Wanted.FALSE,
}
"""What a condition is where it is not what it must be."""


@dataclass(frozen=True, slots=True)
class All:
    """All of these hold; with no parts, anything does."""

    parts: tuple[Formula, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One of these holds; with no parts, nothing does."""

    parts: tuple[Formula, ...]


@dataclass(frozen=True, slots=True)
class IsNullFact:
    """The term is NULL, or is not. All facts but this one imply that it is not."""

    term: str
    is_null: bool


@dataclass(frozen=True, slots=True)
class Among:
    """The term equals one of the constants, or, `negated`, none of them."""

    term: str
    constants: tuple[Constant, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Bound:
    """The term is above or below a constant; `op` is one of < <= > >=."""

    term: str
    op: str
    constant: Constant


@dataclass(frozen=True, slots=True)
class Matches:
    """The term matches a pattern, or, `negated`, does not; `folded`: in any case of letters."""

    term: str
    pattern: Pattern
    folded: bool
    negated: bool


@dataclass(frozen=True, slots=True)
class Contains:
    """A list contains one of the items, or, `negated`, none of them."""

    term: str
    items: frozenset[str]
    negated: bool


TRUE, FALSE, NULL = 1, 2, 4
"""Values of a condition, as bits."""

LESS, EQUAL, GREATER = 1, 2, 4
"""Results of comparing two terms, as bits."""


@dataclass(frozen=True, slots=True)
class OneOf:
    """A condition, or the result of comparing two terms, is one of the values in a set of bits."""

    term: str
    values: int


@dataclass(frozen=True, slots=True)
class Row:
    """There is a row with the name `alias` in a table.

    `is_linked`: it is about the contact.
    """

    alias: str
    table: str
    is_linked: bool


Conditions: TypeAlias = tuple[tuple[ast.Expression, Wanted], ...]


@dataclass(frozen=True, slots=True, eq=False)
class NoRow:
    """No rows of the tables, which are by alias, fulfil all of the conditions together."""

    tables: tuple[tuple[str, str], ...]
    conditions: Conditions


Fact: TypeAlias = IsNullFact | Among | Bound | Matches | Contains | OneOf | Row | NoRow
Formula: TypeAlias = All | AnyOf | Fact

ANYTHING, NOTHING = All(()), AnyOf(())


def all_of(formulas: Iterable[Formula]) -> Formula:
    """Return that all formulas hold, without needless nesting."""
    parts: dict[Formula, None] = {}
    for formula in formulas:
        if formula == NOTHING:
            return NOTHING
        parts |= dict.fromkeys(formula.parts if isinstance(formula, All) else (formula,))
    return next(iter(parts)) if len(parts) == 1 else All((*parts,))


def any_of(formulas: Iterable[Formula]) -> Formula:
    """Return that one of the formulas holds; equalities of one term become one fact."""
    parts: dict[Formula, None] = {}
    for formula in formulas:
        if formula == ANYTHING:
            return ANYTHING
        parts |= dict.fromkeys(formula.parts if isinstance(formula, AnyOf) else (formula,))
    merged: dict[object, Formula] = {}
    for part in parts:
        match part:
            case Among(term=term, constants=constants, negated=False):
                before = merged.get((Among, term))
                if isinstance(before, Among):
                    constants = (*before.constants, *constants)
                merged[Among, term] = Among(term, tuple(dict.fromkeys(constants)))
            case Contains(term=term, items=items, negated=False):
                before = merged.get((Contains, term))
                if isinstance(before, Contains):
                    items |= before.items
                merged[Contains, term] = Contains(term, items, negated=False)
            case _:
                merged[part] = part
    return next(iter(merged.values())) if len(merged) == 1 else AnyOf((*merged.values(),))


def terms_of(formula: Formula) -> Iterator[str]:
    """Yield the terms of a formula; of rows, the tables."""
    pending = [formula]
    while pending:
        match pending.pop():
            case All(parts=parts) | AnyOf(parts=parts):
                pending += parts
            case Row(table=table):
                yield table
            case NoRow(tables=tables):
                yield from (table for _, table in tables)
            case fact:
                yield fact.term

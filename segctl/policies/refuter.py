"""The search for a contact that fulfils formulas: `is_impossible` if there certainly is none.

Facts are collected and alternatives that contradict them are dropped. Where several are left, each
is tried as a case of its own, up to `MAX_CASES`: so the search takes bounded time, and gives up
where it is not certain. Only alternatives that have to do with the question are tried.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING

from segctl.policies.formulas import (
    All,
    AnyOf,
    Formula,
    NoRow,
    Row,
    terms_of,
)
from segctl.policies.knowledge import Known
from segctl.policies.names import CONTACT, CONTACTS, NotUnderstood

if TYPE_CHECKING:
    from collections.abc import Iterable

    from segctl.policies.formulas import Fact
    from segctl.policies.reader import Reader

MAX_CASES = 100
"""Cases that are tried for one question."""

MAX_ROWS = 50
"""Combinations of rows that are tried for one question, for subqueries that must have no row."""

_NOTHING_KNOWN = Known()
_THE_CONTACT = Row(CONTACT, CONTACTS, is_linked=True)


class _GaveUp(Exception):
    """There are more cases than are tried."""


@dataclass(slots=True)
class Case:
    """What is known in a case, and the alternatives that are open in it.

    `about` are the terms that the question has to do with; `None` stands for all.
    """

    known: dict[str, Known] = field(default_factory=dict)
    open: tuple[AnyOf, ...] = ()
    rows: tuple[Row, ...] = (_THE_CONTACT,)
    without: tuple[NoRow, ...] = ()
    tried: frozenset[tuple[object, ...]] = frozenset()
    about: frozenset[str] | None = None

    def copy(self) -> Case:
        """Return a copy that can learn something else."""
        return Case(dict(self.known), self.open, self.rows, self.without, self.tried, self.about)

    def learn(self, formulas: Iterable[Formula]) -> bool:
        """Add formulas; return false for a contradiction."""
        pending = [*formulas]
        while pending:
            formula = pending.pop()
            match formula:
                case All(parts=parts):
                    pending += parts
                case AnyOf(parts=()):
                    return False
                case AnyOf():
                    self.open = (*self.open, formula)
                    self._extend(formula)
                case Row():
                    self.rows = (*self.rows, formula)
                    self._extend(formula)
                case NoRow():
                    self.without = (*self.without, formula)
                    self._extend(formula)
                case _:
                    if not self._learn_fact(formula):
                        return False
            if not pending and not self._simplify(pending):
                return False
        return True

    def _learn_fact(self, fact: Fact) -> bool:
        term = fact.term  # type: ignore[union-attr] # rows are not learned here
        known = self.known.get(term, _NOTHING_KNOWN).with_fact(fact)
        if known is None:
            return False
        self.known[term] = known
        self._extend(fact)
        return True

    def _extend(self, formula: Formula) -> None:
        if self.about is not None:
            self.about = self.about.union(terms_of(formula))

    def _simplify(self, pending: list[Formula]) -> bool:
        """Drop alternatives that contradict what is known; return false if none is left."""
        still_open = []
        for alternatives in self.open:
            left = [part for part in alternatives.parts if self._is_possible(part)]
            if not left:
                return False
            if len(left) == 1:
                pending.append(left[0])
            elif len(left) < len(alternatives.parts):
                still_open.append(AnyOf((*left,)))
            else:
                still_open.append(alternatives)
        self.open = (*still_open,)
        return True

    def _is_possible(self, formula: Formula) -> bool:
        """Return false for a formula that contradicts what is known at first sight."""
        match formula:
            case All(parts=parts):
                return all(map(self._is_possible, parts))
            case AnyOf(parts=parts):
                return any(map(self._is_possible, parts))
            case Row() | NoRow():
                return True
            case fact:
                known = self.known.get(fact.term)
                return known is None or known.with_fact(fact) is not None


class Refuter:
    """Refutes cases, with a budget for one question."""

    def __init__(self, reader: Reader, cases: int = MAX_CASES) -> None:
        self._reader = reader
        self._cases = cases
        self._combinations = MAX_ROWS

    def is_impossible(self, case: Case) -> bool:
        """Return whether no contact can be in a case: false if that is not certain."""
        try:
            return self._is_impossible(case)
        except (_GaveUp, NotUnderstood):
            return False

    def _is_impossible(self, case: Case) -> bool:
        while True:
            consequences = self._of_missing_rows(case)
            if not consequences:
                break
            if not case.learn(consequences):
                return True
        relevant = [each for each in case.open if self._matters(each, case)]
        if not relevant:
            return False
        chosen = min(relevant, key=lambda each: len(each.parts))
        rest = tuple(each for each in case.open if each is not chosen)
        for part in chosen.parts:
            self._cases -= 1
            if self._cases < 0:
                raise _GaveUp
            inner = case.copy()
            inner.open = rest
            if inner.learn([part]) and not self._is_impossible(inner):
                return False
        return True

    @staticmethod
    def _matters(alternatives: AnyOf, case: Case) -> bool:
        return case.about is None or not case.about.isdisjoint(terms_of(alternatives))

    def _of_missing_rows(self, case: Case) -> list[Formula]:
        """Return what follows for known rows from the subqueries that have no row."""
        formulas = []
        for no_row in case.without:
            candidates = [
                [row for row in case.rows if row.table == table] for _, table in no_row.tables
            ]
            for rows in product(*candidates):
                key = (no_row, *rows)
                if key in case.tried:
                    continue
                self._combinations -= 1
                if self._combinations < 0:
                    raise _GaveUp
                case.tried |= {key}
                formulas.append(self._reader.not_met(no_row, rows))
        return formulas

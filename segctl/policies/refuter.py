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
from segctl.policies.names import CONTACT, CONTACTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from segctl.policies.formulas import Fact
    from segctl.policies.reader import Reader

MAX_CASES = 100
"""Cases that are tried for one question."""

MAX_ROWS = 50
"""Combinations of rows that are tried for one question, for subqueries that must have no row."""

MAX_STEPS = 100_000
"""Formulas that are looked at for one question."""

_NOTHING_KNOWN = Known()
_THE_CONTACT = Row(CONTACT, CONTACTS, is_linked=True)


class GaveUp(Exception):
    """A question takes more cases, rows or steps than it may."""


@dataclass(slots=True)
class Budget:
    """What may still be done for one question."""

    cases: int = MAX_CASES
    rows: int = MAX_ROWS
    steps: int = MAX_STEPS

    def spend(self, *, cases: int = 0, rows: int = 0, steps: int = 0) -> None:
        """Count what is done. Raises `GaveUp` if it is too much."""
        self.cases -= cases
        self.rows -= rows
        self.steps -= steps
        if min(self.cases, self.rows, self.steps) < 0:
            raise GaveUp


@dataclass(slots=True)
class Case:
    """What is known in a case, and the alternatives that are open in it.

    `about` are the terms that the question has to do with; `None` stands for all.
    """

    budget: Budget
    known: dict[str, Known] = field(default_factory=dict)
    open: list[AnyOf] = field(default_factory=list)
    rows: list[Row] = field(default_factory=lambda: [_THE_CONTACT])
    without: list[NoRow] = field(default_factory=list)
    tried: set[tuple[object, ...]] = field(default_factory=set)
    about: set[str] | None = None

    def copy(self, budget: Budget | None = None) -> Case:
        """Return a copy that can learn something else."""
        return Case(
            budget or self.budget,
            dict(self.known),
            [*self.open],
            [*self.rows],
            [*self.without],
            set(self.tried),
            None if self.about is None else set(self.about),
        )

    def learn(self, formulas: Iterable[Formula]) -> bool:
        """Add formulas; return false for a contradiction. Raises `GaveUp`."""
        pending = [*formulas]
        while pending:
            formula = pending.pop()
            self.budget.spend(steps=1)
            match formula:
                case All(parts=parts):
                    pending += parts
                case AnyOf(parts=()):
                    return False
                case AnyOf():
                    self.open.append(formula)
                    self._extend(formula)
                case Row():
                    self.rows.append(formula)
                    self._extend(formula)
                case NoRow():
                    self.without.append(formula)
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
            self.about.update(terms_of(formula))

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
                # Fewer alternatives follow from the question: it is about the others, too.
                self._extend(alternatives)
                still_open.append(AnyOf((*left,)))
            else:
                still_open.append(alternatives)
        self.open = still_open
        return True

    def _is_possible(self, formula: Formula) -> bool:
        """Return false for a formula that contradicts what is known at first sight."""
        self.budget.spend(steps=1)
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
    """Refutes cases."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def is_impossible(self, case: Case) -> bool:
        """Return whether no contact can be in a case: false if that is not certain.

        The case is used up. Raises `GaveUp` and `NotUnderstood`.
        """
        if not self.saturate(case):
            return True
        relevant = [each for each in case.open if self._matters(each, case)]
        if not relevant:
            return False
        chosen = min(relevant, key=lambda each: len(each.parts))
        case.open.remove(chosen)
        for part in chosen.parts:
            case.budget.spend(cases=1)
            inner = case.copy()
            if inner.learn([part]) and not self.is_impossible(inner):
                return False
        return True

    def saturate(self, case: Case) -> bool:
        """Add what follows from subqueries that have no row; return false for a contradiction.

        Raises `GaveUp` and `NotUnderstood`.
        """
        while consequences := self._of_missing_rows(case):
            if not case.learn(consequences):
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
                case.budget.spend(rows=1)
                case.tried.add(key)
                formulas.append(self._reader.not_met(no_row, rows))
        return formulas

"""Two events of a contact compared with each other, in SQL that joins each with one row at most.

Which row that is depends on the comparison: the greatest or least value of all candidates, their
distinct values, or the nearest one. A comparison that no such row decides is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.audience.alternatives import cannot_bound
from segctl.audience.typed_sql import name_sql
from segctl.query.catalogue import JOIN_COLUMN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segctl.query import ast

_BELOW, _ABOVE = ("<", "<="), (">", ">=")
_KEYS = ("=", "IS NOT DISTINCT FROM")
_UNEQUAL = ("!=", "IS DISTINCT FROM")
_ID = name_sql(JOIN_COLUMN)


@dataclass(frozen=True, slots=True)
class Compared:
    """A comparison of a value of one event with a value of the next one in the tree."""

    value: str
    op: str
    other: str


class EventEdge:
    """The comparisons of two events, decided by one row for all candidates for the second."""

    def __init__(self, compared: Sequence[Compared], node: ast.Expression) -> None:
        self._node = node
        self._keys = [each for each in compared if each.op in _KEYS]
        self._below = [each for each in compared if each.op in _BELOW]
        self._above = [each for each in compared if each.op in _ABOVE]
        self._unequal = [each for each in compared if each.op in _UNEQUAL]

    def join(
        self, alias: str, child: str, rows: str, joined: str, *, is_optional: bool
    ) -> tuple[str, list[str]]:
        """Return a join with at most one row for each event, and conditions on that row.

        `rows` are the candidates for the second event, as FROM and WHERE, and `joined` is the alias
        of the join. `is_optional` keeps events without such a row, where its id is NULL.
        """
        columns = [f"{child}.{_ID} AS id"]
        on = [f"{joined}.id = {alias}.{_ID}"]
        for index, key in enumerate(self._keys):
            columns.append(f"{key.other} AS k{index}")
            on.append(f"{key.value} {key.op} {joined}.k{index}")
        kind, group = "LEFT JOIN" if is_optional else "JOIN", " GROUP BY ALL"
        if self._below and self._above:
            kind = f"ASOF {kind}"
            more, condition, conditions = self._nearest(joined)
            on.append(condition)
        elif self._below or self._above:
            more, conditions = self._extreme(joined)
        elif self._unequal:
            more, conditions = self._other_value(joined)
        else:
            more, conditions = [], []
        selected = f"SELECT {', '.join([*columns, *more])}{rows}{group}"
        return f" {kind} ({selected}) AS {joined} ON {' AND '.join(on)}", conditions

    def _extreme(self, joined: str) -> tuple[list[str], list[str]]:
        """Return the greatest or the least value: it decides whether any is above or below."""
        function, compared = ("max", self._below) if self._below else ("min", self._above)
        column = f"{function}({self._only_value(compared)}) AS v"
        return [column], [f"{each.value} {each.op} {joined}.v" for each in compared]

    def _nearest(self, joined: str) -> tuple[list[str], str, list[str]]:
        """Return the value nearest to one bound: it decides whether any is between both."""
        column = f"{self._only_value([*self._below, *self._above])} AS v"
        firsts, others = self._below, self._above
        if len(firsts) > 1:
            firsts, others = others, firsts
        if len(firsts) > 1 or any(key.op != "=" for key in self._keys):
            raise cannot_bound(self._node, "there are too many comparisons")
        nearest, *rest = (f"{each.value} {each.op} {joined}.v" for each in (*firsts, *others))
        return [column], nearest, rest

    def _only_value(self, compared: Sequence[Compared]) -> str:
        values = {each.other for each in compared}
        if len(values) > 1 or self._unequal:
            raise cannot_bound(self._node, "two events are compared by several values")
        return values.pop()

    def _other_value(self, joined: str) -> tuple[list[str], list[str]]:
        """Return the least and the greatest value: one differs from a value where any does."""
        if len(self._unequal) > 1:
            raise cannot_bound(self._node, "two events are compared by several values")
        (compared,) = self._unequal
        value, other = compared.value, compared.other
        columns = [f"min({other}) AS low", f"max({other}) AS high"]
        differs = f"{value} <> {joined}.low OR {value} <> {joined}.high"
        if compared.op == "!=":
            return columns, [f"({differs})"]
        columns.append(f"bool_or({other} IS NULL) AS missing")
        if_null = f"{joined}.low IS NOT NULL"
        return columns, [
            f"(CASE WHEN {value} IS NULL THEN {if_null} ELSE {joined}.missing OR {differs} END)"
        ]

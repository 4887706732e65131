"""Types of the values in a query, and the refusal of what cannot be translated.

Shared by the translation to DuckDB (`audience`) and the translation of SGQL (`sgql`). Does not
decide which types may be compared: each language has its own rules.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from segctl.query.catalogue import ColumnType
from segctl.query.parser.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from segctl.query.ast import Node

T = TypeVar("T")

SqlBool: TypeAlias = bool | None
"""The value of a condition; `None` is NULL."""


class ValueType(StrEnum):
    """The type of a value, worded for messages."""

    TEXT = "a string"
    NUMBER = "a number"
    TIME = "a time"
    LIST = "a list"
    DATA = "semi-structured data"
    INSIDE = "a value inside DATA"
    BOOLEAN = "a condition"
    NULL = "NULL"


VALUE_TYPES: Mapping[ColumnType, ValueType] = MappingProxyType(
    {
        ColumnType.VARCHAR: ValueType.TEXT,
        ColumnType.NUMBER: ValueType.NUMBER,
        ColumnType.TIMESTAMP: ValueType.TIME,
        ColumnType.ARRAY: ValueType.LIST,
        ColumnType.VARIANT: ValueType.DATA,
    }
)
"""The type of the values in a column."""


class CannotTranslate(Exception):
    """Parts of a query have no safe translation; `problems` say which, and why."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = problems


def refusal(node: Node, message: str, hint: str = "") -> CannotTranslate:
    """Return the exception that refuses a part of a query."""
    return CannotTranslate(Problem("not-translated", message, hint, node.start, node.end))


def collect(steps: Iterable[Callable[[], T]]) -> list[T]:
    """Return the results of all steps; raise `CannotTranslate` with the problems of every step."""
    results: list[T] = []
    problems: list[Problem] = []
    for step in steps:
        try:
            results.append(step())
        except CannotTranslate as refused:
            problems += refused.problems
    if problems:
        raise CannotTranslate(*problems)
    return results

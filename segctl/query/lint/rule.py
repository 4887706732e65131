"""The shape of a lint rule and of its findings, and the decorator that makes a function a rule.

Holds no rule itself and knows no files: places are offsets in the query.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from segctl.errors import Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from segctl.query.ast import Node
    from segctl.query.parser.tokens import Token


class Needs(StrEnum):
    """What a rule must know of the account."""

    NOTHING = "nothing"
    FIELDS = "fields"  # more precise when the custom fields are known
    LISTS = "lists"  # reports nothing unless the lists are known


class Violation(NamedTuple):
    """What a rule yields: a place in the query, and what is wrong there.

    `severity` overrides that of the rule. The text at the place of a `private` violation must
    not be shown.
    """

    start: int
    end: int
    message: str
    hint: str = ""
    severity: Severity | None = None
    private: bool = False


def violation_at(
    node: Node | Token,
    message: str,
    hint: str = "",
    severity: Severity | None = None,
    *,
    private: bool = False,
) -> Violation:
    """Return a violation at the place of a node or token."""
    return Violation(node.start, node.end, message, hint, severity, private)


@dataclass(frozen=True, slots=True)
class Finding:
    """A violation of a rule in a query, at `text[start:end]`.

    `message` is one sentence without a full stop; `hint` says what to do, or is empty. `severity`
    is the default, `None` for a rule that is off by default. The text at the place of a `private`
    finding is personal data and must be masked wherever its line is shown.
    """

    code: str
    message: str
    hint: str
    start: int
    end: int
    severity: Severity | None
    private: bool = False


CheckFunction: TypeAlias = "Callable[[Any, Any], Iterator[Any]]"
"""The function of a rule: takes a node and its `NodeContext`, and yields each `Violation`."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: `check` is called with every node whose class is in `on`.

    `severity` is the default, `None` for off. `help` is the docstring of the function.
    """

    code: str
    severity: Severity | None
    needs: Needs
    on: tuple[type[Node], ...]
    check: CheckFunction
    help: str
    runs_last: bool = False
    """Whether `check` is called only after the walk through the whole query."""

    def finding(self, violation: Violation) -> Finding:
        """Return a violation of this rule as a finding."""
        return Finding(
            self.code,
            violation.message,
            violation.hint,
            violation.start,
            violation.end,
            self.severity if violation.severity is None else violation.severity,
            violation.private,
        )


def rule(
    code: str,
    severity: Severity | None = Severity.WARNING,
    *on: type[Node],
    needs: Needs = Needs.NOTHING,
    runs_last: bool = False,
) -> Callable[[CheckFunction], Rule]:
    """Return a decorator that makes a function a rule, with the docstring as its help."""

    def decorate(check: CheckFunction) -> Rule:
        return Rule(code, severity, needs, on, check, inspect.getdoc(check) or "", runs_last)

    return decorate


def quote_sql(sql: str, max_length: int = 160) -> str:
    """Quote a part of a query on one line, shortened to `max_length` characters."""
    line = " ".join(sql.split())
    short = line if len(line) <= max_length else f"{line[: max_length - 1]}…"
    return "`" + "".join(char if char.isprintable() else "�" for char in short) + "`"


def quoted_list(words: list[str], conjunction: str = "and") -> str:
    """Return words in backticks as a phrase: `a`, `b` and `c`."""
    quotes = [f"`{word}`" for word in words]
    return f" {conjunction} ".join([", ".join(quotes[:-1]), quotes[-1]] if quotes[1:] else quotes)

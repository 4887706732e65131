"""What a rule is, and what it finds.

Owns the shapes `Rule`, `Spot` and `Finding`, and the decorator that makes a rule of a function.
Refuses to hold any rule, and to know files: places are offsets into the query.
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


class Needs(StrEnum):
    """What must be known of the account before a rule can find anything."""

    NOTHING = "nothing"
    FIELDS = "fields"  # sharper with the custom fields
    LISTS = "lists"  # silent without the lists


class Spot(NamedTuple):
    """What a rule yields: a place, and what is wrong there.

    `severity` is given where one finding weighs less or more than its rule. `private` says that
    the text at the place must not be shown to anybody.
    """

    start: int
    end: int
    message: str
    hint: str = ""
    severity: Severity | None = None
    private: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found in a query, at `text[start:end]`.

    `message` is one sentence without a final stop; `hint` says what to do, or is empty.
    `severity` is the default one, `None` where the rule is off unless asked for. The text at the
    place of a `private` finding is personal: whoever shows the line must mask it.
    """

    code: str
    message: str
    hint: str
    start: int
    end: int
    severity: Severity | None
    private: bool = False


Check: TypeAlias = "Callable[[Any, Any], Iterator[Any]]"
"""A rule's function: takes a node and the `Here` it stands in, and yields each `Spot`."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: `check` is called with each node whose class is in `on`.

    `severity` is the default one, `None` for off. `help` is the docstring of the function.
    """

    code: str
    severity: Severity | None
    needs: Needs
    on: tuple[type[Node], ...]
    check: Check
    help: str
    late: bool = False
    """Whether it is asked only when the whole query was walked through."""


def rule(
    code: str,
    severity: Severity | None = Severity.WARNING,
    *on: type[Node],
    needs: Needs = Needs.NOTHING,
    late: bool = False,
) -> Callable[[Check], Rule]:
    """Make a rule of a function, whose docstring becomes its help."""

    def make(check: Check) -> Rule:
        return Rule(code, severity, needs, on, check, inspect.getdoc(check) or "", late)

    return make


def quoted(text: str, longest: int = 160) -> str:
    """Quote a piece of a query on one line, or a part of it where it is long."""
    line = " ".join(text.split())
    short = line if len(line) <= longest else f"{line[: longest - 1]}…"
    return "`" + "".join(c if c.isprintable() else "�" for c in short) + "`"


def listed(words: list[str], last: str = "and") -> str:
    """Join words: `a`, `b` and `c`."""
    quotes = [f"`{word}`" for word in words]
    return f" {last} ".join([", ".join(quotes[:-1]), quotes[-1]] if quotes[1:] else quotes)

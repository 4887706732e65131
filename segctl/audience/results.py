"""What counting audiences gives: numbers, and the reasons where there are none. Shapes only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from segctl.query.parser.errors import Problem


@dataclass(frozen=True, slots=True)
class Counts:
    """How many contacts are in an audience before and after; `gained` come in, `lost` go out."""

    before: int
    after: int
    gained: int
    lost: int


@dataclass(frozen=True, slots=True)
class Uncountable:
    """Why an audience cannot be computed; `in_before` says that it is the one before the change.

    Offsets of the problems are in that query, and -1 for its parent list.
    """

    problems: tuple[Problem, ...]
    in_before: bool = False


@dataclass(frozen=True, slots=True)
class Overlap:
    """How many contacts two audiences share, and have alone; `one`, `other` are their places."""

    one: int
    other: int
    both: int
    only_one: int
    only_other: int


@dataclass(frozen=True, slots=True)
class CountResult:
    """What one pass gave: the size of the base, and for each pair what it came to, in their order.

    `overlaps` are those of any two audiences that could be computed; `samples` are masked
    addresses of members, by pair.
    """

    total: int
    results: tuple[Counts | Uncountable, ...]
    overlaps: tuple[Overlap, ...] = ()
    samples: tuple[tuple[str, ...], ...] = ()

"""Results of counting audiences: numbers, or the reasons why there are none. Data only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from segctl.query.parser.errors import Problem


@dataclass(frozen=True, slots=True)
class Counts:
    """Contacts in an audience before and after a change; `gained` come in, `lost` go out."""

    before: int
    after: int
    gained: int
    lost: int


@dataclass(frozen=True, slots=True)
class Uncountable:
    """Why an audience cannot be counted; `in_before`: it is the audience before the change.

    Offsets of the problems are in that query, and -1 for its parent lists.
    """

    problems: tuple[Problem, ...]
    in_before: bool = False


@dataclass(frozen=True, slots=True)
class Overlap:
    """Contacts that two audiences share, and that each has alone.

    `first` and `second` are indexes into the pairs that were counted.
    """

    first: int
    second: int
    both: int
    only_first: int
    only_second: int


@dataclass(frozen=True, slots=True)
class CountResult:
    """The result of one pass: the size of the data set, and a result for each pair, in order.

    `overlaps` has any two audiences that could be counted; `samples` has masked addresses of
    members, by pair. `warnings` say, by pair, why the number after the change may be wrong; their
    offsets are in that query.
    """

    total: int
    results: tuple[Counts | Uncountable, ...]
    overlaps: tuple[Overlap, ...] = ()
    samples: tuple[tuple[str, ...], ...] = ()
    warnings: tuple[tuple[Problem, ...], ...] = ()

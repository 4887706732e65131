"""Differences between the accounts of two targets, from one to the other. Shapes only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from segctl.model.segments import Validation

if TYPE_CHECKING:
    from segctl.errors import Span
    from segctl.model.clauses import ClauseChange
    from segctl.model.plan import TargetRef
    from segctl.model.segments import Segment


class DifferenceKind(StrEnum):
    """How a segment differs between two accounts."""

    CHANGED = "changed"
    MISSING = "missing"
    """Only the account to promote from holds it."""
    EXTRA = "extra"
    """Only the account to promote to holds it."""


STATUS = "status"
"""The field of a difference in SendGrid's verdict on the query."""


@dataclass(frozen=True, slots=True)
class Side:
    """A segment on one account.

    `definition` is `None` where the account does not hold it; its query and its parent lists have
    names in place of the ids of lists and Single Sends, as far as the account has one thing of that
    name. `is_as_declared`: the files declare exactly this for the target; `None` where they do not
    declare the segment for it.
    """

    id: str | None = None
    definition: Segment | None = None
    validation: Validation = Validation.UNKNOWN
    validation_error: str = ""
    is_as_declared: bool | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """A segment that differs between two accounts.

    `name` is that on the account to promote to, if it is known there. `changed_fields` has the
    API's names, and `STATUS`. The `clauses` lead from the query of `destination` to that of
    `source`. `is_declared`: the files declare the segment differently for the two targets, and
    nothing else differs; if something else does, only that is in `changed_fields` and `clauses`.
    `is_removed`: the file that declared it was removed. `span` is the place of its name, `None`
    where no file declares it.
    """

    kind: DifferenceKind
    name: str
    source: Side
    destination: Side
    changed_fields: tuple[str, ...] = ()
    clauses: tuple[ClauseChange, ...] = ()
    is_declared: bool = False
    is_removed: bool = False
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class TargetDifferences:
    """What differs between the account to promote from and the one to promote to.

    `same` is the number of segments that do not differ. `left_out` are the numbers of segments on
    `source` and on `destination` that no file declares and that were not compared.
    """

    source: TargetRef
    destination: TargetRef
    differences: tuple[Difference, ...] = ()
    same: int = 0
    left_out: tuple[int, int] = (0, 0)

    @property
    def undeclared(self) -> tuple[Difference, ...]:
        """The differences that the files do not ask for."""
        return tuple(item for item in self.differences if not item.is_declared)

    @property
    def declared(self) -> tuple[Difference, ...]:
        """The differences that the files ask for."""
        return tuple(item for item in self.differences if item.is_declared)

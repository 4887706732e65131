"""Claims about two audiences, the counts that decide them, and the verdicts.

Every policy on who is in a segment is one of two claims: that all its contacts are in another
audience, or that none is. The other audience is that of a condition, or of another segment. What
breaks a claim is counted as the change from the segment to the other audience (`Claim.pair`), so
any number of claims is counted in one pass (`contacts.counter.count_audiences`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from segctl.audience.results import Uncountable
from segctl.model.segments import Segment
from segctl.query.conditions import query_of_condition

if TYPE_CHECKING:
    from segctl.audience.results import Counts
    from segctl.query.parser.errors import Problem


class Relation(StrEnum):
    """How the contacts of a segment relate to those of another audience."""

    SUBSET = "subset"  # all are in it
    DISJOINT = "disjoint"  # none is in it


@dataclass(frozen=True, slots=True)
class Claim:
    """That the contacts of a segment are a subset of another audience, or disjoint from it.

    The queries of both are bound. `other` has no name where it is a condition.
    """

    relation: Relation
    segment: Segment
    other: Segment

    @property
    def pair(self) -> tuple[Segment, Segment]:
        """What to count: the segment as before a change, the other audience as after it."""
        return self.segment, self.other

    def breaking(self, counts: Counts) -> int:
        """Return how many contacts break the claim, from the counts of its pair."""
        return counts.lost if self.relation is Relation.SUBSET else counts.before - counts.lost


def everyone(segment: Segment, condition: str) -> Claim:
    """Return the claim that a condition, the text after WHERE, is TRUE for all contacts."""
    return Claim(Relation.SUBSET, segment, Segment("", query_of_condition(condition)))


def nobody(segment: Segment, condition: str) -> Claim:
    """Return the claim that a condition, the text after WHERE, is TRUE for no contact."""
    return Claim(Relation.DISJOINT, segment, Segment("", query_of_condition(condition)))


def subset_of(segment: Segment, other: Segment) -> Claim:
    """Return the claim that all contacts of a segment are in another one."""
    return Claim(Relation.SUBSET, segment, other)


def disjoint(segment: Segment, other: Segment) -> Claim:
    """Return the claim that two segments share no contact."""
    return Claim(Relation.DISJOINT, segment, other)


@dataclass(frozen=True, slots=True)
class Proven:
    """No contact can break it: that follows from the queries alone."""


@dataclass(frozen=True, slots=True)
class Held:
    """No contact breaks it now, as counted: one may later. `contacts` are those in the segment."""

    contacts: int


@dataclass(frozen=True, slots=True)
class Refuted:
    """Contacts break it, as counted: at least 1, of `contacts` in the segment."""

    breaking: int
    contacts: int


@dataclass(frozen=True, slots=True)
class Unknown:
    """It is neither proven nor counted.

    `problems` say why it could not be counted: their offsets are in the query of the segment, or,
    `in_other`, of the other audience (behind `query.conditions.CONDITION_PREFIX` where that is a
    condition). There are none where nothing was counted at all.
    """

    problems: tuple[Problem, ...] = ()
    in_other: bool = False


Verdict: TypeAlias = Proven | Held | Refuted | Unknown


def verdict_of(claim: Claim, *, proven: bool, result: Counts | Uncountable | None) -> Verdict:
    """Return the verdict on a claim.

    `proven` is whether the prover proves it, and `result` what was counted for its pair; `None`
    where there is no base to count in. A proof needs no count.
    """
    if proven:
        return Proven()
    if result is None:
        return Unknown()
    if isinstance(result, Uncountable):
        return Unknown(result.problems, in_other=not result.in_before)
    breaking = claim.breaking(result)
    return Refuted(breaking, result.before) if breaking else Held(result.before)

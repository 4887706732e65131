"""Policies about segments, exceptions from them, and the results of judging. Shapes only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from segctl.errors import Span
    from segctl.model.segments import AccountName

POLICIES = "policies"
POLICIES_FILE = "policies.yaml"
EXCEPT = "except"
UNTIL = "until"


class Level(StrEnum):
    """What happens where a policy is not fulfilled.

    `ADVISORY` warns. The others refuse the plan: an exception from an `OVERRIDABLE` policy may be
    in the segment's file, one from a `MANDATORY` policy only in the policy itself.
    """

    ADVISORY = "advisory"
    OVERRIDABLE = "overridable"
    MANDATORY = "mandatory"


class RuleKind(StrEnum):
    """What a policy demands, by its key."""

    EVERYONE = "everyone"
    NOBODY = "nobody"
    SUBSET_OF = "subset_of"
    DISJOINT = "disjoint"
    EVENTS_WITHIN = "events_within"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    CHANGE_AT_MOST = "change_at_most"
    REQUIRE = "require"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class PolicyRule:
    """One demand of a policy. `written` is its value as messages show it.

    `condition` is the bound SQL of a rule that has one, `number` a count of contacts or a
    percentage, and `items` are keys of segment files. `account_names` are the names that the
    condition has in place of ids.
    """

    kind: RuleKind
    written: str
    span: Span
    condition: str = ""
    number: int = 0
    items: tuple[str, ...] = ()
    account_names: tuple[AccountName, ...] = ()


@dataclass(frozen=True, slots=True)
class PolicyException:
    """An exception of a segment from a policy, with the reason that its file gives.

    `until` is the last day on which it counts (`2027-01-31`), empty for no end.
    """

    policy: str
    segment: str
    reason: str
    until: str
    span: Span


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy: all its rules must hold for the segments that `pattern` selects, all without one.

    `exceptions` are those in the policy itself.
    """

    name: str
    rules: tuple[PolicyRule, ...]
    span: Span
    level: Level = Level.MANDATORY
    pattern: str = ""
    why: str = ""
    exceptions: tuple[PolicyException, ...] = ()


class Outcome(StrEnum):
    """Whether a segment fulfils a rule.

    `PROVEN` follows from the files alone, `HOLDS` from a count: contacts may break it later.
    """

    PROVEN = "proven"
    HOLDS = "holds"
    REFUTED = "refuted"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class PolicyResult:
    """The result of one rule of a policy for one segment.

    `sentence` says it in plain English. `breaking` is how many contacts break the rule, `None`
    where the rule is not about single contacts or they were not counted. `source` is the place of
    the query, `policy_source` that of the rule. `exception` is the reason of the exception that
    counts, `None` for none.
    """

    policy: str
    rule: RuleKind
    segment: str
    level: Level
    outcome: Outcome
    sentence: str
    source: Span
    policy_source: Span
    breaking: int | None = None
    exception: str | None = None

    @property
    def is_fulfilled(self) -> bool:
        """Whether the rule is proven or holds."""
        return self.outcome in {Outcome.PROVEN, Outcome.HOLDS}


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """A segment for which a policy has another result than before the policy changed.

    `before` and `after` are the worst outcome of its rules, with the level where it is not
    fulfilled ("refuted, mandatory"); "excepted", and "-" where the policy is not for the segment.
    """

    segment: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class JudgedPolicy:
    """A policy with its results. `totals` has the number of results by outcome, all of them.

    `excepted` is how many of those are not fulfilled and covered by an exception. `level` and
    `span` are those of before for a policy that was removed. A plan has the `results` that are not
    fulfilled, and those of the segments that it changes. `changes` are there if the policy changed.
    """

    name: str
    level: Level
    why: str
    span: Span
    totals: Mapping[Outcome, int]
    excepted: int = 0
    results: tuple[PolicyResult, ...] = ()
    changes: tuple[PolicyChange, ...] = ()

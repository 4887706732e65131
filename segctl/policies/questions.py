"""What policies ask of segments: each rule with each segment, and what a count must show.

Proves what follows from the queries alone. Counts nothing, and decides nothing by counts: `judge`
does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from segctl.model.policies import RuleKind
from segctl.planning.selection import select_matching
from segctl.policies.claims import disjoint, everyone, nobody, subset_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from segctl.model import Declared, Segment
    from segctl.model.policies import Policy, PolicyRule
    from segctl.policies.claims import Claim
    from segctl.policies.prover import Prover

Pair: TypeAlias = "tuple[Segment | None, Segment]"


@dataclass(frozen=True, slots=True)
class Question:
    """One rule of a policy for one segment.

    `claim` is what a rule on single contacts comes down to, and `is_proven` whether the queries
    prove it. `other` is the segment that it is compared with, `None` also where no file has it.
    """

    policy: Policy
    rule: PolicyRule
    declared: Declared
    claim: Claim | None = None
    is_proven: bool = False
    other: Declared | None = None

    @property
    def other_name(self) -> str:
        """The name of the segment that it is compared with."""
        return self.rule.written if self.other is None else self.other.name

    @property
    def segments(self) -> tuple[Declared, ...]:
        """The segments that it is about: two where they must be disjoint."""
        is_pair = self.rule.kind is RuleKind.DISJOINT and self.other is not None
        return (self.declared, self.other) if is_pair else (self.declared,)  # type: ignore[return-value]

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """What must be counted to answer it: the segment alone comes first."""
        alone: Pair = (None, self.declared.segment)
        if self.claim is not None:
            return () if self.is_proven else (alone, self.claim.pair)
        return (alone,) if self.rule.kind in {RuleKind.AT_LEAST, RuleKind.AT_MOST} else ()


def ask(
    policies: Iterable[Policy], declared: Sequence[Declared], judged: Iterable[str], prover: Prover
) -> tuple[Question, ...]:
    """Return the questions about the segments with these names, among all that are declared."""
    names = frozenset(judged)
    return tuple(
        question
        for policy in policies
        for question in _of_policy(policy, declared, prover)
        if not names.isdisjoint(segment.name for segment in question.segments)
    )


def applies_to(policy: Policy, declared: Sequence[Declared]) -> tuple[Declared, ...]:
    """Return the segments that a policy is for.

    One that only says `disjoint` is for the segments of that pattern.
    """
    pattern = policy.pattern
    if not pattern and [rule.kind for rule in policy.rules] == [RuleKind.DISJOINT]:
        pattern = policy.rules[0].written
    return select_matching(declared, (pattern,) if pattern else ())[0]


def _of_policy(policy: Policy, declared: Sequence[Declared], prover: Prover) -> Iterator[Question]:
    subjects = applies_to(policy, declared)
    for rule in policy.rules:
        if rule.kind is RuleKind.DISJOINT:
            yield from _of_disjoint(policy, rule, declared, prover)
            continue
        other = None
        if rule.kind is RuleKind.SUBSET_OF:
            other = next((each for each in declared if each.name == rule.written), None)
        for subject in subjects:
            claim = _claim(rule, subject, other)
            is_proven = claim is not None and prover.proves(claim)
            yield Question(policy, rule, subject, claim, is_proven=is_proven, other=other)


def _claim(rule: PolicyRule, subject: Declared, other: Declared | None) -> Claim | None:
    match rule.kind:
        case RuleKind.EVERYONE | RuleKind.EVENTS_WITHIN:
            return everyone(subject.segment, rule.condition)
        case RuleKind.NOBODY:
            return nobody(subject.segment, rule.condition)
        case RuleKind.SUBSET_OF if other is not None:
            return subset_of(subject.segment, other.segment)
        case _:
            return None


def _of_disjoint(
    policy: Policy, rule: PolicyRule, declared: Sequence[Declared], prover: Prover
) -> Iterator[Question]:
    """Yield each two segments once."""
    others, _ = select_matching(declared, (rule.written,))
    subjects = applies_to(policy, declared) if policy.pattern else others
    asked = set()
    for subject in subjects:
        for other in others:
            both = frozenset((subject.name, other.name))
            if len(both) > 1 and both not in asked:
                asked.add(both)
                claim = disjoint(subject.segment, other.segment)
                is_proven = prover.proves(claim)
                yield Question(policy, rule, subject, claim, is_proven=is_proven, other=other)

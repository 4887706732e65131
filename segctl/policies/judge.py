"""The results of policies: from proofs, from counts, and from what the files say.

Decides; `wording` says it in English. Counts nothing and asks no clock: the day of today is passed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from segctl.audience.results import Counts, Uncountable
from segctl.declarations.name_patterns import NamePattern, TooManySteps
from segctl.model import Keep
from segctl.model.policies import Level, Outcome, PolicyResult, RuleKind
from segctl.planning.audience_limits import audience_change, impact_of
from segctl.policies.claims import Held, Proven, Refuted, verdict_of
from segctl.policies.wording import (
    COUNT_HINT,
    NOT_COUNTED,
    change_sentence,
    claim_sentence,
    name_sentence,
    required_sentence,
    size_sentence,
)
from segctl.query.personal_data import mask_email_addresses

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from segctl.model import Change
    from segctl.model.policies import PolicyException
    from segctl.policies.questions import Pair, Question

People: TypeAlias = Callable[[str, str], str]
"""Says which contacts fulfil a condition, given its SQL and as it is written."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted, by pair. Where there is nothing, `reason` says why, and `hint` what to do.

    `doubts` are reasons why the number of a segment may be wrong: then there is none.
    """

    results: Mapping[Pair, Counts | Uncountable] = field(default_factory=dict)
    doubts: Mapping[Pair, str] = field(default_factory=dict)
    reason: str = NOT_COUNTED
    hint: str = COUNT_HINT


@dataclass(frozen=True, slots=True)
class Judgement:
    """The result of a question, and the exception that counts for it."""

    question: Question
    result: PolicyResult
    exception: PolicyException | None = None

    @property
    def is_broken(self) -> bool:
        """Whether the rule is refuted or unknown, and no exception counts."""
        return not self.result.is_fulfilled and self.exception is None


def judge(
    questions: Iterable[Question],
    counted: Counted,
    today: str,
    people: People,
    changes: Mapping[str, Change | Keep] | None = None,
) -> tuple[Judgement, ...]:
    """Return the result of each question, but of those on a change where there is no plan.

    `changes` has what a plan does with the segments, by name. `today` is a day such as 2027-01-31.
    """
    judgements = []
    for question in questions:
        if question.rule.kind is RuleKind.CHANGE_AT_MOST and changes is None:
            continue
        outcome, sentence, breaking = _answer(question, counted, people, changes or {})
        exception = exception_for(question, today)
        rule, policy, declared = question.rule, question.policy, question.declared
        in_file = rule.kind in {RuleKind.REQUIRE, RuleKind.NAME}
        result = PolicyResult(
            policy.name,
            rule.kind,
            declared.name,
            policy.level,
            outcome,
            mask_email_addresses(sentence),
            declared.span if in_file else declared.query_span,
            rule.span,
            breaking,
            None if exception is None else exception.reason,
        )
        judgements.append(Judgement(question, result, exception))
    return tuple(judgements)


def exception_for(question: Question, today: str) -> PolicyException | None:
    """Return the exception that counts for a question: of two segments, either may have it."""
    policy = question.policy
    for declared in question.segments:
        own = () if policy.level is Level.MANDATORY else declared.exceptions
        for exception in (*policy.exceptions, *own):
            is_meant = (exception.policy, exception.segment) == (policy.name, declared.name)
            if is_meant and not is_over(exception, today):
                return exception
    return None


def is_over(exception: PolicyException, today: str) -> bool:
    """Return whether the last day of an exception has passed."""
    return bool(exception.until) and exception.until < today


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """Return the outcome that decides about a policy with several rules."""
    order = (Outcome.REFUTED, Outcome.UNKNOWN, Outcome.HOLDS, Outcome.PROVEN)
    return min(outcomes, key=order.index)


_Answer: TypeAlias = "tuple[Outcome, str, int | None]"


def _answer(
    question: Question,
    counted: Counted,
    people: People,
    changes: Mapping[str, Change | Keep],
) -> _Answer:
    """Return the outcome, the sentence, and how many contacts break the rule."""
    match question.rule.kind:
        case RuleKind.REQUIRE:
            return _of_required(question)
        case RuleKind.NAME:
            return _of_name(question)
        case RuleKind.AT_LEAST | RuleKind.AT_MOST:
            return _of_size(question, counted)
        case RuleKind.CHANGE_AT_MOST:
            return _of_change(question, changes.get(question.declared.name))
        case _:
            return _of_claim(question, counted, people)


def _of_required(question: Question) -> _Answer:
    declared = question.declared
    present = {
        "owner": declared.owner,
        "description": declared.description,
        "tags": declared.tags,
        "tests": declared.has_tests,
    }
    lacking = [key for key in question.rule.items if not present[key]]
    outcome = Outcome.REFUTED if lacking else Outcome.PROVEN
    return outcome, required_sentence(question.rule.items, lacking), None


def _of_name(question: Question) -> _Answer:
    pattern = question.rule.written
    try:
        matches = NamePattern(pattern).matches(question.declared.name)
    except TooManySteps:
        return Outcome.UNKNOWN, f"matching its name with {pattern} takes too long", None
    outcome = Outcome.PROVEN if matches else Outcome.REFUTED
    return outcome, name_sentence(pattern, matches=matches), None


def _of_size(question: Question, counted: Counted) -> _Answer:
    (alone,) = question.pairs
    reason = _doubt((alone,), counted)
    result = counted.results.get(alone)
    if reason or not isinstance(result, Counts):
        return Outcome.UNKNOWN, reason, None
    rule, contacts = question.rule, result.after
    is_at_least = rule.kind is RuleKind.AT_LEAST
    is_met = contacts >= rule.number if is_at_least else contacts <= rule.number
    sentence = size_sentence(contacts, rule.number, is_at_least=is_at_least, is_met=is_met)
    return Outcome.HOLDS if is_met else Outcome.REFUTED, sentence, None


def _of_change(question: Question, change: Change | Keep | None) -> _Answer:
    if change is None or isinstance(change, Keep):
        return Outcome.PROVEN, "the plan does not change its audience", None
    impact, limit = impact_of(change), question.rule.number
    if impact is None:
        return Outcome.UNKNOWN, "how much the plan changes its audience was not counted", None
    # Rounded up as for `limits.max_audience_change`.
    percent = math.ceil(audience_change(impact))
    outcome = Outcome.HOLDS if percent <= limit else Outcome.REFUTED
    return outcome, change_sentence(percent, limit), None


def _of_claim(question: Question, counted: Counted, people: People) -> _Answer:
    claim = question.claim
    if claim is None:
        return Outcome.UNKNOWN, f"no file declares the segment `{question.other_name}`", None
    pairs = question.pairs
    reason = "" if question.is_proven else _doubt(pairs, counted)
    verdict = verdict_of(
        claim,
        proven=question.is_proven,
        result=None if reason else counted.results.get(claim.pair),
    )
    described = people(question.rule.condition, question.rule.written)
    match verdict:
        case Proven():
            return Outcome.PROVEN, claim_sentence(question, described, None), None
        case Held():
            return Outcome.HOLDS, claim_sentence(question, described, verdict), 0
        case Refuted(breaking=breaking):
            return Outcome.REFUTED, claim_sentence(question, described, verdict), breaking
        case _:
            return Outcome.UNKNOWN, f"not proven from the queries, and {reason}", None


def _doubt(pairs: Sequence[Pair], counted: Counted) -> str:
    """Return why the numbers of these pairs are not known, empty where they are."""
    for pair in pairs:
        result = counted.results.get(pair)
        if result is None:
            return counted.reason
        if isinstance(result, Uncountable):
            messages = "; ".join(dict.fromkeys(problem.message for problem in result.problems))
            return f"it cannot be counted: {messages}" if messages else "it cannot be counted"
        if pair in counted.doubts:
            return f"its number may be wrong: {counted.doubts[pair]}"
    return ""

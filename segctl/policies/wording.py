"""The results of policies in plain English: sentences, and the diagnostics made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.errors import Diagnostic, Severity
from segctl.model.policies import Level, Outcome, RuleKind
from segctl.planning.wording import list_names
from segctl.policies.claims import Refuted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from segctl.model.policies import PolicyResult
    from segctl.policies.claims import Held
    from segctl.policies.judge import Counted, Judgement
    from segctl.policies.questions import Question

CODE = "policy"
EXCEPTION_CODE = "policy-exception"
NOT_COUNTED = "there are no contacts to count in"
COUNT_HINT = "add `contacts: pulled` to segctl.yaml, and run `segctl contacts pull`"


def claim_sentence(question: Question, people: str, verdict: Held | Refuted | None) -> str:
    """Return that a claim is proven (`None`), that it holds, or how many contacts break it."""
    rule = question.rule
    is_where = {
        RuleKind.SUBSET_OF: f"in `{question.other_name}`",
        RuleKind.DISJOINT: f"in `{question.other_name}` as well",
        RuleKind.EVENTS_WITHIN: "among those who opened or clicked a mail in the last "
        + rule.written,
    }.get(rule.kind, f"among the {people}")
    is_negative = rule.kind in {RuleKind.NOBODY, RuleKind.DISJOINT}
    if isinstance(verdict, Refuted):
        verb = "is" if verdict.breaking == 1 else "are"
        negation = "" if is_negative else " not"
        of_all = f"{verdict.breaking:,} of {_contacts(verdict.contacts)}"
        return f"{of_all} {verb}{negation} {is_where}"
    if verdict is None:
        return f"{'no' if is_negative else 'every'} contact is {is_where}"
    return f"{'none' if is_negative else 'each'} of {_contacts(verdict.contacts)} is {is_where}"


def _contacts(number: int) -> str:
    return f"{number:,} contact{'' if number == 1 else 's'}"


def required_sentence(items: Sequence[str], lacking: Sequence[str]) -> str:
    """Return which keys the file of a segment has, or lacks."""
    return (
        f"its file has no {', no '.join(lacking)}"
        if lacking
        else (f"its file has {', '.join(items)}")
    )


def name_sentence(pattern: str, *, matches: bool) -> str:
    """Return whether a name matches a pattern."""
    return f"its name {'matches' if matches else 'does not match'} {pattern}"


def size_sentence(contacts: int, limit: int, *, is_at_least: bool, is_met: bool) -> str:
    """Return how many contacts a segment has, and how many it must or may have."""
    if is_met:
        return f"it has {_contacts(contacts)}, {'at least' if is_at_least else 'at most'} {limit:,}"
    than = "fewer than" if is_at_least else "more than"
    return f"it has {_contacts(contacts)}, {than} {limit:,}"


def change_sentence(percent: int, limit: int) -> str:
    """Return by how much a plan changes an audience, and by how much it may."""
    than = "at most" if percent <= limit else "more than"
    return f"its audience changes by {percent:,} %, {than} {limit:,} %"


def broken_diagnostics(judgements: Sequence[Judgement], counted: Counted) -> Iterator[Diagnostic]:
    """Yield a diagnostic for what breaks policies: an error where that refuses the plan.

    That nothing was counted is said once for a rule.
    """
    uncounted: dict[tuple[str, RuleKind], list[Judgement]] = {}
    for judgement in judgements:
        if not judgement.is_broken:
            continue
        if _is_uncounted(judgement, counted):
            key = judgement.result.policy, judgement.result.rule
            uncounted.setdefault(key, []).append(judgement)
        else:
            yield _broken(judgement, _hint(judgement))
    for group in uncounted.values():
        if len(group) > 1:
            yield _uncounted(group, counted)
        else:
            yield _broken(group[0], f"{_hint(group[0])}; {counted.hint}")


def _is_uncounted(judgement: Judgement, counted: Counted) -> bool:
    """Return whether a result is unknown because nothing was counted."""
    is_unknown = judgement.result.outcome is Outcome.UNKNOWN
    return is_unknown and any(pair not in counted.results for pair in judgement.question.pairs)


def _severity(result: PolicyResult) -> Severity:
    return Severity.WARNING if result.level is Level.ADVISORY else Severity.ERROR


def _broken(judgement: Judgement, hint: str) -> Diagnostic:
    result = judgement.result
    summary = f"`{result.segment}` breaks the policy `{result.policy}`: {result.sentence}"
    if result.outcome is Outcome.UNKNOWN:
        summary = f"whether `{result.segment}` fulfils the policy `{result.policy}` is unknown: "
        summary += result.sentence
    return Diagnostic(
        CODE,
        _severity(result),
        summary,
        result.source,
        hint,
        names=(result.segment,),
    )


def _uncounted(group: Sequence[Judgement], counted: Counted) -> Diagnostic:
    """Return that a rule is not proven for several segments."""
    result, names = group[0].result, tuple(dict.fromkeys(each.result.segment for each in group))
    number = (
        f"{len(group)} segments"
        if result.rule is not RuleKind.DISJOINT
        else (f"{len(group)} pairs of segments")
    )
    return Diagnostic(
        CODE,
        _severity(result),
        f"whether {number} fulfil the policy `{result.policy}` is unknown ({result.rule}): "
        f"{result.sentence}: {list_names(names)}",
        result.policy_source,
        f"{_why(group[0])}{counted.hint}",
        names=names,
    )


def _why(judgement: Judgement) -> str:
    why = judgement.question.policy.why
    return f"{why}; " if why else ""


def _hint(judgement: Judgement) -> str:
    """Return the reason for a policy, where it is, and what to do."""
    result, policy = judgement.result, judgement.question.policy
    hint = f"{_why(judgement)}the policy is at {result.policy_source}"
    if policy.level is Level.OVERRIDABLE:
        return f"{hint}; or add `except: {{{policy.name}: REASON}}` to the segment's file"
    if policy.level is Level.MANDATORY:
        return f"{hint}; only the policy itself can except a segment"
    return hint


def exception_diagnostics(judgements: Sequence[Judgement]) -> Iterator[Diagnostic]:
    """Yield what each exception covers up, for every report."""
    for judgement in judgements:
        exception, result = judgement.exception, judgement.result
        if exception is None or result.is_fulfilled:
            continue
        until = f" until {exception.until}" if exception.until else ""
        yield Diagnostic(
            EXCEPTION_CODE,
            Severity.INFO,
            f"`{result.segment}` is excepted from the policy `{result.policy}`{until}: "
            f"{exception.reason} ({result.outcome}: {result.sentence})",
            exception.span,
            names=(result.segment,),
        )

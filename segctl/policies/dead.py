"""Exceptions and policies without effect, so that no one relies on them. Judges nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.common.suggest import did_you_mean
from segctl.errors import Diagnostic, Severity
from segctl.model.policies import Level
from segctl.policies.judge import is_over
from segctl.policies.questions import applies_to

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from segctl.model import Declared
    from segctl.model.policies import Policy, PolicyException
    from segctl.policies.judge import Judgement

DEAD_CODE = "unused-exception"


def unused_exceptions(
    policies: Sequence[Policy],
    declared: Sequence[Declared],
    judgements: Sequence[Judgement],
    today: str,
    *,
    is_partial: bool = False,
) -> Iterator[Diagnostic]:
    """Yield a warning for each exception that has no effect, and why.

    `is_partial`: the files of some segments are for other targets. An exception of a segment that
    was not judged may have one.
    """
    by_name = {policy.name: policy for policy in policies}
    segments = {segment.name: segment for segment in declared}
    covered = _Covered(policies, declared, judgements)
    in_policies = [(each, False) for policy in policies for each in policy.exceptions]
    in_files = [(each, True) for segment in declared for each in segment.exceptions]
    for exception, is_in_file in (*in_policies, *in_files):
        policy = by_name.get(exception.policy)
        if policy is None:
            summary = f"no policy is called `{exception.policy}`"
            known = [*by_name]
            hint = did_you_mean(exception.policy, known, "remove the exception")
        elif exception.segment not in segments:
            if is_partial:
                continue
            summary = f"no file declares the segment `{exception.segment}`"
            hint = did_you_mean(exception.segment, segments, "remove the exception")
        elif is_in_file and policy.level is Level.MANDATORY:
            summary = f"the policy `{policy.name}` is mandatory, so this exception does not count"
            hint = f"ask for an exception in the policy itself, at {policy.span}"
        elif is_over(exception, today):
            summary = f"the exception from `{policy.name}` ended on {exception.until}"
            hint = "remove it, or set a later day"
        else:
            summary = covered.reason(exception, policy)
            hint = "remove it"
        if summary:
            yield Diagnostic(DEAD_CODE, Severity.WARNING, summary, exception.span, hint)


class _Covered:
    """What exceptions could cover up."""

    def __init__(
        self,
        policies: Sequence[Policy],
        declared: Sequence[Declared],
        judgements: Sequence[Judgement],
    ) -> None:
        self._subjects = {
            policy.name: {each.name for each in applies_to(policy, declared)} for policy in policies
        }
        self._fulfilled: dict[tuple[str, str], bool] = {}
        for judgement in judgements:
            for segment in judgement.question.segments:
                key = judgement.result.policy, segment.name
                is_fulfilled = judgement.result.is_fulfilled
                self._fulfilled[key] = self._fulfilled.get(key, True) and is_fulfilled

    def reason(self, exception: PolicyException, policy: Policy) -> str:
        """Return why an exception has nothing to cover up, empty where it has."""
        if exception.segment not in self._subjects[policy.name]:
            return f"the policy `{policy.name}` is not for `{exception.segment}`"
        if self._fulfilled.get((policy.name, exception.segment)):
            return f"`{exception.segment}` fulfils the policy `{policy.name}` without an exception"
        return ""


def unused_policies(
    policies: Sequence[Policy], declared: Sequence[Declared], *, is_partial: bool = False
) -> Iterator[Diagnostic]:
    """Yield a warning for each policy that is for no segment."""
    for policy in policies if not is_partial else ():
        if not applies_to(policy, declared):
            yield Diagnostic(
                "unused-policy",
                Severity.WARNING,
                f"the policy `{policy.name}` is for no segment",
                policy.span,
                "check the pattern in `for`, or remove the policy",
            )

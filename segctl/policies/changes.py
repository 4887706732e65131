"""How the results of policies differ from those before the policies changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.errors import Diagnostic, Severity
from segctl.model.policies import PolicyChange
from segctl.planning.wording import list_names, short_commit
from segctl.policies.judge import worst

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from segctl.errors import Span
    from segctl.policies.judge import Judgement

CHANGE_CODE = "policy-change"
_NOT_FOR = "-"


def policy_changes(
    before: Sequence[Judgement], after: Sequence[Judgement]
) -> tuple[PolicyChange, ...]:
    """Return for which segments one policy has another result than before, by segment."""
    old, new = _labels(before), _labels(after)
    changes = (
        PolicyChange(segment, old.get(segment, _NOT_FOR), new.get(segment, _NOT_FOR))
        for segment in sorted({*old, *new})
    )
    return tuple(change for change in changes if change.before != change.after)


def _labels(judgements: Iterable[Judgement]) -> dict[str, str]:
    """Return what comes of a policy for each segment, of all its rules."""
    by_segment: dict[str, list[Judgement]] = {}
    for judgement in judgements:
        for segment in judgement.question.segments:
            by_segment.setdefault(segment.name, []).append(judgement)
    return {segment: _label(group) for segment, group in by_segment.items()}


def _label(group: Sequence[Judgement]) -> str:
    broken = [judgement for judgement in group if judgement.is_broken]
    if broken:
        outcome = worst(judgement.result.outcome for judgement in broken)
        return f"{outcome}, {broken[0].result.level}"
    if any(not judgement.result.is_fulfilled for judgement in group):
        return "excepted"
    return worst(judgement.result.outcome for judgement in group)


def change_diagnostics(
    changes: Mapping[str, Sequence[PolicyChange]], places: Mapping[str, Span], commit: str
) -> Iterator[Diagnostic]:
    """Yield what the change of each policy does, by policy; also that it does nothing.

    `places` are those of the policies that are left. `commit` has the policies before.
    """
    since = f"since {short_commit(commit)}"
    for name, of_policy in changes.items():
        span = places.get(name)
        verb = "changed" if span else "was removed"
        if not of_policy:
            summary = f"the policy `{name}` {verb} {since}: no segment gets another result"
            yield Diagnostic(CHANGE_CODE, Severity.INFO, summary, span)
        groups: dict[tuple[str, str], list[str]] = {}
        for change in of_policy:
            groups.setdefault((change.before, change.after), []).append(change.segment)
        for (before, after), segments in groups.items():
            yield Diagnostic(
                CHANGE_CODE,
                Severity.WARNING,
                f"the policy `{name}` {verb} {since}: {before} -> {after} for "
                f"{list_names(segments)}",
                span,
                "have those who are responsible for the policy approve the change",
                names=tuple(segments),
            )

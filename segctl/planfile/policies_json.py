"""The results of policies as JSON data, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from segctl.model.policies import (
    JudgedPolicy,
    Level,
    Outcome,
    PolicyChange,
    PolicyResult,
    RuleKind,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from segctl.errors import Span


def policies_json(
    policies: Iterable[JudgedPolicy], source_json: Callable[[Span], Any]
) -> list[dict[str, Any]]:
    """Return judged policies as JSON data; `source_json` writes a place."""
    return [
        {
            "name": policy.name,
            "level": policy.level.value,
            "why": policy.why,
            "source": source_json(policy.span),
            "totals": {
                **{outcome.value: policy.totals.get(outcome, 0) for outcome in Outcome},
                "excepted": policy.excepted,
            },
            "results": [
                {
                    "segment": result.segment,
                    "rule": result.rule.value,
                    "outcome": result.outcome.value,
                    "sentence": result.sentence,
                    "breaking": result.breaking,
                    "exception": result.exception,
                    "source": source_json(result.source),
                    "rule_source": source_json(result.policy_source),
                }
                for result in policy.results
            ],
            "changes": [
                {"segment": change.segment, "before": change.before, "after": change.after}
                for change in policy.changes
            ],
        }
        for policy in policies
    ]


def policies_from_json(
    entries: Iterable[Any], read_span: Callable[[Any], Span]
) -> tuple[JudgedPolicy, ...]:
    """Return judged policies from JSON data that is valid by the schema of plans."""
    return tuple(_policy(entry, read_span) for entry in entries)


def _policy(entry: Any, read_span: Callable[[Any], Span]) -> JudgedPolicy:
    name, level = entry["name"], Level(entry["level"])
    totals = {outcome: int(entry["totals"][outcome.value]) for outcome in Outcome}
    return JudgedPolicy(
        name,
        level,
        entry["why"],
        read_span(entry["source"]),
        {outcome: number for outcome, number in totals.items() if number},
        int(entry["totals"]["excepted"]),
        tuple(
            PolicyResult(
                name,
                RuleKind(result["rule"]),
                result["segment"],
                level,
                Outcome(result["outcome"]),
                result["sentence"],
                read_span(result["source"]),
                read_span(result["rule_source"]),
                None if result["breaking"] is None else int(result["breaking"]),
                result["exception"],
            )
            for result in entry["results"]
        ),
        tuple(
            PolicyChange(change["segment"], change["before"], change["after"])
            for change in entry["changes"]
        ),
    )

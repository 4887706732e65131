"""Whether a plan may be performed: the safety rules, each a function that says why not.

Pure. A refusal is data in the plan, so that every view shows it; the command line turns any into
exit code 3 and performs nothing at all.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.errors import Diagnostic, Severity
from segctl.model import Create, Delete, Plan, Replace

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT_MAX_SEGMENTS = 200
"""Segments an account may hold, v1 ones included (sendgrid-api.md §1)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The `limits` of segctl.yaml."""

    max_segments: int = DEFAULT_MAX_SEGMENTS


def judge(plan: Plan, limits: Limits, account_size: int) -> Plan:
    """Give the plan with its refusals; `account_size` counts every segment the account holds."""
    refusals = (*_replacements(plan), *_cap(plan, limits, account_size))
    return dataclasses.replace(plan, refusals=refusals)


def _replacements(plan: Plan) -> Iterator[Diagnostic]:
    for change in plan.changes:
        if isinstance(change, Replace):
            yield Diagnostic(
                "replace-refused",
                Severity.ERROR,
                f"`{change.name}` would have to be deleted and made anew: "
                "SendGrid cannot change the parent list of a segment",
                change.span,
                hint="its id would change, and campaigns that name the old id would lose their "
                "audience. Put the parent list back and add the condition to the query instead: "
                "array_contains(list_ids, ['…'])",
            )


def _cap(plan: Plan, limits: Limits, account_size: int) -> Iterator[Diagnostic]:
    more = sum(isinstance(change, Create) for change in plan.changes)
    fewer = sum(isinstance(change, Delete) for change in plan.changes)
    after = account_size + more - fewer
    if more and after > limits.max_segments:
        yield Diagnostic(
            "over-the-cap",
            Severity.ERROR,
            f"the account would hold {after:,} segments; the most is {limits.max_segments:,}",
            hint=f"it holds {account_size:,} now, v1 ones included: delete some in SendGrid, "
            "or raise `limits.max_segments` in segctl.yaml if your account allows more",
        )

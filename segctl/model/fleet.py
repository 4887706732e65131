"""Plans and reports of several targets together. Shapes only: `app.fleet` makes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from segctl.errors import diagnostics_of
from segctl.model.plan import Summary
from segctl.model.report import Status

if TYPE_CHECKING:
    from typing import Self

    from segctl.errors import Diagnostic, SegctlError
    from segctl.model.plan import Plan
    from segctl.model.report import Report

ALL_TARGETS = "all targets"
"""What `--all-targets` is called where a group has its name. No target and no group can be."""


class TargetGroup(NamedTuple):
    """Several targets under a name: a group of segctl.yaml, or `ALL_TARGETS`."""

    name: str
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Failure:
    """What ended the work on one target: an error, or every problem of the files for it.

    `exit_code` is that of the error on its own.
    """

    diagnostics: tuple[Diagnostic, ...]
    exit_code: int = 1

    @classmethod
    def of(cls, error: SegctlError) -> Self:
        """Return an error as a failure."""
        return cls(diagnostics_of(error), error.exit_code)

    @property
    def message(self) -> str:
        """The failure in one line."""
        first = self.diagnostics[0]
        more = len(self.diagnostics) - 1
        place = f"{first.span}: " if first.span else ""
        return f"{place}{first.summary}" + (f" (and {more} more)" if more else "")


@dataclass(frozen=True, slots=True)
class TargetPlan:
    """The plan of one target, or why there is none.

    `requests` is how many requests that took, `None` where they were not counted.
    """

    target: str
    result: Plan | Failure
    requests: int | None = None

    @property
    def plan(self) -> Plan | None:
        """The plan, if there is one."""
        return None if isinstance(self.result, Failure) else self.result

    @property
    def failure(self) -> Failure | None:
        """Why there is no plan."""
        return self.result if isinstance(self.result, Failure) else None


@dataclass(frozen=True, slots=True)
class FleetPlan:
    """The plans of several targets, in the order of their group, whose `name` it has."""

    name: str
    parts: tuple[TargetPlan, ...]

    @property
    def plans(self) -> tuple[Plan, ...]:
        """The plans that could be made."""
        return tuple(part.plan for part in self.parts if part.plan is not None)

    @property
    def failures(self) -> tuple[Failure, ...]:
        """Why there is no plan of the other targets."""
        return tuple(part.failure for part in self.parts if part.failure is not None)

    @property
    def has_changes(self) -> bool:
        """Whether any target would change."""
        return any(plan.changes for plan in self.plans)

    @property
    def is_applicable(self) -> bool:
        """Whether every target has a plan that can be applied."""
        return not self.failures and all(plan.is_applicable for plan in self.plans)

    @property
    def summary(self) -> Summary:
        """The number of segments per action, of all targets together."""
        summaries = [plan.summary for plan in self.plans]
        return Summary(
            *(sum(getattr(summary, key) for summary in summaries) for key in Summary.__slots__)
        )


@dataclass(frozen=True, slots=True)
class TargetReport:
    """What an apply did to one target; `failure` is the error that ended it, if one did."""

    plan: Plan
    report: Report
    failure: Failure | None = None

    @property
    def target(self) -> str:
        """The name of the target."""
        return self.plan.target.name

    @property
    def has_failed(self) -> bool:
        """Whether anything went wrong: a change that waits for a later run did not."""
        statuses = (Status.FAILED, Status.CONFLICT, Status.UNKNOWN)
        return self.failure is not None or any(self.report.counts[status] for status in statuses)


@dataclass(frozen=True, slots=True)
class FleetReport:
    """What an apply did to several targets, in the order of the plan."""

    name: str
    parts: tuple[TargetReport, ...]

    @property
    def is_complete(self) -> bool:
        """Whether every change of every target is done."""
        return all(part.failure is None and part.report.is_complete for part in self.parts)

    @property
    def is_partial(self) -> bool:
        """Whether any account was changed, or may have been, but not every change is done."""
        return not self.is_complete and any(
            part.report.is_partial or (part.report.outcomes and part.report.is_complete)
            for part in self.parts
        )

    @property
    def needs_another_apply(self) -> bool:
        """Whether any account differs from the files even after all changes were applied."""
        return any(part.plan.needs_another_apply for part in self.parts)

    @property
    def interrupted(self) -> bool:
        """Whether the apply was stopped."""
        return any(part.report.interrupted for part in self.parts)

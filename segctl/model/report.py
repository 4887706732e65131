"""The result of an apply: the outcome of each change and of each refresh. Shapes only."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from segctl.errors import Span
    from segctl.model import Change


class _Labelled(StrEnum):
    """A closed list whose values can be shown to people."""

    @property
    def label(self) -> str:
        """The value with spaces."""
        return self.value.replace("_", " ")


class Status(_Labelled):
    """How a change ended.

    `CONFLICT`: someone changed the segment, or took its new name, after the plan was made, so
    nothing was changed.
    `WAITING`: no error, but a later run has to finish it.
    `UNKNOWN`: the request was sent and no clear response came; the server may have acted.
    """

    DONE = "done"
    FAILED = "failed"
    CONFLICT = "conflict"
    WAITING = "waiting"
    NOT_ATTEMPTED = "not_attempted"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one change ended. `id` is the segment's id afterwards, `None` where it has none.

    `span` is the place in the files that caused a failure, where one did. `is_written`: the account
    holds the desired definition although the change is not done: SendGrid rejects the query or has
    not validated it yet, or the segment to be replaced or upgraded still exists.
    """

    change: Change
    status: Status
    id: str | None = None
    message: str = ""
    hint: str = ""
    span: Span | None = None
    is_written: bool = False

    @property
    def place(self) -> Span | None:
        """The place in the files that caused a failure, else the one that declares the segment."""
        return self.span or self.change.span


def not_attempted(change: Change, reason: str = "") -> Outcome:
    """Return the outcome of a change that was not begun."""
    return Outcome(change, Status.NOT_ATTEMPTED, change.id, reason)


def sort_outcomes(changes: Sequence[Change], outcomes: Iterable[Outcome]) -> tuple[Outcome, ...]:
    """Return the outcomes of a plan's changes in the order of the plan."""
    # By identity: two changes of a plan may be equal.
    position = {id(change): index for index, change in enumerate(changes)}
    return tuple(sorted(outcomes, key=lambda outcome: position[id(outcome.change)]))


class RefreshStatus(_Labelled):
    """How a refresh request ended (sendgrid-api.md §1, §2).

    `DEFERRED`: the quota does not allow it yet. `SKIPPED`: the query is not known to be valid, so
    there is nothing to count, or the run ended first.
    """

    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    SKIPPED = "skipped"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Refresh:
    """A request to recount a segment's contacts, and how it ended.

    `until` is when a deferred one can be sent, as the API writes times.
    """

    name: str
    id: str
    status: RefreshStatus
    message: str = ""
    hint: str = ""
    until: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """The result of an apply: one outcome for each change of the plan, in its order."""

    outcomes: tuple[Outcome, ...] = ()
    refreshes: tuple[Refresh, ...] = ()
    interrupted: bool = False
    counts: Mapping[Status, int] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        statuses = [outcome.status for outcome in self.outcomes]
        object.__setattr__(self, "counts", {status: statuses.count(status) for status in Status})

    @property
    def is_complete(self) -> bool:
        """Whether every change is done."""
        return self.counts[Status.DONE] == len(self.outcomes)

    @property
    def is_partial(self) -> bool:
        """Whether the account was changed, or may have been, but not every change is done."""
        return not self.is_complete and any(
            outcome.is_written or outcome.status in (Status.DONE, Status.UNKNOWN)
            for outcome in self.outcomes
        )

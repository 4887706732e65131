"""What was done: the outcome of each action, the answer to each refresh, and both together.

Owns shapes only, as `model.py` does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from segctl.errors import Span
    from segctl.model import Change


class _Worded(StrEnum):
    """A closed list whose values are words."""

    @property
    def label(self) -> str:
        """The value as people read it."""
        return self.value.replace("_", " ")


class Status(_Worded):
    """How an action ended.

    `CONFLICT`: somebody changed the segment, or took the name that it was to have, after the plan
    was made, so nothing was changed.
    `WAITING`: all went well so far, and a later run goes on where this one had to stop.
    `UNKNOWN`: it was sent and no clear answer came; the server may have acted.
    """

    DONE = "done"
    FAILED = "failed"
    CONFLICT = "conflict"
    WAITING = "waiting"
    NOT_ATTEMPTED = "not_attempted"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one action ended. `id` is the segment's after it, `None` where there is none.

    `span` is the place in the files that is to blame, where one is. `is_written`: what was
    wanted stands on the account, though the action was not done: SendGrid does not accept the
    query, or has not yet, or what was to be replaced or upgraded stands beside it.
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
        """Where to look in the files: what is to blame, else what asked for the action."""
        return self.span or self.change.span


def not_attempted(change: Change, why: str = "") -> Outcome:
    """Say that a change was not begun: its segment, where it has one, is as it was."""
    return Outcome(change, Status.NOT_ATTEMPTED, change.id, why)


def sort_outcomes(changes: Sequence[Change], outcomes: Iterable[Outcome]) -> tuple[Outcome, ...]:
    """Put the outcomes of a plan's changes in the plan's order, whenever each of them ended."""
    # By identity: two changes of a plan may be equal.
    places = {id(change): place for place, change in enumerate(changes)}
    return tuple(sorted(outcomes, key=lambda outcome: places[id(outcome.change)]))


class RefreshStatus(_Worded):
    """What became of a wish to refresh (sendgrid-api.md §1, §2).

    `DEFERRED`: the quota has no room for it now. `SKIPPED`: its query is not known to be valid, so
    there is nothing to count; or all ended before its turn.
    """

    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    SKIPPED = "skipped"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Refresh:
    """One wish to count a segment's contacts anew, and what became of it.

    `until`: when one that is deferred can go, as the API writes times.
    """

    name: str
    id: str
    status: RefreshStatus
    message: str = ""
    hint: str = ""
    until: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What was done: one outcome for each change of the plan, in its order."""

    outcomes: tuple[Outcome, ...] = ()
    refreshes: tuple[Refresh, ...] = ()
    interrupted: bool = False
    counts: Mapping[Status, int] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        statuses = [outcome.status for outcome in self.outcomes]
        object.__setattr__(self, "counts", {status: statuses.count(status) for status in Status})

    @property
    def is_complete(self) -> bool:
        """Whether every change was made."""
        return self.counts[Status.DONE] == len(self.outcomes)

    @property
    def is_partial(self) -> bool:
        """Whether something was changed, or may have been, though not every change was made."""
        return not self.is_complete and any(
            one.is_written or one.status in (Status.DONE, Status.UNKNOWN) for one in self.outcomes
        )

"""Carries a plan out for a command: performs it, tells of it, and reports whatever ends it.

Owns the options that say how, what a request to stop means here, and the one promise that a
report comes out: of an apply that ran to its end, was interrupted or was killed by a fault of ours.
"""

from __future__ import annotations

import math
import sys
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from segctl.app.refresh import changed, record_of
from segctl.applying.applier import ApplyOptions, Started, Waiting, perform
from segctl.applying.writes import UNDER_WAY
from segctl.errors import SegctlError
from segctl.history.git import current_commit
from segctl.model.report import Outcome, Report, Status, not_attempted, sort_outcomes
from segctl.planfile.to_json import action_name, digest
from segctl.refreshing.refresher import refresh_changed
from segctl.render.terminal import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import TypeVar

    from segctl.app.connection import Connection as Account
    from segctl.app.session import Session
    from segctl.applying.applier import Event
    from segctl.applying.journal import Journal
    from segctl.common.stopping import Stop
    from segctl.model import Change, Plan
    from segctl.model.report import Refresh
    from segctl.sendgrid.api import Writer

    F = TypeVar("F", bound=Callable[..., Any])


def carry_out(
    session: Session,
    account: Account,
    plan: Plan,
    options: ApplyOptions,
    *,
    count_anew: bool,
    journal: Journal | None = None,
) -> tuple[Report, Exception | None]:
    """Perform the plan; give what was done, whatever ended it, and the fault that did.

    `count_anew` has what was created or patched refreshed; `journal` notes every write.
    """
    if session.target.is_sandbox:
        from segctl.emulator import Settings  # noqa: PLC0415 - only where the sandbox runs

        options = replace(options, lock=Settings.sandbox().update_lock)
    if account.definitions is not None:
        account.definitions.forget(_written(plan))
    run = _Run(session, plan)
    failure: Exception | None = None
    writer = account.writer
    if journal is not None:
        from segctl.applying.journal import JournaledWriter, segment_names  # noqa: PLC0415 - only for one

        writer = JournaledWriter(writer, journal, segment_names(plan))
    stopped = partial(_why_stopped, session.stop, journal)
    try:
        with session.progress("applying") as tell:
            for event in perform(plan, writer, stopped, session.clock, options):
                run.note(event)
                tell(len(run.outcomes), len(plan.changes))
        if count_anew:
            run.refresh(account, writer, stopped)
    except KeyboardInterrupt:
        # Of a caller that did not turn signals into requests to stop.
        session.stop.request(insist=True)
    except Exception as error:  # noqa: BLE001 - raised again, once the report is out
        failure = error
    if journal is not None and journal.failure and failure is None:
        failure = SegctlError(
            f"the journal could not be written ({journal.failure}): it lacks the end of what was "
            "sent, and nothing more was",
            hint="make room for it, or fix its disk, and apply again",
        )
    return run.report(interrupted=session.stop.requested), failure


def _written(plan: Plan) -> set[str]:
    """Give the ids of the segments that a plan writes to."""
    successors = {successor.id for successor in plan.successors}
    return successors | {change.id for change in plan.changes if change.id}


def _why_stopped(stop: Stop, journal: Journal | None) -> str | bool:
    if journal is not None and journal.failure:
        return f"the journal could not be written ({journal.failure})"
    return stop.requested


@contextmanager
def open_journal(session: Session, path: Path | None, plan: Plan) -> Iterator[Journal | None]:
    """Open the journal, where one is wanted. Raises `UsageError`."""
    if path is None:
        yield None
        return
    from segctl.applying.journal import Journal, Origin, ci_run  # noqa: PLC0415 - it needs the transport

    commit = current_commit(session.root)
    origin = Origin(digest(plan), plan.target, commit, ci_run(session.env))
    with Journal(path, session.clock, origin) as journal:
        yield journal


class _Run:
    """What became of a plan so far."""

    def __init__(self, session: Session, plan: Plan) -> None:
        self.session = session
        self.plan = plan
        self.outcomes: list[Outcome] = []
        self.refreshes: list[Refresh] = []
        self._begun: set[int] = set()
        self._told: set[tuple[int, str]] = set()

    def note(self, event: Event) -> None:
        """Remember what happened, and tell of it what is worth telling."""
        match event:
            case Started(change=change):
                self._begun.add(id(change))
                if not sys.stderr.isatty():
                    self.session.talk(f"{_title(change)} …")
            case Waiting(change=change, wait=wait):
                # Once for each thing that is waited for, not each time that it is looked at.
                told = (id(change), wait.description)
                if told not in self._told:
                    self._told.add(told)
                    length = _length(wait.seconds)
                    if wait.at_most > wait.seconds:
                        length = f"{_length(wait.at_most)} at most"
                    self.session.talk(f"{_title(change)}: waiting {length}, {wait.description}")
            case Outcome():
                self.outcomes.append(event)

    def refresh(self, account: Account, writer: Writer, stopped: Callable[[], str | bool]) -> None:
        """Have what was created, patched or replaced counted anew, as far as the quota goes."""
        wanted = changed(self.session.project, sort_outcomes(self.plan.changes, self.outcomes))
        record = record_of(self.session.project, account)
        zone = self.session.config.time_zone
        with self.session.progress("refreshing") as tell:
            for one in refresh_changed(writer, wanted, record, zone, lambda: bool(stopped())):
                self.refreshes.append(one)
                tell(len(self.refreshes), len(wanted))

    def report(self, *, interrupted: bool) -> Report:
        """Give the report; what has no outcome was under way, or not begun, when all ended."""
        ended = {id(one.change) for one in self.outcomes}
        late = [self._unfinished(one) for one in self.plan.changes if id(one) not in ended]
        return Report(
            sort_outcomes(self.plan.changes, [*self.outcomes, *late]),
            tuple(self.refreshes),
            interrupted=interrupted,
        )

    def _unfinished(self, change: Change) -> Outcome:
        if id(change) not in self._begun:
            return not_attempted(change, "segctl was stopped before it was sent")
        return Outcome(change, Status.UNKNOWN, None, UNDER_WAY, "`segctl plan` shows how it stands")


def _title(change: Change) -> str:
    return f"{action_name(change)} {clean(change.name)}"


def _length(seconds: float) -> str:
    """Write a wait for a person: `20 s`, `4 min 10 s`."""
    minutes, rest = divmod(math.ceil(seconds), 60)
    parts = [f"{minutes} min"] if minutes else []
    return " ".join([*parts, f"{rest} s"] if rest or not minutes else parts)

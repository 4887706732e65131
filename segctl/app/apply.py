"""Applying a plan: every change, every refresh, and a report of whatever ended it.

A report always comes out: of an apply that ran to its end, that was interrupted, or that failed.
What to do about signals is up to the caller, who may request `Connection.stop`.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from segctl.app.console import SILENT
from segctl.app.refresh import changed_segments, usage_log
from segctl.applying.applier import ApplyOptions, Started, Waiting, perform
from segctl.applying.writes import IN_FLIGHT
from segctl.errors import InvalidInput, Refused, SegctlError, UsageError
from segctl.history.git import current_commit
from segctl.model.report import Outcome, Report, Status, not_attempted, sort_outcomes
from segctl.planfile.to_json import action_name, digest
from segctl.refreshing.refresher import refresh_changed
from segctl.render.terminal import clean

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from segctl.app.connection import Connection
    from segctl.app.console import Console
    from segctl.app.project import Project
    from segctl.applying.applier import Event
    from segctl.applying.journal import Journal
    from segctl.model import Change, Plan
    from segctl.model.report import Refresh
    from segctl.sendgrid.api import Writer


class ApplyFailed(SegctlError):
    """An error ended an apply; `report` says what was done until then, `__cause__` is the error."""

    def __init__(self, report: Report, cause: Exception) -> None:
        super().__init__(f"the apply was not completed: {type(cause).__name__}")
        self.report = report
        self.cause = cause


def refuse_unsafe(plan: Plan) -> None:
    """Raise `Refused` if a safety rule forbids the plan."""
    if plan.refusals:
        raise Refused("the plan is refused; nothing was changed", diagnostics=plan.refusals)


def apply_plan(
    project: Project,
    connection: Connection,
    plan: Plan,
    options: ApplyOptions | None = None,
    console: Console = SILENT,
    *,
    refresh: bool = False,
    journal: Path | None = None,
) -> Report:
    """Change the account as the plan says; return what was done.

    Each segment is read again just before it is written, and left alone if someone changed it after
    the plan was made. `refresh` has SendGrid count the segments that were created, patched or
    replaced. `journal` is a file that gets a line before and after each write.

    Raises `InvalidInput` for a plan with errors, `Refused` for one that a safety rule forbids or
    that is for another account, `UsageError` for a connection that is read-only or a journal that
    cannot be opened, and `ApplyFailed`, with a report, if anything else ends the apply. An error
    that SendGrid returns for a change is an outcome in the report.
    """
    if plan.errors:
        raise InvalidInput(plan.diagnostics)
    refuse_unsafe(plan)
    if connection.read_only:
        raise UsageError("the connection is read-only", hint="connect with read_only=False")
    if plan.target != connection.target:
        raise Refused("the plan is for another account; nothing was changed")
    options = options or ApplyOptions()
    limit = project.config.limits.max_upgrade_difference
    options = replace(options, max_upgrade_difference=limit)
    lock = project.config.observed.update_lock
    if lock is not None:
        options = replace(options, lock=float(lock))
    if project.target.is_sandbox:
        from segctl.app.sandbox import update_lock  # noqa: PLC0415 - only where the sandbox runs

        options = replace(options, lock=update_lock())
    with _open_journal(project, plan, journal) as open_journal:
        run = _ApplyRun(project, connection, plan, console, open_journal)
        failure = run.perform(options, refresh=refresh)
        report = run.report()
    if failure is not None:
        raise ApplyFailed(report, failure) from failure
    return report


@contextmanager
def _open_journal(project: Project, plan: Plan, path: Path | None) -> Iterator[Journal | None]:
    """Open the journal, if there is to be one. Raises `UsageError`."""
    if path is None:
        yield None
        return
    from segctl.app.folders import repository_top  # noqa: PLC0415 - asks git
    from segctl.applying.journal import Journal, Origin, ci_run  # noqa: PLC0415 - it needs the transport

    commit = current_commit(project.root)
    origin = Origin(digest(plan), plan.target, commit, ci_run(project.env))
    with Journal(path, project.clock, origin, repository=repository_top(project)) as journal:
        yield journal


class _ApplyRun:
    """One apply: what has become of the plan so far."""

    def __init__(
        self,
        project: Project,
        connection: Connection,
        plan: Plan,
        console: Console,
        journal: Journal | None,
    ) -> None:
        self.project = project
        self.connection = connection
        self.plan = plan
        self.console = console
        self.journal = journal
        self.outcomes: list[Outcome] = []
        self.refreshes: list[Refresh] = []
        self._started: set[int] = set()
        self._reported_waits: set[tuple[int, str]] = set()

    def perform(self, options: ApplyOptions, *, refresh: bool) -> Exception | None:
        """Make the changes and the refreshes; return the error that ended it, if any."""
        if self.connection.definitions is not None:
            self.connection.definitions.forget(_written_ids(self.plan))
        writer = self._writer()
        failure: Exception | None = None
        try:
            self._make_changes(writer, options)
            if refresh:
                self._refresh(writer)
        except KeyboardInterrupt:
            # Raised if the caller did not turn signals into requests to stop.
            self.connection.stop.request(force=True)
        except Exception as error:  # noqa: BLE001 - raised again, with the report
            failure = error
        if self.journal is not None and self.journal.failure and failure is None:
            failure = SegctlError(
                f"the journal could not be written ({self.journal.failure}): it lacks the last "
                "writes, and the apply was stopped",
                hint="free some space or repair the disk, then apply again",
            )
        return failure

    def _writer(self) -> Writer:
        if self.journal is None:
            return self.connection.writer
        from segctl.applying.journal import JournaledWriter, segment_names  # noqa: PLC0415 - only for one

        return JournaledWriter(self.connection.writer, self.journal, segment_names(self.plan))

    def _make_changes(self, writer: Writer, options: ApplyOptions) -> None:
        clock = self.project.clock
        with self.console.progress("applying") as update:
            for event in perform(self.plan, writer, self._reason_to_stop, clock, options):
                self._note(event)
                update(len(self.outcomes), len(self.plan.changes))

    def _refresh(self, writer: Writer) -> None:
        """Have SendGrid count what was created, patched or replaced, as the quota allows."""
        changed = changed_segments(self.project, sort_outcomes(self.plan.changes, self.outcomes))
        log = usage_log(self.project, self.connection)
        zone = self.project.config.time_zone
        with self.console.progress("refreshing") as update:
            for result in refresh_changed(
                writer, changed, log, zone, lambda: bool(self._reason_to_stop())
            ):
                self.refreshes.append(result)
                update(len(self.refreshes), len(changed))

    def _reason_to_stop(self) -> str | bool:
        if self.journal is not None and self.journal.failure:
            return f"the journal could not be written ({self.journal.failure})"
        return self.connection.stop.requested

    def _note(self, event: Event) -> None:
        """Keep an event, and report it if it is worth that."""
        match event:
            case Started(change=change):
                self._started.add(id(change))
                if not self.console.stderr.isatty():
                    self.console.talk(f"{_title(change)} …")
            case Waiting(change=change, wait=wait):
                # Once for each reason, not each time that the account is asked.
                key = (id(change), wait.description)
                if key not in self._reported_waits:
                    self._reported_waits.add(key)
                    length = _duration(wait.seconds)
                    if wait.at_most > wait.seconds:
                        length = f"at most {_duration(wait.at_most)}"
                    self.console.talk(f"{_title(change)}: waiting {length}, {wait.description}")
            case Outcome():
                self.outcomes.append(event)

    def report(self) -> Report:
        """Return the report; a change without an outcome was under way, or not started."""
        with_outcome = {id(outcome.change) for outcome in self.outcomes}
        unfinished = [
            self._unfinished(change)
            for change in self.plan.changes
            if id(change) not in with_outcome
        ]
        return Report(
            sort_outcomes(self.plan.changes, [*self.outcomes, *unfinished]),
            tuple(self.refreshes),
            interrupted=self.connection.stop.requested,
        )

    def _unfinished(self, change: Change) -> Outcome:
        if id(change) not in self._started:
            return not_attempted(change, "segctl was stopped; nothing was sent")
        hint = "run `segctl plan` to see its state"
        return Outcome(change, Status.UNKNOWN, None, IN_FLIGHT, hint)


def _written_ids(plan: Plan) -> set[str]:
    """Return the ids of the segments that a plan writes to."""
    successors = {successor.id for successor in plan.successors}
    return successors | {change.id for change in plan.changes if change.id}


def _title(change: Change) -> str:
    return f"{action_name(change)} {clean(change.name)}"


def _duration(seconds: float) -> str:
    """Return a wait for people: `20 s`, `4 min 10 s`."""
    minutes, rest = divmod(math.ceil(seconds), 60)
    parts = [f"{minutes} min"] if minutes else []
    return " ".join([*parts, f"{rest} s"] if rest or not minutes else parts)

"""Several targets at once: their connections, their plans and their applies.

Each target is planned and applied as it would be alone, on a thread of its own; an error of one is
its `Failure` and ends no other. Decides only what concerns all of them: that no two are the same
account, and that nothing is written before every plan can be applied.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING, TypeVar

from segctl.app.apply import ApplyFailed, apply_plan
from segctl.app.connection import Connection, connect
from segctl.app.console import SILENT
from segctl.app.plan import build_plan, read_request
from segctl.app.target_console import SharedProgress, TargetConsole
from segctl.common.clock import get_interruptibly
from segctl.common.stopping import Stop
from segctl.errors import Refused, SegctlError, UsageError
from segctl.model.fleet import (
    Failure,
    FleetPlan,
    FleetReport,
    TargetPlan,
    TargetReport,
)
from segctl.model.report import Report, not_attempted
from segctl.project.groups import find_group
from segctl.render.terminal import count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from segctl.app.console import Console
    from segctl.app.project import Project
    from segctl.applying.applier import ApplyOptions
    from segctl.model import Plan
    from segctl.model.fleet import TargetGroup
    from segctl.model.plan_options import PlanOptions

    T = TypeVar("T")

MAX_AT_ONCE = 16
"""Targets that are worked on at the same time."""


@dataclass(frozen=True, slots=True)
class Member:
    """One target of a fleet: its project, its console, and its connection or why it has none."""

    project: Project
    console: Console
    connection: Connection | Failure

    @property
    def name(self) -> str:
        """The name of the target."""
        return self.project.target.name


@dataclass(frozen=True, slots=True)
class Fleet:
    """The open connections to several targets; `stop` ends what waits for any of them."""

    name: str
    members: tuple[Member, ...]
    stop: Stop
    progress: SharedProgress

    def run(
        self, work: Callable[[Member, Connection], T], *, at_once: int = MAX_AT_ONCE
    ) -> tuple[T | Failure, ...]:
        """Do some work on every target, `at_once` at a time; return the results in order.

        An error of segctl's is a failure of its target. Ctrl-C stops all of them, and is raised
        once they have ended.
        """
        results: dict[int, T | Failure | BaseException] = {}
        ended: SimpleQueue[int] = SimpleQueue()

        def do(index: int) -> None:
            results[index] = _result(self.members[index], work)
            ended.put(index)

        started = 0
        try:
            while len(results) < len(self.members):
                while started < len(self.members) and started - len(results) < at_once:
                    threading.Thread(target=do, args=(started,), name="target", daemon=True).start()
                    started += 1
                get_interruptibly(ended)
        except KeyboardInterrupt:
            self.stop.request(force=True)
            while len(results) < started:
                get_interruptibly(ended)
            raise
        in_order = [results[index] for index in range(len(self.members))]
        for result in in_order:
            if isinstance(result, BaseException):
                raise result
        return tuple(in_order)  # type: ignore[arg-type] # the exceptions were raised

    @contextmanager
    def showing_progress(self, verb: str, console: Console) -> Iterator[None]:
        """Show the progress of all targets in one bar: "planning 3 targets"."""
        with console.progress(f"{verb} {count(len(self.members), 'target')}") as update:
            self.progress.update = update
            try:
                yield
            finally:
                self.progress.update = lambda _done, _total: None


def _result(member: Member, work: Callable[[Member, Connection], T]) -> T | Failure | BaseException:
    """Return what came of some work on a target; an exception that is not segctl's is a bug."""
    try:
        match member.connection:
            case Failure() as failure:
                return failure
            case Connection() as connection:
                return work(member, connection)
    except SegctlError as error:
        return Failure.of(error)
    except BaseException as error:  # noqa: BLE001 - raised again on the caller's thread
        return error


def find_targets(project: Project, *, every: bool = False) -> TargetGroup | None:
    """Return the group that a project's target names, with its targets; `None` for one target.

    `every` means every target of segctl.yaml. Raises `UsageError` and `InvalidInput`.
    """
    return find_group(project.config, project.requested_target, project.env, every=every)


@contextmanager
def connect_targets(
    project: Project, group: TargetGroup, console: Console = SILENT, *, read_only: bool = True
) -> Iterator[Fleet]:
    """Open the accounts of several targets of a project; see `connect`.

    A target without a key has a failure in place of a connection.
    Raises `UsageError` if two targets are the same account: each would delete what the other has.
    """
    stop, progress, lock = Stop(), SharedProgress(), threading.Lock()
    with ExitStack() as stack:
        members = []
        for target in group.targets:
            member_project = project.for_target(target)
            member_console = TargetConsole(console, target, progress, lock)
            connection: Connection | Failure
            try:
                connection = stack.enter_context(
                    connect(member_project, member_console, read_only=read_only, stop=stop)
                )
            except SegctlError as error:
                connection = Failure.of(error)
            members.append(Member(member_project, member_console, connection))
        _refuse_same_account(members)
        yield Fleet(group.name, tuple(members), stop, progress)


def _refuse_same_account(members: Sequence[Member]) -> None:
    """Raise `UsageError` if two targets have the same address, subuser and key."""
    first: dict[str, str] = {}
    for member in members:
        if isinstance(member.connection, Failure):
            continue
        other = first.setdefault(member.connection.digest, member.name)
        if other != member.name:
            raise _same_account(other, member.name)


def _same_account(target: str, other: str) -> UsageError:
    return UsageError(
        f"the targets `{target}` and `{other}` are the same account",
        hint="check their `api_key_env` and `subuser`; plan one of them without the other if they "
        "are meant to be the same, since each would delete what only the other declares",
    )


def plan_targets(
    fleet: Fleet, options: PlanOptions | None = None, console: Console = SILENT
) -> FleetPlan:
    """Return the plan of each target, or why it has none; see `build_plan`.

    Raises `UsageError` if two targets turn out to have the same segments, so that they are the same
    account, or if a pattern of --only matches nothing in any target.
    """
    unmatched: list[Mapping[str, UsageError]] = []

    def plan(member: Member, connection: Connection) -> tuple[Plan, int]:
        request = read_request(member.project, options, allow_unmatched=True)
        unmatched.append(request.unmatched)
        plan = build_plan(member.project, connection, request, member.console)
        return plan, connection.requests()

    with fleet.showing_progress("planning", console):
        results = fleet.run(plan)
    parts = []
    for member, result in zip(fleet.members, results, strict=True):
        if isinstance(result, Failure):
            parts.append(TargetPlan(member.name, result))
        else:
            parts.append(TargetPlan(member.name, *result))
    fleet_plan = FleetPlan(fleet.name, tuple(parts))
    if len(unmatched) == len(fleet.members):
        for pattern, error in unmatched[0].items():
            if all(pattern in patterns for patterns in unmatched):
                raise error
    _refuse_shared_segments(fleet_plan)
    return fleet_plan


def _refuse_shared_segments(fleet: FleetPlan) -> None:
    """Raise `UsageError` if two targets have a segment in common: no two accounts do."""
    first: dict[str, str] = {}
    for plan in fleet.plans:
        for item in (*plan.changes, *plan.kept, *plan.ignored):
            if item.id is not None:
                other = first.setdefault(item.id, plan.target.name)
                if other != plan.target.name:
                    raise _same_account(other, plan.target.name)


def refuse_unsafe_targets(plan: FleetPlan) -> None:
    """Raise `Refused` unless the plan of every target can be applied.

    What was approved are all plans together, so one that cannot be applied holds the others.
    """
    held = [part.target for part in plan.parts if part.plan is None or not part.plan.is_applicable]
    if held:
        raise Refused(
            f"{', '.join(held)} cannot be applied, so nothing was changed on any target",
            hint="see above why; to apply another target alone, select it with --target",
        )


def apply_targets(
    fleet: Fleet,
    plan: FleetPlan,
    options: ApplyOptions | None = None,
    console: Console = SILENT,
    *,
    refresh: bool = False,
    journal: Path | None = None,
    stop_on_failure: bool = False,
) -> FleetReport:
    """Change the accounts as their plans say; return what was done on each. See `apply_plan`.

    `stop_on_failure` applies one target after another, and begins no further one once one failed.
    Raises `Refused` before anything is written unless every plan can be applied.
    """
    refuse_unsafe_targets(plan)
    plans = {made.target.name: made for made in plan.plans}
    failed: list[str] = []

    def apply(member: Member, connection: Connection) -> TargetReport:
        target_plan = plans[member.name]
        if not target_plan.changes:
            return TargetReport(target_plan, Report())
        if fleet.stop.requested or failed:
            reason = f"`{failed[0]}` failed before" if failed else "segctl was stopped"
            outcomes = [
                not_attempted(change, f"{reason}; nothing was sent")
                for change in target_plan.changes
            ]
            report = Report(tuple(outcomes), interrupted=fleet.stop.requested)
            return TargetReport(target_plan, report)
        try:
            report = apply_plan(
                member.project,
                connection,
                target_plan,
                options,
                member.console,
                refresh=refresh,
                journal=journal,
            )
            done = TargetReport(target_plan, report)
        except ApplyFailed as error:
            cause = error.cause if isinstance(error.cause, SegctlError) else error
            done = TargetReport(target_plan, error.report, Failure.of(cause))
        except SegctlError as error:
            outcomes = [not_attempted(change, error.message) for change in target_plan.changes]
            done = TargetReport(target_plan, Report(tuple(outcomes)), Failure.of(error))
        if stop_on_failure and done.has_failed:
            failed.append(member.name)
        return done

    with fleet.showing_progress("applying", console):
        results = fleet.run(apply, at_once=1 if stop_on_failure else MAX_AT_ONCE)
    return FleetReport(plan.name, tuple(part for part in results if not isinstance(part, Failure)))

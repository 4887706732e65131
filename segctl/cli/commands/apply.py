"""`segctl apply`: plan, show, ask, perform, report."""

from __future__ import annotations

import signal
import sys
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from segctl.applier import Started, perform
from segctl.cli.exit_codes import IN_PART, INTERRUPTED, REFUSED
from segctl.cli.planning import exit_code, plan_options, prepare, work_out
from segctl.cli.saved import approval, approval_options
from segctl.cli.session import with_session
from segctl.errors import Refused
from segctl.model import Create
from segctl.planfile import action_name
from segctl.refresher import refresh
from segctl.render.report_text import report_text
from segctl.render.style import clean
from segctl.report import Outcome, Report, Status

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from segctl.cli.session import Account, Session
    from segctl.model import Change, Plan
    from segctl.report import Refresh


@click.command("apply")
@click.option("--auto-approve", is_flag=True, help="Do not ask before the changes are made.")
@click.option(
    "--refresh",
    "refreshing",
    type=click.Choice(["none", "changed"]),
    default="none",
    help="Ask SendGrid to count the segments that were created or patched.",
)
@approval_options
@plan_options
@with_session
def command(
    session: Session,
    *,
    auto_approve: bool,
    refreshing: str,
    plan_file: str | None,
    expect_digest: str | None,
    **options: Any,
) -> int:
    """Make the account match the files.

    Plans, shows the plan, asks, and performs it: each segment is read again just before it is
    written, and left alone when somebody changed it meanwhile. Running it again finishes what a
    failure left undone. Exit code 3 when a safety rule refuses, 4 when it was applied in part.

    With PLAN, a file of `segctl plan --out`, or --expect-digest it plans as well, and goes on only
    if that comes to the same as what was saved or approved.

    \b
    Examples:
      segctl apply
      segctl apply --auto-approve --refresh changed
      segctl apply --only 'VIP*'
      segctl apply plan.json --auto-approve
      segctl apply --auto-approve --expect-digest 5d41402abc4b2a76
    """
    expected = approval(plan_file, expect_digest, options)
    question = prepare(session, expected.options)
    with session.connect(read_only=False) as account:
        expected.check_account(session, account.ref)
        plan = work_out(session, account, question)
        session.show_plan(plan)
        code = exit_code(plan, detailed=False)
        if code == REFUSED:
            raise Refused("the plan is refused, and nothing was changed")
        if code != 0:
            return code
        expected.check_plan(session, plan)
        if not plan.changes:
            return code
        if not (auto_approve or _approved(session)):
            session.say("Nothing was changed.")
            return 1
        if account.definitions is not None:
            account.definitions.forget(
                {
                    change.precondition.id
                    for change in plan.changes
                    if not isinstance(change, Create)
                }
            )
        report, failure = _carry_out(session, account, plan, count_anew=refreshing == "changed")
    session.show("\n" + report_text(report, session.style, quiet=session.verbosity < 0))
    if failure is not None:
        raise failure
    return INTERRUPTED if report.interrupted else _code(report)


def _code(report: Report) -> int:
    """Give the exit code of a report that ran to its end."""
    if report.is_complete:
        return 0
    return IN_PART if report.counts[Status.DONE] or report.counts[Status.UNKNOWN] else 1


def _approved(session: Session) -> bool:
    """Ask on a terminal. Raises `Refused` where there is none to ask on."""
    if sys.stdin is None or not sys.stdin.isatty():
        raise Refused(
            "there is no terminal to ask on, and nothing was changed",
            hint="--auto-approve makes the changes without asking",
        )
    session.say("\nMake these changes? Only `yes` makes them: ", end="")
    return sys.stdin.readline().strip() == "yes"


def _carry_out(
    session: Session, account: Account, plan: Plan, *, count_anew: bool
) -> tuple[Report, Exception | None]:
    """Perform the plan; give what was done, whatever ended it, and the fault that did."""
    outcomes: list[Outcome] = []
    refreshes: list[Refresh] = []
    failure: Exception | None = None
    with _interruptions(session) as interruptions:
        try:
            with session.progress("applying") as tell:
                stopped = partial(bool, interruptions)
                for event in perform(plan, account.writer, stopped, session.clock):
                    match event:
                        case Started(change=change):
                            if not sys.stderr.isatty():
                                session.talk(f"{action_name(change)} {clean(change.name)} …")
                        case Outcome():
                            outcomes.append(event)
                            tell(len(outcomes), len(plan.changes))
            if count_anew:
                _refresh(session, account, outcomes, refreshes, interruptions)
        except KeyboardInterrupt:
            interruptions.append(signal.SIGINT)
        except Exception as error:  # noqa: BLE001 - raised again, once the report is out
            failure = error
    late = _unfinished(plan.changes[len(outcomes) :])
    report = Report((*outcomes, *late), tuple(refreshes), interrupted=bool(interruptions))
    return report, failure


def _unfinished(changes: Sequence[Change]) -> Iterator[Outcome]:
    """Report what has no outcome: the first was under way when everything ended."""
    for number, change in enumerate(changes):
        if number:
            yield Outcome(change, Status.NOT_ATTEMPTED)
        else:
            message = "it was under way when segctl was stopped"
            yield Outcome(
                change, Status.UNKNOWN, None, message, "`segctl plan` shows how it stands"
            )


def _refresh(
    session: Session,
    account: Account,
    outcomes: list[Outcome],
    refreshes: list[Refresh],
    interruptions: list[int],
) -> None:
    """Ask for what was created or patched to be counted anew."""
    # By id: a segment that changed in two steps is counted once, by its last name.
    changed = {one.id: one for one in outcomes if one.status is Status.DONE and one.id}
    zone = session.config.time_zone
    with session.progress("refreshing") as tell:
        for segment_id, one in changed.items():
            if interruptions:
                return
            refreshes.append(refresh(account.writer, one.change.name, segment_id, zone))
            tell(len(refreshes), len(changed))


@contextmanager
def _interruptions(session: Session) -> Iterator[list[int]]:
    """Collect Ctrl-C and SIGTERM, so that the request in flight is finished and reported.

    A second one ends the process at once, as a person who insists would expect.
    """
    caught: list[int] = []

    def note(number: int, _frame: Any) -> None:
        if caught:
            raise KeyboardInterrupt
        caught.append(number)
        session.say("\nInterrupted: finishing the request in flight. Again to stop at once.")

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

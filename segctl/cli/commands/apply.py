"""`segctl apply`: plan, show, ask, perform, report."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from segctl.app.apply import carry_out, open_journal
from segctl.app.plan import build_plan, read_request
from segctl.applying.applier import ApplyOptions, OnInvalid
from segctl.cli.approval import approval_options, read_approval
from segctl.cli.exit_codes import IN_PART, INTERRUPTED, REFUSED, plan_exit_code
from segctl.cli.interruptions import stop_in_order
from segctl.cli.options import format_option, plan_options, with_session
from segctl.cli.output import Output
from segctl.errors import Refused
from segctl.model.report import Report
from segctl.render.terminal import clean
from segctl.sendgrid import CONCURRENCY

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from segctl.app.session import Session
    from segctl.model import Plan

    F = TypeVar("F", bound=Callable[..., Any])


_DURATION = re.compile(r"([0-9]{1,6})\s*(s|m|h|)", re.ASCII)
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}


def duration(text: str) -> float:
    """Read `90`, `90s`, `6m` or `1h` as seconds. Raises `click.BadParameter`."""
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise click.BadParameter(f"{clean(text)!r} is no time: write 90, 90s, 6m or 1h")
    return float(found[1]) * _UNITS[found[2]]


def tactics_options(function: F) -> F:
    """Add every option of `ApplyOptions`."""
    defaults = ApplyOptions()
    options = [
        click.option(
            "--parallelism",
            type=click.IntRange(1, CONCURRENCY),
            default=defaults.parallelism,
            show_default=True,
            metavar="N",
            help="How many changes to make at once; with 1, one after another.",
        ),
        click.option(
            "--fail-fast", is_flag=True, help="Begin nothing more once a change was not made."
        ),
        click.option(
            "--lock-timeout",
            type=duration,
            default="6m",
            show_default=True,
            metavar="TIME",
            help="How long to wait where SendGrid does not let a segment be changed yet, which it "
            "does five minutes after the last change; 0 fails at once.",
        ),
        click.option(
            "--validation-timeout",
            type=duration,
            default="2m",
            show_default=True,
            metavar="TIME",
            help="How long to wait for SendGrid to check a query; 0 does not wait.",
        ),
        click.option(
            "--count-timeout",
            type=duration,
            default="2m",
            show_default=True,
            metavar="TIME",
            help="How long an upgrade waits for the first count of its new segment; 0 does not "
            "wait.",
        ),
        click.option(
            "--on-invalid",
            type=click.Choice([one.value for one in OnInvalid]),
            default=defaults.on_invalid.value,
            show_default=True,
            help="What to do where SendGrid does not accept a query: leave it, or delete the "
            "segment just created and restore the query just changed.",
        ),
    ]
    for option in reversed(options):
        function = option(function)
    return function


@click.command("apply")
@click.option("--auto-approve", is_flag=True, help="Do not ask before the changes are made.")
@click.option(
    "--refresh",
    "refreshing",
    type=click.Choice(["none", "changed"]),
    default="none",
    help="Have SendGrid count what was created, patched or replaced, as far as its quota goes.",
)
@click.option(
    "--journal",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Add a line to this file before and after each write: the audit of what was sent.",
)
@tactics_options
@format_option("the report")
@approval_options
@plan_options
@with_session
def command(
    session: Session,
    *,
    auto_approve: bool,
    refreshing: str,
    journal: Path | None,
    parallelism: int,
    fail_fast: bool,
    lock_timeout: float,
    validation_timeout: float,
    count_timeout: float,
    on_invalid: str,
    format_name: str,
    plan_file: str | None,
    expect_digest: str | None,
    **options: Any,
) -> int:
    """Make the account match the files.

    Plans, shows the plan, asks, and performs it: each segment is read again just before it is
    written, and left alone when somebody changed it meanwhile. Running it again finishes what a
    failure left undone. Exit code 3 when a safety rule refuses, 4 when it was applied in part.

    Several changes are made at once, deletes last. A write without a clear answer is looked up
    before it is sent again, a segment that SendGrid keeps locked is waited for, and a query that
    SendGrid does not accept is a failure. Ctrl-C finishes what was sent, and reports.

    With PLAN, a file of `segctl plan --out`, or --expect-digest it plans as well, and goes on only
    if that comes to the same as what was saved or approved.

    \b
    Examples:
      segctl apply
      segctl apply --auto-approve --refresh changed
      segctl apply --only 'VIP*'
      segctl apply --auto-approve --journal audit.ndjson --on-invalid rollback
      segctl apply plan.json --auto-approve
      segctl apply --auto-approve --format markdown
      segctl apply --auto-approve --expect-digest 5d41402abc4b2a76
    """
    apply_options = ApplyOptions(
        parallelism=parallelism,
        fail_fast=fail_fast,
        lock_timeout=lock_timeout,
        validation_timeout=validation_timeout,
        count_timeout=count_timeout,
        on_invalid=OnInvalid(on_invalid),
    )
    project, console = session.project, session.console
    output = Output(format_name, project, console)
    with output.showing_errors("apply"):
        approval = read_approval(plan_file, expect_digest, options)
        request = read_request(project, approval.options)
        with session.connect(read_only=False) as account:
            approval.check_account(account.target, console)
            most = session.config.limits.max_upgrade_difference
            apply_options = replace(apply_options, max_upgrade_difference=most)
            plan = build_plan(project, account, request, console)
            _show(session, plan, output)
            code = plan_exit_code(plan)
            if code == REFUSED:
                raise Refused("the plan is refused; nothing was changed", diagnostics=plan.refusals)
            if code != 0:
                if not output.is_text:
                    target = plan.target.name
                    session.show(output.diagnostics(plan.diagnostics, "apply", target=target))
                return code
            approval.check_plan(plan, console)
            if not plan.changes:
                if not output.is_text:
                    session.show(output.report(Report(), plan))
                return _code(session, Report(), plan)
            if not (auto_approve or _approved(session)):
                session.say("Nothing was changed.")
                return 1
            stop_in_order(session)
            with open_journal(session, journal, plan) as noted:
                count_anew = refreshing == "changed"
                report, failure = carry_out(
                    session, account, plan, apply_options, count_anew=count_anew, journal=noted
                )
    blank = "\n" if output.is_text else ""
    session.show(blank + output.report(report, plan))
    if failure is not None:
        raise failure
    return INTERRUPTED if report.interrupted else _code(session, report, plan)


def _show(session: Session, plan: Plan, output: Output) -> None:
    """Show the plan: on stdout, or on stderr where that is for the report alone."""
    text = Output("text", session.project, session.console).plan(plan)
    if output.is_text:
        session.show(text)
    else:
        session.say(text.rstrip())


def _code(session: Session, report: Report, plan: Plan) -> int:
    """Give the exit code of a report that ran to its end; say why where it does not show."""
    if report.is_complete and plan.needs_another_apply:
        session.talk("The account is not as declared yet: see the warning above the plan.")
        return IN_PART
    if report.is_complete:
        return 0
    return IN_PART if report.is_partial else 1


def _approved(session: Session) -> bool:
    """Ask on a terminal. Raises `Refused` where there is none to ask on."""
    if sys.stdin is None or not sys.stdin.isatty():
        raise Refused(
            "there is no terminal to ask on, and nothing was changed",
            hint="--auto-approve makes the changes without asking",
        )
    session.say("\nMake these changes? Only `yes` makes them: ", end="")
    return sys.stdin.readline().strip() == "yes"

"""`segctl apply`: plan, show, ask, apply, report."""

from __future__ import annotations

import dataclasses
import re
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from segctl.app.apply import ApplyFailed, apply_plan, refuse_unsafe
from segctl.app.connection import connect
from segctl.app.plan import build_plan, read_request
from segctl.applying.applier import ApplyOptions, OnInvalid
from segctl.cli.approval import approval_options, read_approval
from segctl.cli.exit_codes import report_exit_code
from segctl.cli.interruptions import stop_in_order
from segctl.cli.options import (
    all_targets_option,
    chosen_group,
    format_option,
    plan_options,
    with_project,
)
from segctl.cli.output import Output
from segctl.errors import Refused
from segctl.model.report import Report
from segctl.render.terminal import clean
from segctl.sendgrid import CONCURRENCY

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from segctl.app.console import Console
    from segctl.app.project import Project
    from segctl.cli.approval import Approval
    from segctl.model import Plan

    F = TypeVar("F", bound=Callable[..., Any])

_DURATION = re.compile(r"([0-9]{1,6})\s*(s|m|h|)", re.ASCII)
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}


def duration(text: str) -> float:
    """Return `90`, `90s`, `6m` or `1h` in seconds. Raises `click.BadParameter`."""
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise click.BadParameter(f"invalid duration {clean(text)!r}: write it as 90, 90s, 6m or 1h")
    return float(match[1]) * _UNITS[match[2]]


def _apply_options(function: F) -> F:
    """Add every option that says how to apply a plan."""
    defaults = ApplyOptions()
    options = [
        click.option(
            "--parallelism",
            type=click.IntRange(1, CONCURRENCY),
            default=defaults.parallelism,
            show_default=True,
            metavar="N",
            help="How many changes to make at a time; 1 makes them one after another.",
        ),
        click.option(
            "--fail-fast", is_flag=True, help="Start no more changes once one has failed."
        ),
        click.option(
            "--lock-timeout",
            type=duration,
            default="6m",
            show_default=True,
            metavar="TIME",
            help="How long to wait if SendGrid does not allow a segment to be changed yet, which "
            "is so for five minutes after each change; 0 fails at once.",
        ),
        click.option(
            "--validation-timeout",
            type=duration,
            default="2m",
            show_default=True,
            metavar="TIME",
            help="How long to wait for SendGrid to validate a query; 0 does not wait.",
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
            type=click.Choice([choice.value for choice in OnInvalid]),
            default=defaults.on_invalid.value,
            show_default=True,
            help="What to do if SendGrid does not accept a query: keep it, or delete the segment "
            "just created and restore the query just changed.",
        ),
    ]
    for option in reversed(options):
        function = option(function)
    return function


@click.command("apply")
@click.option("--auto-approve", is_flag=True, help="Make the changes without asking.")
@click.option(
    "--refresh",
    type=click.Choice(["none", "changed"]),
    default="none",
    help="Have SendGrid count what was created, patched or replaced, as its quota allows.",
)
@click.option(
    "--journal",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Add a line to this file before and after each write, as an audit log.",
)
@click.option(
    "--stop-on-failure",
    is_flag=True,
    help="Apply one target of a group after another, and begin no further one once one failed.",
)
@_apply_options
@all_targets_option
@format_option("the report")
@approval_options
@plan_options
@with_project
def command(
    project: Project,
    console: Console,
    *,
    auto_approve: bool,
    refresh: str,
    journal: Path | None,
    parallelism: int,
    fail_fast: bool,
    lock_timeout: float,
    validation_timeout: float,
    count_timeout: float,
    on_invalid: str,
    stop_on_failure: bool,
    all_targets: bool,
    format_name: str,
    plan_file: str | None,
    expect_digest: str | None,
    **options: Any,
) -> int:
    """Make the account match the files.

    Makes a plan, shows it, asks, and applies it. Each segment is read again just before it is
    written, and left alone if someone changed it meanwhile. Run the command again to finish what a
    failure left undone. Exits with 3 if a safety rule refuses the plan, and with 4 if it was
    applied in part.

    Makes several changes at a time, deletes last. A write without a clear answer is verified before
    it is sent again, and a query that SendGrid does not accept is a failure. Ctrl-C finishes the
    requests in flight, and reports.

    With PLAN, a file of `segctl plan --out`, or --expect-digest, apply makes a plan as well, and
    applies it only if it equals the saved or approved one.

    With a group of targets, or --all-targets, plans all of them, asks once, and applies them at the
    same time. Nothing is written to any of them if one cannot be read or is refused. If one fails
    later, the others are completed; the exit code is then 4.

    \b
    Examples:
      segctl apply
      segctl apply --auto-approve --refresh changed
      segctl apply --only 'VIP*'
      segctl apply --auto-approve --journal audit.ndjson --on-invalid rollback
      segctl apply plan.json --auto-approve
      segctl apply --auto-approve --format markdown
      segctl apply --auto-approve --expect-digest 5d41402abc4b2a765d41402abc4b2a76
      segctl apply --target shops --stop-on-failure
    """
    apply_options = ApplyOptions(
        parallelism=parallelism,
        fail_fast=fail_fast,
        lock_timeout=lock_timeout,
        validation_timeout=validation_timeout,
        count_timeout=count_timeout,
        on_invalid=OnInvalid(on_invalid),
    )
    output = Output(format_name, project, console)
    with output.showing_errors("apply"):
        group = chosen_group(project, all_targets=all_targets)
    if group is None and stop_on_failure:
        raise click.UsageError("--stop-on-failure is for several targets; see --fail-fast")
    read = partial(read_approval, plan_file, expect_digest, options)
    is_refreshed = refresh == "changed"
    if group is None:
        return _apply_to_one(
            output,
            apply_options,
            auto_approve=auto_approve,
            refresh=is_refreshed,
            journal=journal,
            read_approval=read,
        )
    from segctl.cli.fleet import apply_group  # noqa: PLC0415 - only for several targets

    return apply_group(
        project,
        console,
        group,
        apply_options,
        read_approval=read,
        ask=_is_approved,
        format_name=format_name,
        auto_approve=auto_approve,
        refresh=is_refreshed,
        journal=journal,
        stop_on_failure=stop_on_failure,
    )


def _apply_to_one(
    output: Output,
    apply_options: ApplyOptions,
    *,
    auto_approve: bool,
    refresh: bool,
    journal: Path | None,
    read_approval: Callable[[], Approval],
) -> int:
    """Plan the project's target, show that, ask, and apply; return the exit code."""
    project, console = output.project, output.console
    failure: Exception | None = None
    with output.showing_errors("apply"):
        approval = read_approval()
        request = read_request(project, approval.options)
        with connect(project, console, read_only=False) as connection:
            approval.check_account(connection.target, console)
            plan = build_plan(project, connection, request, console)
            output.show_first(Output("text", project, console).plan(plan))
            if plan.errors:
                if not output.is_text:
                    target = plan.target.name
                    output.show(output.diagnostics(plan.diagnostics, "apply", target=target))
                return 1
            if not (auto_approve or approval.is_given) and _is_no_rename(plan, console):
                plan = dataclasses.replace(plan, refusals=())
            refuse_unsafe(plan)
            approval.check_plan(plan, console)
            if not plan.changes:
                if not output.is_text:
                    output.show(output.report(Report(), plan))
                return _exit_code(Report(), plan, console)
            if not (auto_approve or _is_approved(console)):
                console.say("Nothing was changed.")
                return 1
            stop_in_order(connection.stop, console)
            try:
                report = apply_plan(
                    project,
                    connection,
                    plan,
                    apply_options,
                    console,
                    refresh=refresh,
                    journal=journal,
                )
            except ApplyFailed as error:
                report, failure = error.report, error.cause
    blank = "\n" if output.is_text else ""
    output.show(blank + output.report(report, plan))
    if failure is not None:
        raise failure
    return _exit_code(report, plan, console)


def _exit_code(report: Report, plan: Plan, console: Console) -> int:
    """Return the exit code of an apply; report why it is not 0 if that is unclear."""
    if report.is_complete and plan.needs_another_apply and not report.interrupted:
        console.talk("The account does not match the files yet; see the warning above the plan.")
    return report_exit_code(report, needs_another_apply=plan.needs_another_apply)


def _is_no_rename(plan: Plan, console: Console) -> bool:
    """Ask whether changes that may be renames are none, if nothing else forbids the plan."""
    if not (plan.has_only_uncommitted_renames and _is_terminal()):
        return False
    console.say(
        "\nOnly a commit shows a rename. Is the plan right as it is? Type `no rename` if so: ",
        end="",
    )
    return sys.stdin.readline().strip() == "no rename"


def _is_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


def _is_approved(console: Console) -> bool:
    """Ask on the terminal. Raises `Refused` if there is none."""
    if not _is_terminal():
        raise Refused(
            "cannot ask for approval: stdin is not a terminal; nothing was changed",
            hint="run with --auto-approve to make the changes without asking",
        )
    console.say("\nMake these changes? Type `yes` to make them: ", end="")
    return sys.stdin.readline().strip() == "yes"

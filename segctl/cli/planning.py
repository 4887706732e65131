"""Works out a plan for a command: files, account, planner, policy, in that order.

`plan` and `apply` share it, so that what is performed is what would have been shown.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import click

from segctl.cli.checking import check_before_sending
from segctl.errors import InvalidInput, Severity, UsageError
from segctl.planner import make_plan, names_to_read, select
from segctl.policy import judge
from segctl.snapshot import take_snapshot
from segctl.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeVar

    from segctl.cli.session import Account, Session
    from segctl.declarations.collection import Declarations
    from segctl.model import Declared, Plan

    F = TypeVar("F", bound=Callable[..., Any])


def only_option(function: F) -> F:
    """Add `--only`."""
    return click.option(
        "--only",
        metavar="GLOB",
        multiple=True,
        help="Consider only segments whose name or file matches; may be repeated.",
    )(function)


def strict_text_option(function: F) -> F:
    """Add `--strict-text`."""
    return click.option(
        "--strict-text",
        is_flag=True,
        help="Take a query that is merely written another way for a change.",
    )(function)


def read_selection(
    session: Session, only: Sequence[str], what: str = "--only"
) -> tuple[Declarations, tuple[Declared, ...]]:
    """Read the files; give what they say and the segments that the patterns pick.

    `what` names where the patterns come from. Raises `InvalidInput` with every problem of every
    file, and `UsageError` for a pattern that picks nothing.
    """
    declarations = session.declarations
    if declarations.has_errors:
        raise InvalidInput(declarations.diagnostics)
    picked, unused = select(declarations.declared, only)
    if unused:
        raise UsageError(
            f"{what} `{unused[0]}` matches no segment",
            hint=did_you_mean(
                unused[0],
                (one.name for one in declarations.declared),
                "it is compared with names and files",
            ),
        )
    return declarations, picked


def work_out(
    session: Session,
    account: Account,
    declarations: Declarations,
    picked: tuple[Declared, ...],
    *,
    strict_text: bool,
) -> Plan:
    """Compare the picked segments with the account.

    The plan's diagnostics begin with what the files gave rise to. Raises `RemoteError`.
    """
    with session.progress("reading the account") as tell:
        snapshot = take_snapshot(account.reader, lambda listed: names_to_read(picked, listed), tell)
    plan = make_plan(
        account.ref,
        declarations.declared,
        snapshot,
        selected={one.name for one in picked},
        strict_text=strict_text,
    )
    plan = judge(plan, session.config.limits, len(snapshot.remotes))
    changed = {change.name for change in plan.changes}
    found = check_before_sending(session, account, [one for one in picked if one.name in changed])
    return dataclasses.replace(
        plan, diagnostics=(*declarations.diagnostics, *found, *plan.diagnostics)
    )


def is_broken(plan: Plan) -> bool:
    """Say whether the plan could not be worked out for some segment."""
    return any(found.severity is Severity.ERROR for found in plan.diagnostics)

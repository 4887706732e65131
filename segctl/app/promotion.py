"""The rule that a target gets only what another target's account holds already. Reads only."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from segctl.account.contact_lists import ContactLists
from segctl.account.snapshot import take_snapshot
from segctl.app.account_pin import check_account
from segctl.app.connection import connect
from segctl.app.selection import sound_declarations
from segctl.common.command_text import complete_commands
from segctl.errors import Interrupted, InvalidInput, SegctlError, UsageError
from segctl.planning.promotion import (
    allow_key,
    allowed_warnings,
    by_source,
    promotion_refusals,
    promotion_unknown,
    segments_to_promote,
    skipped_warnings,
)
from segctl.render.terminal import count

if TYPE_CHECKING:
    from collections.abc import Collection

    from segctl.app.connection import Connection
    from segctl.app.console import Console
    from segctl.app.project import Project
    from segctl.declarations.collection import Declarations
    from segctl.errors import Diagnostic
    from segctl.model import Plan, Remote


def with_promotion(
    project: Project,
    connection: Connection,
    declarations: Declarations,
    plan: Plan,
    console: Console,
) -> Plan:
    """Return the plan with a refusal for each change that must first be on another target.

    The rule is that of the project's target; without one, the plan is returned as it is. The other
    account gets one request for its list, and one for each changed segment that was edited there
    since the last run, and none if nothing has to be looked up. If it cannot be read, for whatever
    reason, the plan is refused: "not read" is not "held".
    """
    target = project.target.name
    rule = project.config.promote.get(target)
    if rule is None:
        return plan
    after = rule.after
    segments = segments_to_promote(plan, declarations.declared)
    allowed = [item for item in segments if allow_key(item.segment) in rule.allow]
    checked = [item for item in segments if allow_key(item.segment) not in rule.allow]
    refusals: tuple[Diagnostic, ...] = ()
    warnings = [*allowed_warnings(allowed, target=target, after=after)]
    try:
        other = project.for_target(after)
        before = by_source(sound_declarations(other).declared) if checked else {}
        sources = {item.source for item in checked}
        names = {before[source].name for source in sources & before.keys()}
        held = _held(other, connection, names, console) if names else ()
    except Interrupted:
        raise
    except SegctlError as error:
        hint = "run `segctl validate`" if isinstance(error, InvalidInput) else error.hint
        refusals = (
            promotion_unknown(
                checked,
                after=after,
                reason=error.message,
                hint=complete_commands(hint, None, after),
            ),
        )
    else:
        warnings += skipped_warnings(checked, before, target=target, after=after)
        refusals = (*promotion_refusals(checked, before, held, target=target, after=after),)
    return dataclasses.replace(
        plan,
        refusals=(*plan.refusals, *refusals),
        diagnostics=(*plan.diagnostics, *warnings),
    )


def _held(
    other: Project, connection: Connection, names: Collection[str], console: Console
) -> tuple[Remote, ...]:
    """Return the V2 segments of another target's account that have these names.

    Raises `UsageError`, also if that is the account of `connection`, `Refused` if it is not the
    account that the target's file was pulled from, and `RemoteError`.
    """

    def wanted(listed: tuple[Remote, ...]) -> list[Remote]:
        return [remote for remote in listed if remote.name in names and not remote.is_v1]

    with connect(other, console) as before:
        if before.digest == connection.digest:
            raise UsageError(
                f"the targets {connection.target.name} and {before.target.name} are the same "
                "account",
                hint="give each its own `api_key_env` or `subuser` in segctl.yaml",
            )
        check_account(other, before, ContactLists(before.reader))
        with console.progress(f"reading the account of {other.target.name}") as update:
            snapshot = take_snapshot(before.reader, wanted, update, before.definitions)
        requests = count(before.requests(), "request")
        console.mention(f"{requests} sent to {before.target.name}.")
    return tuple(wanted(snapshot.remotes))

"""What uses the segments that a plan changes, Single Sends and automations: read only then."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from segctl.account.references import read_automations, read_single_sends
from segctl.errors import Diagnostic, Interrupted, RemoteError, Severity
from segctl.model.references import References
from segctl.planning.references import id_ending_changes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from segctl.app.connection import Connection
    from segctl.app.console import Console
    from segctl.model import Plan
    from segctl.model.automations import Automation
    from segctl.model.single_sends import SingleSend


def with_references(
    connection: Connection,
    plan: Plan,
    ignored: Iterable[str],
    console: Console,
    *,
    automations: bool,
) -> tuple[Plan, References | None, tuple[Diagnostic, ...]]:
    """Return the plan with what uses its segments, what refers to ending ids, and warnings.

    A plan that ends an id needs every Single Send, and fails with `RemoteError` where one cannot be
    read; `ignored` are names of segments whose references the user ignores. A plan that only
    changes queries and names gets those that may still be sent, or a warning. `automations`: the
    project observes them.
    """
    changed = {change.id for change in plan.changes if change.id is not None}
    if not changed:
        return plan, None, ()
    plan, references, unread = _with_single_sends(connection, plan, changed, console)
    if references is not None:
        references = dataclasses.replace(
            references, ignored=frozenset(ignored), observes_automations=automations
        )
    if not automations:
        return plan, references, unread
    plan, known, warnings = _with_automations(connection, plan, changed, console)
    if references is not None:
        references = dataclasses.replace(references, automations=known)
    return plan, references, (*unread, *warnings)


def _with_single_sends(
    connection: Connection, plan: Plan, changed: Collection[str], console: Console
) -> tuple[Plan, References | None, tuple[Diagnostic, ...]]:
    ends_ids = bool(id_ending_changes(plan))
    try:
        with console.progress("reading Single Sends") as update:
            sends = read_single_sends(
                connection.reader,
                update,
                connection.single_sends,
                wanted=lambda send: ends_ids or send.is_pending,
            )
    except Interrupted:
        raise
    except RemoteError as error:
        if ends_ids:
            raise
        unread = Diagnostic(
            "single-sends-unread",
            Severity.WARNING,
            f"which Single Sends go to the changed segments is not known: {error.message}",
            hint=error.hint,
        )
        return plan, None, (unread,)
    plan = dataclasses.replace(plan, single_sends=tuple(_pending(sends, changed)))
    return plan, References(sends) if ends_ids else None, ()


def _with_automations(
    connection: Connection, plan: Plan, changed: Collection[str], console: Console
) -> tuple[Plan, tuple[Automation, ...] | None, tuple[Diagnostic, ...]]:
    """Return the plan with its automations, and all automations.

    Where they cannot be read, or look otherwise than expected, they are not known: a warning says
    so, and nothing else depends on it.
    """
    try:
        with console.progress("reading automations") as update:
            automations = read_automations(connection.reader, update)
    except Interrupted:
        raise
    except RemoteError as error:
        unread = Diagnostic(
            "automations-unread",
            Severity.WARNING,
            f"which automations use the changed segments is not known: {error.message}",
            hint="check in SendGrid what its automations do with them",
        )
        return plan, None, (unread,)
    limited = (automation.limited_to(changed) for automation in automations)
    used = tuple(automation for automation in limited if automation.uses)
    return dataclasses.replace(plan, automations=used), automations, ()


def _pending(sends: Iterable[SingleSend], changed: Collection[str]) -> Iterable[SingleSend]:
    """Yield the Single Sends that may still be sent to a changed segment, the next one first."""
    # Times of the API sort as text; a draft has none, and comes last.
    for send in sorted(sends, key=lambda send: (not send.is_scheduled, send.send_at or "~")):
        ids = tuple(id_ for id_ in send.segment_ids if id_ in changed)
        if ids and send.is_pending:
            yield dataclasses.replace(send, segment_ids=ids)

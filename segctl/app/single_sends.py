"""The Single Sends that go to the segments that a plan changes: read only where it changes any."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from segctl.account.references import read_single_sends
from segctl.errors import Diagnostic, RemoteError, Severity
from segctl.model.single_sends import References
from segctl.planning.safety import id_ending_changes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from segctl.app.connection import Connection
    from segctl.app.console import Console
    from segctl.model import Plan
    from segctl.model.single_sends import SingleSend


def with_single_sends(
    connection: Connection, plan: Plan, ignored: Iterable[str], console: Console
) -> tuple[Plan, References | None, tuple[Diagnostic, ...]]:
    """Return the plan with its Single Sends, what refers to ending ids, and what was not read.

    A plan that ends an id needs every Single Send, and fails with `RemoteError` where one cannot be
    read; `ignored` are names of segments whose references the user ignores. A plan that only
    changes queries and names gets those that may still be sent, or a warning.
    """
    changed = {change.id for change in plan.changes if change.id is not None}
    if not changed:
        return plan, None, ()
    ends_ids = bool(id_ending_changes(plan))
    try:
        with console.progress("reading Single Sends") as update:
            sends = read_single_sends(
                connection.reader,
                update,
                connection.single_sends,
                wanted=lambda send: ends_ids or send.is_pending,
            )
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
    return plan, References(sends, frozenset(ignored)) if ends_ids else None, ()


def _pending(sends: Iterable[SingleSend], changed: Collection[str]) -> Iterable[SingleSend]:
    """Yield the Single Sends that may still be sent to a changed segment, the next one first."""
    # Times of the API sort as text; a draft has none, and comes last.
    for send in sorted(sends, key=lambda send: (not send.is_scheduled, send.send_at or "~")):
        ids = tuple(id_ for id_ in send.segment_ids if id_ in changed)
        if ids and send.is_pending:
            yield dataclasses.replace(send, segment_ids=ids)

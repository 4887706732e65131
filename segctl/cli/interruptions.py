"""How Ctrl-C and SIGTERM end a command that writes: in an orderly way, with a report."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from segctl.common.stopping import stop_on_signals

if TYPE_CHECKING:
    from segctl.app.session import Session

WORDS = "\nInterrupted: finishing the request in flight. Again to stop at once."


def stop_in_order(session: Session) -> None:
    """Turn Ctrl-C and SIGTERM into requests to stop, from now until the command has ended.

    The first one lets the requests in flight finish, and ends every wait. The second one leaves
    them behind. Neither cuts the report short.
    """
    signals = stop_on_signals(session.stop, partial(session.say, WORDS))
    click.get_current_context().with_resource(signals)

"""How Ctrl-C and SIGTERM end a command that writes: in an orderly way, with a report."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from segctl.common.stopping import stop_on_signals

if TYPE_CHECKING:
    from segctl.app.console import Console
    from segctl.common.stopping import Stop

MESSAGE = "\nInterrupted: finishing the requests in flight. Press Ctrl-C again to stop at once."


def stop_in_order(stop: Stop, console: Console) -> None:
    """Turn Ctrl-C and SIGTERM into requests to stop, from now until the command has ended.

    The first one lets the requests in flight finish, and ends every wait. The second one abandons
    them. Neither cuts the report short.
    """
    signals = stop_on_signals(stop, partial(console.say, MESSAGE))
    click.get_current_context().with_resource(signals)

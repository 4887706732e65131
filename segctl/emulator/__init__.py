"""SendGrid Marketing Campaigns, emulated: the account that the sandbox and the tests talk to.

`Emulator.handle` answers requests in memory, `serve` puts an emulator on a loopback socket.
Owns nothing of the client and imports nothing of it: a bug they shared would hide. What it
models, and what of it is documented, observed or guessed, is in the docstrings of its modules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from segctl.emulator import seed
from segctl.emulator.app import Emulator, LogEntry
from segctl.emulator.assumptions import FLIPPED, Assumption
from segctl.emulator.console import Console
from segctl.emulator.contacts import Contact, Event
from segctl.emulator.faults import Fault, Faults, Kind, parse_fault
from segctl.emulator.records import Record
from segctl.emulator.response import Delivery, Response
from segctl.emulator.settings import AccountPlan, ResetStyle, Settings
from segctl.emulator.store import StateError
from segctl.emulator.world import World

if TYPE_CHECKING:
    from segctl.emulator.server import Server, serve

__all__ = [
    "FLIPPED",
    "AccountPlan",
    "Assumption",
    "Console",
    "Contact",
    "Delivery",
    "Emulator",
    "Event",
    "Fault",
    "Faults",
    "Kind",
    "LogEntry",
    "Record",
    "ResetStyle",
    "Response",
    "Server",
    "Settings",
    "StateError",
    "World",
    "parse_fault",
    "seed",
    "serve",
]


def __getattr__(name: str) -> Any:
    """Load the socket server when it is first asked for: `http.server` is slow to import."""
    if name in ("Server", "serve"):
        from segctl.emulator import server  # noqa: PLC0415 - the point of this function.

        return getattr(server, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
